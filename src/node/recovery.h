// A daemon that starts finds the instances and snapshots of the one before it.
#pragma once

#include "node/lifecycle.h"
#include "node/node.h"
#include "node/snapshots.h"

namespace appshot {

// Before the first request is answered: every living instance has a connection to its harness or a
// new harness on the way, every record says what is true now.
Result<> recover(Node& node, Lifecycle& lifecycle, Snapshots& snapshots);

}  // namespace appshot
