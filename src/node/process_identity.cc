#include "node/process_identity.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "os/unique_fd.h"

namespace appshot {
namespace {

struct Stat {
  char state = 0;
  uint64_t start_time = 0;
};

Stat read_stat(pid_t pid) {
  std::array<char, 1024> text{};
  UniqueFd file(::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || ::read(file.get(), text.data(), text.size() - 1) <= 0) return {};
  // The second field is the name in parentheses and may hold anything, parentheses included.
  const char* after_name = std::strrchr(text.data(), ')');
  if (after_name == nullptr) return {};
  Stat stat;
  unsigned long long start = 0;
  int read = std::sscanf(after_name,
                         ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
                         "%*d %*d %llu",
                         &stat.state, &start);
  if (read != 2) return {};
  stat.start_time = start;
  return stat;
}

}  // namespace

ProcessIdentity identify_process(pid_t pid) { return {pid, read_stat(pid).start_time}; }

bool is_running(const ProcessIdentity& process) {
  if (process.pid <= 0) return false;
  Stat stat = read_stat(process.pid);
  return stat.start_time == process.start_time && stat.state != 0 && stat.state != 'Z' &&
         stat.state != 'X';
}

}  // namespace appshot
