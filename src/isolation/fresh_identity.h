// What tells one host from all others and lies in its files: a clone gets its own in the place of
// what its template has. Only its private layer is written, and only when it is made: from then on
// these files are like any others of it.
//
//   /etc/machine-id, /var/lib/dbus/machine-id   another id, the same in both
//   /etc/hostid, random-seed files              fresh bytes, as many as there were
//   /etc/ssh/ssh_host_*_key and .pub            taken away here, made again by init/host_keys
//
// What is not there is not made, and of the host's own keys, which every instance over the host's
// files sees, no clone has others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace appshot {

// That has been taken away.
struct HostKey {
  std::string path;
  std::string type;  // as ssh-keygen calls it; empty: nobody knows how to make one
  int bits = 0;      // 0: as is usual
  std::string comment;
  bool operator==(const HostKey&) const = default;
};

// `public_part`: what its .pub file says.
HostKey parse_host_key(const std::string& path, std::string_view public_part);

// Below a root that is being assembled, before anything is led elsewhere in it.
Result<std::vector<HostKey>> give_fresh_identity(int root, bool shows_host);

}  // namespace appshot
