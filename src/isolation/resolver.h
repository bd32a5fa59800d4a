// Where names are resolved: a host may ask a name server on its own loopback, which is not an
// instance's.
#pragma once

#include <string>

#include "base/result.h"

namespace appshot {

// Whether all the servers that a resolv.conf names are on loopback, of which there is one at least.
bool names_only_loopback(const std::string& resolv_conf);

// Below `root`, which shows the host's files, resolv.conf is what the host's resolver itself asks,
// where it tells (systemd-resolved); else it stays as it is.
Result<> bypass_local_resolver(const std::string& root);

}  // namespace appshot
