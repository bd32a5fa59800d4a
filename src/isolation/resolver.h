// Where names are resolved: a host may ask a name server on its own loopback, which is not an
// instance's.
#pragma once

#include <string>

#include "base/result.h"

namespace appshot {

// What `info` of an instance calls the resolv.conf that was made for it, where its node asks names
// for it.
inline constexpr char kOwnResolvConf[] = "/resolv.conf";

// Below `root`, which shows the host's files, resolv.conf is the instance's own, if `info` has one;
// or what the host's resolver itself asks, where it tells (systemd-resolved); else it stays as it
// is.
Result<> bypass_local_resolver(const std::string& root, const std::string& info);

// Below a root that has nothing of the host's files: resolv.conf as above, and the host's hosts,
// whatever is there. `info` is empty for who shares the host's network, and its name servers.
Result<> lend_resolver(int root, const std::string& info);

}  // namespace appshot
