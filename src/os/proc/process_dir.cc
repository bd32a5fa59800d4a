#include "os/proc/process_dir.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <sstream>

#include "os/file.h"

namespace appshot::proc {

Fields parse_fields(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == '\t' || value.front() == ' '))
      value.remove_prefix(1);
    fields.emplace(std::string(line.substr(0, colon)), std::string(value));
  }
  return fields;
}

std::string field(const Fields& fields, std::string_view key) {
  auto found = fields.find(key);
  return found == fields.end() ? std::string() : found->second;
}

uint64_t field_number(const Fields& fields, std::string_view key, int base) {
  return std::strtoull(field(fields, key).c_str(), nullptr, base);
}

pid_t innermost(const Fields& status, std::string_view key) {
  std::string value = field(status, key);
  size_t tab = value.find_last_of("\t ");
  return static_cast<pid_t>(std::atoi(value.c_str() + (tab == std::string::npos ? 0 : tab + 1)));
}

Result<Stat> parse_stat(std::string_view text) {
  Stat stat;
  size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open ||
      text.size() < close + 2)
    return Error(ErrorClass::corrupt, "stat line not understood: " + std::string(text));
  stat.pid = static_cast<pid_t>(std::atoi(std::string(text.substr(0, open)).c_str()));
  stat.name = std::string(text.substr(open + 1, close - open - 1));

  // Fields are numbered from 1 in proc(5); the state is the third.
  std::istringstream rest{std::string(text.substr(close + 2))};
  std::vector<std::string> fields(3);
  for (std::string value; rest >> value;) fields.push_back(value);
  if (fields.size() < 53) return Error(ErrorClass::corrupt, "stat line is too short");
  auto number = [&](size_t index) { return std::strtoull(fields[index].c_str(), nullptr, 10); };
  auto id = [&](size_t index) { return std::atoi(fields[index].c_str()); };
  stat.state = fields[3][0];
  stat.parent = id(4);
  stat.group = id(5);
  stat.session = id(6);
  stat.tty = static_cast<uint32_t>(id(7));
  stat.tty_group = id(8);
  stat.flags = number(9);
  stat.start_time = number(22);
  stat.start_code = number(26);
  stat.end_code = number(27);
  stat.start_stack = number(28);
  stat.exit_signal = id(38);
  stat.start_data = number(45);
  stat.end_data = number(46);
  stat.start_brk = number(47);
  stat.arg_start = number(48);
  stat.arg_end = number(49);
  stat.env_start = number(50);
  stat.env_end = number(51);
  stat.exit_code = id(52);
  return stat;
}

Result<ProcessDir> ProcessDir::open(HostPid pid) {
  Result<UniqueFd> folder = open_file("/proc/" + std::to_string(pid.value), O_RDONLY | O_DIRECTORY);
  if (!folder) return folder.take_error().as(ErrorClass::gone);
  return ProcessDir(pid, std::move(folder).value());
}

Result<std::string> ProcessDir::read(const std::string& name) const {
  return read_file_at(folder_.get(), name);
}

Result<std::string> ProcessDir::link(const std::string& name) const {
  return read_link_at(folder_.get(), name);
}

Result<Stat> ProcessDir::stat() const { return parse_stat(TRY(read("stat"))); }

Result<Stat> ProcessDir::stat_of_thread(HostPid tid) const {
  return parse_stat(TRY(read("task/" + std::to_string(tid.value) + "/stat")));
}

Result<Fields> ProcessDir::status() const { return parse_fields(TRY(read("status"))); }

Result<Fields> ProcessDir::status_of_thread(HostPid tid) const {
  return parse_fields(TRY(read("task/" + std::to_string(tid.value) + "/status")));
}

Result<std::vector<Mapping>> ProcessDir::mappings() const {
  return parse_smaps(TRY(read("smaps")));
}

Result<std::vector<Mapping>> ProcessDir::mapped_ranges() const {
  return parse_smaps(TRY(read("maps")));
}

Result<std::vector<int>> ProcessDir::numbers_in(const char* name) const {
  UniqueFd fd = TRY(open_at(folder_.get(), name, O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.get()), ::closedir);
  if (!dir) return Error::from_errno(errno, "fdopendir");
  fd.release();
  std::vector<int> numbers;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] == '.') continue;
    numbers.push_back(std::atoi(entry->d_name));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<std::vector<HostPid>> ProcessDir::threads() const {
  std::vector<HostPid> tids;
  for (int tid : TRY(numbers_in("task"))) tids.push_back(HostPid{tid});
  // Ids wrap around: the leader need not be the smallest.
  auto leader = std::find(tids.begin(), tids.end(), pid_);
  if (leader != tids.end()) std::rotate(tids.begin(), leader, leader + 1);
  return tids;
}

Result<std::vector<int>> ProcessDir::descriptors() const { return numbers_in("fd"); }

}  // namespace appshot::proc
