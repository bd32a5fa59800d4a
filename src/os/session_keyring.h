// The session of a process as the kernel knows it for keys (add_key, keyctl).
#pragma once

#include "base/result.h"

namespace appshot {

// One in which there are no keys, for the caller and whoever it makes. Nothing on a kernel without
// keys.
Result<> begin_key_session();

}  // namespace appshot
