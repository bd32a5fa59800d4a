// Which name servers a machine asks (resolv.conf(5)). One may be on its loopback, which is not an
// instance's: systemd-resolved, Docker's, a dnsmasq or unbound of its own.
#pragma once

#include <string>
#include <vector>

#include "os/ip_address.h"

namespace appshot {

inline constexpr char kResolvConf[] = "/etc/resolv.conf";

// In their order; one with a device (fe80::1%eth0) is not among them.
std::vector<IpAddress> name_servers_in(const std::string& resolv_conf);
// Whether all of them are on loopback, of which there is one at least.
bool names_only_loopback(const std::string& resolv_conf);
// All that it says of searching, and that server alone.
std::string with_name_server(const std::string& resolv_conf, const IpAddress& server);

// Where this machine's resolver on loopback tells whom it asks itself; empty: it does not tell, or
// that is on loopback as well, or there is none.
std::string upstream_resolv_conf();
// Only a program of this machine can ask the servers that it names.
bool has_only_local_names();

}  // namespace appshot
