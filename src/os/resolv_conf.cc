#include "os/resolv_conf.h"

#include <sstream>

#include "os/file.h"

namespace appshot {
namespace {

constexpr char kSystemdUpstream[] = "/run/systemd/resolve/resolv.conf";

// Calls `take` with each line, and the server that it names, or nothing.
template <typename Take>
void for_each_line(const std::string& resolv_conf, Take take) {
  std::istringstream lines(resolv_conf);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string keyword, server;
    const bool is_server = words >> keyword >> server && keyword == "nameserver";
    take(line, is_server ? server : "");
  }
}

}  // namespace

std::vector<IpAddress> name_servers_in(const std::string& resolv_conf) {
  std::vector<IpAddress> servers;
  for_each_line(resolv_conf, [&](const std::string&, const std::string& server) {
    if (std::optional<IpAddress> address = IpAddress::parse(server)) servers.push_back(*address);
  });
  return servers;
}

bool names_only_loopback(const std::string& resolv_conf) {
  bool has_server = false, has_another = false;
  for_each_line(resolv_conf, [&](const std::string&, const std::string& server) {
    if (server.empty()) return;
    has_server = true;
    if (!server.starts_with("127.") && server != "::1") has_another = true;
  });
  return has_server && !has_another;
}

std::string with_name_server(const std::string& resolv_conf, const IpAddress& server) {
  std::string text = "nameserver " + server.text() + "\n";
  for_each_line(resolv_conf, [&](const std::string& line, const std::string& named) {
    if (named.empty()) text += line + "\n";
  });
  return text;
}

std::string upstream_resolv_conf() {
  const Result<std::string> upstream = read_file(kSystemdUpstream);
  const bool can_be_asked =
      upstream && !names_only_loopback(*upstream) && !name_servers_in(*upstream).empty();
  return can_be_asked ? kSystemdUpstream : "";
}

bool has_only_local_names() {
  const Result<std::string> asked = read_file(kResolvConf);
  return asked && names_only_loopback(*asked) && upstream_resolv_conf().empty();
}

}  // namespace appshot
