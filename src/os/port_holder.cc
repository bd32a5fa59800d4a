#include "os/port_holder.h"

#include <cstdio>
#include <set>
#include <sstream>

#include "os/file.h"

namespace appshot {
namespace {

// The sockets that are bound to it, as links in /proc/PID/fd show them.
std::set<std::string> sockets_at(uint16_t port, bool udp) {
  std::set<std::string> sockets;
  for (const char* family : {"", "6"}) {
    std::string table = "/proc/thread-self/net/";
    table += udp ? "udp" : "tcp";
    table += family;
    std::istringstream lines(read_file(table).value_or(""));
    std::string line;
    std::getline(lines, line);  // the heading
    while (std::getline(lines, line)) {
      unsigned local = 0, inode = 0;
      char state[3] = "";
      // slot, local address, remote address, state, queues, timer, retransmits, user, timeout,
      // inode
      const int read = std::sscanf(line.c_str(), "%*s %*[0-9A-F]:%x %*s %2s %*s %*s %*s %*s %*s %u",
                                   &local, state, &inode);
      constexpr const char* kListening = "0A";
      if (read == 3 && local == port && (udp || std::string(state) == kListening))
        sockets.insert("socket:[" + std::to_string(inode) + "]");
    }
  }
  return sockets;
}

bool has_one_of(const std::string& folder, const std::set<std::string>& sockets) {
  for (const std::string& fd : list_folder(folder).value_or({}))
    if (Result<std::string> link = read_link(folder + "/" + fd); link && sockets.contains(*link))
      return true;
  return false;
}

}  // namespace

std::string holder_of_port(uint16_t port, bool udp) {
  const std::set<std::string> sockets = sockets_at(port, udp);
  if (sockets.empty()) return "";
  for (const std::string& pid : list_folder("/proc").value_or({})) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!has_one_of("/proc/" + pid + "/fd", sockets)) continue;
    std::string name = read_file("/proc/" + pid + "/comm").value_or("");
    if (!name.empty()) name.pop_back();
    return "process " + pid + " (" + name + ")";
  }
  return "";
}

}  // namespace appshot
