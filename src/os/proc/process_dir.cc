#include "os/proc/process_dir.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "os/file.h"

namespace appshot::proc {

std::string field(const Fields& fields, std::string_view key) {
  for (std::string_view rest = fields.text; !rest.empty();) {
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.size() <= key.size() || line[key.size()] != ':' || !line.starts_with(key)) continue;
    line.remove_prefix(key.size() + 1);
    line.remove_prefix(std::min(line.find_first_not_of("\t "), line.size()));
    return std::string(line);
  }
  return {};
}

uint64_t field_number(const Fields& fields, std::string_view key, int base) {
  return std::strtoull(field(fields, key).c_str(), nullptr, base);
}

namespace {

std::vector<int> ids_of(const Fields& status, std::string_view key) {
  std::istringstream text(field(status, key));
  std::vector<int> ids;
  for (int id; text >> id;) ids.push_back(id);
  return ids;
}

}  // namespace

pid_t innermost(const Fields& status, std::string_view key) {
  const std::vector<int> ids = ids_of(status, key);
  return ids.empty() ? 0 : ids.back();
}

pid_t id_inside(const Fields& status, std::string_view key) {
  const std::vector<int> ids = ids_of(status, key);
  return ids.empty() ? 0 : ids[std::min<size_t>(1, ids.size() - 1)];
}

std::vector<int> nested_ids(const Fields& status, std::string_view key, size_t above) {
  std::vector<int> ids = ids_of(status, key);
  ids.erase(ids.begin(), ids.begin() + static_cast<long>(std::min(above, ids.size())));
  return ids;
}

pid_t id_seen_by(const Fields& viewer, const Fields& status, std::string_view key) {
  const std::vector<int> ids = ids_of(status, key);
  const size_t depth = ids_of(viewer, "NSpid").size();
  return depth == 0 || depth > ids.size() ? 0 : ids[depth - 1];
}

bool has_ended(const Fields& status) {
  const std::string state = field(status, "State");
  return state.starts_with('Z') || state.starts_with('X');
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
  constexpr size_t kFields = 53;
  std::array<std::string_view, kFields> fields;
  std::string_view rest = text.substr(close + 2);
  size_t count = 3;
  for (; count < kFields && !rest.empty(); ++count) {
    size_t end = std::min(rest.find_first_of(" \n"), rest.size());
    fields[count] = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (count < kFields || fields[3].empty())
    return Error(ErrorClass::corrupt, "stat line is too short");
  auto number = [&](size_t index) {
    uint64_t value = 0;
    std::from_chars(fields[index].data(), fields[index].data() + fields[index].size(), value);
    return value;
  };
  auto id = [&](size_t index) {
    int value = 0;
    std::from_chars(fields[index].data(), fields[index].data() + fields[index].size(), value);
    return value;
  };
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

Result<std::string> ProcessDir::record(const std::string& name) const {
  return read_record_at(folder_.get(), name);
}

Result<Stat> ProcessDir::stat() const { return parse_stat(TRY(record("stat"))); }

Result<Stat> ProcessDir::stat_of_thread(HostPid tid) const {
  return parse_stat(TRY(record("task/" + std::to_string(tid.value) + "/stat")));
}

Result<Fields> ProcessDir::status() const { return Fields{TRY(record("status"))}; }

Result<Fields> ProcessDir::status_of_thread(HostPid tid) const {
  return Fields{TRY(record("task/" + std::to_string(tid.value) + "/status"))};
}

Result<std::vector<Mapping>> ProcessDir::mappings() const {
  return parse_smaps(TRY(read("smaps")));
}

Result<std::vector<Mapping>> ProcessDir::mapped_ranges() const {
  return parse_smaps(TRY(read("maps")));
}

Result<std::vector<int>> ProcessDir::numbers_in(const char* name) const {
  std::vector<int> numbers;
  for (const std::string& entry : TRY(list_folder_at(folder_.get(), name)))
    numbers.push_back(std::atoi(entry.c_str()));
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

Result<bool> ProcessDir::waits_for_start(HostPid tid, const Fields& status) const {
  if (!field(status, "State").starts_with('D')) return false;
  const long call = std::atol(TRY(read("task/" + std::to_string(tid.value) + "/syscall")).c_str());
  return call == SYS_vfork || call == SYS_clone || call == SYS_clone3;
}

}  // namespace appshot::proc
