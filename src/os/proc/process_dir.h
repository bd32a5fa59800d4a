// An open /proc/PID: everything read from it is about the same process, even if the pid is reused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/pids.h"
#include "os/proc/maps.h"
#include "os/unique_fd.h"

namespace appshot::proc {

// "Key:\tvalue" lines, as in status and fdinfo. Few of many are asked for, so they stay as they
// are.
struct Fields {
  std::string text;
};
std::string field(const Fields& fields, std::string_view key);  // the first, "" when absent
uint64_t field_number(const Fields& fields, std::string_view key, int base = 10);

struct Stat {
  pid_t pid = 0;
  std::string name;
  char state = '?';
  pid_t parent = 0, group = 0, session = 0;
  uint32_t tty = 0;
  pid_t tty_group = 0;
  uint64_t flags = 0;
  uint64_t start_time = 0;
  uint64_t start_code = 0, end_code = 0, start_stack = 0;
  uint64_t start_data = 0, end_data = 0, start_brk = 0;
  uint64_t arg_start = 0, arg_end = 0, env_start = 0, env_end = 0;
  int exit_signal = 0;
  int exit_code = 0;
};
Result<Stat> parse_stat(std::string_view text);

class ProcessDir {
 public:
  static Result<ProcessDir> open(HostPid pid);

  HostPid pid() const { return pid_; }
  int folder() const { return folder_.get(); }

  Result<std::string> read(const std::string& name) const;
  // Of a file that the kernel writes as one piece, as most of those here.
  Result<std::string> record(const std::string& name) const;
  Result<std::string> link(const std::string& name) const;
  Result<Stat> stat() const;
  Result<Stat> stat_of_thread(HostPid tid) const;
  Result<Fields> status() const;
  Result<Fields> status_of_thread(HostPid tid) const;
  Result<std::vector<Mapping>> mappings() const;
  // Only where they are and of what; without the walk through every page that the rest takes.
  Result<std::vector<Mapping>> mapped_ranges() const;
  Result<std::vector<HostPid>> threads() const;  // the leader first
  Result<std::vector<int>> descriptors() const;  // ascending
  // Whether it waits in the kernel for a process it has made to begin a program, or end (vfork).
  // Until then nothing but its death wakes it.
  Result<bool> waits_for_start(HostPid tid, const Fields& status) const;

 private:
  ProcessDir(HostPid pid, UniqueFd folder) : pid_(pid), folder_(std::move(folder)) {}
  Result<std::vector<int>> numbers_in(const char* folder) const;

  HostPid pid_;
  UniqueFd folder_;
};

// NSpid, NSpgid, NSsid … tell what a task is called in each pid namespace that it is in, ours
// first. Its own, innermost one.
pid_t innermost(const Fields& status, std::string_view key);
// The instance's, which is the one below ours. Of a task that is in none: ours.
pid_t id_inside(const Fields& status, std::string_view key);
// Those below the instance's; `above`: how many the reader sees before them.
std::vector<int> nested_ids(const Fields& status, std::string_view key, size_t above = 2);
// What another one's namespace calls it; 0: it cannot be seen from there.
pid_t id_seen_by(const Fields& viewer, const Fields& status, std::string_view key);

// A zombie, or on its way there.
bool has_ended(const Fields& status);

}  // namespace appshot::proc
