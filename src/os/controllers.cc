#include "os/controllers.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/size.h"
#include "os/file.h"

namespace appshot {
namespace {

constexpr int64_t kMemoryMin = 8 << 20;
constexpr double kCpusMin = 0.01;
constexpr int64_t kCpuPeriodUs = 100'000;
constexpr int64_t kInit = 1;  // is ours, and in the group

// Of "name value" lines; 0: there is none of that name.
int64_t number_named(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  std::string found;
  for (int64_t value = 0; lines >> found >> value;)
    if (found == name) return value;
  return 0;
}

std::string parent_of(const std::string& folder) { return folder.substr(0, folder.rfind('/')); }

std::string below(const std::string& group, const std::string& root) {
  return group.substr(root.size());
}

Error too_much(const InstanceLimits& limits, const std::string& used) {
  return Error(ErrorClass::exhausted, "it has more memory than its limit of " +
                                          size_text(limits.memory_bytes) + " allows" +
                                          (used.empty() ? "" : ": " + used))
      .hint(
          "nothing of it runs: a restore makes each process's memory its own, also what was "
          "shared since a fork");
}

}  // namespace

Result<> check_limits(const InstanceLimits& limits) {
  auto refuse = [](const std::string& what) { return Error(ErrorClass::usage, what); };
  if (limits.memory_bytes != 0 && limits.memory_bytes < kMemoryMin)
    return refuse("a limit of memory is at least " + size_text(kMemoryMin));
  if (limits.cpus != 0 && !(limits.cpus >= kCpusMin && std::isfinite(limits.cpus)))
    return refuse("a limit of processors is at least 0.01");
  if (limits.pids < 0) return refuse("a limit of processes is at least 1");
  return {};
}

ControllerPlaces controller_places(const std::string& mountinfo, const std::string& in_unified) {
  ControllerPlaces places;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    const size_t dash = line.find(" - cgroup");
    if (dash == std::string::npos) continue;
    std::istringstream before(line), after(line.substr(dash + 3));
    std::string id, parent, device, root, point, type, source, options;
    before >> id >> parent >> device >> root >> point;
    after >> type >> source >> options;
    if (type == "cgroup2" && places.unified.empty()) places.unified = point;
    if (type != "cgroup") continue;
    std::istringstream names(options);
    for (std::string name; std::getline(names, name, ',');) places.own.emplace(name, point);
  }
  std::istringstream names(in_unified);
  for (std::string name; names >> name;) places.in_unified.insert(name);
  return places;
}

Result<ControllerPlaces> find_controllers() {
  const std::string mountinfo = TRY(read_file("/proc/self/mountinfo"));
  const std::string unified = controller_places(mountinfo, "").unified;
  if (unified.empty())
    return Error(ErrorClass::unsupported, "cgroup v2 is not mounted on this machine");
  return controller_places(mountinfo, TRY(read_file(unified + "/cgroup.controllers")));
}

Result<LimitedGroups> LimitedGroups::plan(const InstanceLimits& limits, const std::string& group,
                                          const ControllerPlaces& places) {
  LimitedGroups planned;
  planned.limits_ = limits;
  planned.places_ = places;
  struct Wanted {
    bool is;
    const char *controller, *what;
  };
  for (const Wanted& one : {Wanted{limits.memory_bytes != 0, "memory", "memory"},
                            Wanted{limits.cpus != 0, "cpu", "processors"},
                            Wanted{limits.pids != 0, "pids", "processes"}}) {
    if (!one.is) continue;
    const auto own = places.own.find(one.controller);
    if (places.in_unified.contains(one.controller)) {
      planned.groups_[one.controller] = {group, true};
    } else if (own != places.own.end()) {
      planned.groups_[one.controller] = {own->second + below(group, places.unified), false};
    } else {
      return Error(ErrorClass::unsupported, std::string("this machine cannot limit ") + one.what +
                                                ": it has no " + one.controller + " controller");
    }
  }
  return planned;
}

Result<LimitedGroups> LimitedGroups::plan(const InstanceLimits& limits, const std::string& group) {
  if (!limits.any()) return LimitedGroups();
  return plan(limits, group, TRY(find_controllers()));
}

Result<> refuse_if_not_here(const InstanceLimits& limits) {
  const ControllerPlaces places = TRY(find_controllers());
  TRY(LimitedGroups::plan(limits, places.unified, places));
  return {};
}

// A controller is there for the members of a folder when all above have it enabled.
Result<> LimitedGroups::enable_unified(const std::string& controller) const {
  const std::string group = groups_.at(controller).folder;
  std::string folder = places_.unified;
  for (size_t at = folder.size(); at != std::string::npos; at = group.find('/', at + 1)) {
    folder = group.substr(0, at);
    Result<> enabled = write_file(folder + "/cgroup.subtree_control", "+" + controller);
    if (!enabled)
      return std::move(std::move(enabled)
                           .within("this machine cannot limit " + controller + " in " + folder)
                           .take_error())
          .as(ErrorClass::unsupported);
  }
  return {};
}

Result<> LimitedGroups::create() const {
  for (const auto& [controller, group] : groups_)
    TRY(group.unified ? enable_unified(controller) : make_folders(group.folder));
  return {};
}

Result<std::vector<UniqueFd>> LimitedGroups::entries() const {
  std::vector<UniqueFd> entries;
  std::set<std::string> folders;  // one hierarchy may have several controllers
  for (const auto& [controller, group] : groups_)
    if (!group.unified && folders.insert(group.folder).second)
      entries.push_back(TRY(open_file(group.folder + "/cgroup.procs", O_WRONLY)));
  return entries;
}

Result<> LimitedGroups::impose() const {
  for (const auto& [controller, group] : groups_)
    TRY(controller == "memory" ? limit_memory(group)
        : controller == "cpu"  ? limit_cpus(group)
                               : limit_pids(group));
  return {};
}

// Swap would only put off the end. What is in use beyond the limit is given back if it can be, or
// the limit fails (v1); v2 would end processes, so that is asked before.
Result<> LimitedGroups::limit_memory(const Group& group) const {
  const std::string bytes = std::to_string(limits_.memory_bytes);
  const std::string file = group.folder + "/memory.";
  if (group.unified) {
    const std::string stat = TRY(read_file(file + "stat"));
    const int64_t kept =
        number_named(stat, "anon") + number_named(stat, "shmem") + number_named(stat, "kernel");
    if (kept > limits_.memory_bytes) return too_much(limits_, size_text(kept));
    TRY(write_file(file + "max", bytes));
    if (::access((file + "swap.max").c_str(), F_OK) == 0) TRY(write_file(file + "swap.max", "0"));
    return {};
  }
  Result<> limited = write_file(file + "limit_in_bytes", bytes);
  if (!limited && limited.error().err() == EBUSY) return too_much(limits_, "");
  TRY(std::move(limited));
  const std::string with_swap = file + "memsw.limit_in_bytes";
  if (::access(with_swap.c_str(), F_OK) == 0) TRY(write_file(with_swap, bytes));
  return {};
}

Result<> LimitedGroups::limit_cpus(const Group& group) const {
  const std::string quota =
      std::to_string(std::llround(limits_.cpus * static_cast<double>(kCpuPeriodUs)));
  const std::string period = std::to_string(kCpuPeriodUs);
  if (group.unified) return write_file(group.folder + "/cpu.max", quota + " " + period);
  TRY(write_file(group.folder + "/cpu.cfs_period_us", period));
  return write_file(group.folder + "/cpu.cfs_quota_us", quota);
}

Result<> LimitedGroups::limit_pids(const Group& group) const {
  return write_file(group.folder + "/pids.max", std::to_string(limits_.pids + kInit));
}

Result<UniqueFd> LimitedGroups::watch_memory() const {
  const auto memory = groups_.find("memory");
  if (memory == groups_.end()) return UniqueFd();
  const std::string& folder = memory->second.folder;
  if (memory->second.unified) return open_file(folder + "/memory.events", O_RDONLY);
  UniqueFd event(TRY_SYS(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  const UniqueFd control = TRY(open_file(folder + "/memory.oom_control", O_RDONLY));
  TRY(write_file(folder + "/cgroup.event_control",
                 std::to_string(event.get()) + " " + std::to_string(control.get())));
  return event;
}

int64_t LimitedGroups::memory_kills() const {
  const auto memory = groups_.find("memory");
  if (memory == groups_.end()) return 0;
  const std::string file = memory->second.unified ? "/memory.events" : "/memory.oom_control";
  return number_named(read_file(memory->second.folder + file).value_or(""), "oom_kill");
}

Result<> remove_limited_groups(const std::string& group) {
  const ControllerPlaces places = TRY(find_controllers());
  for (const char* controller : {"memory", "cpu", "pids"}) {
    const auto own = places.own.find(controller);
    if (own == places.own.end()) continue;
    const std::string folder = own->second + below(group, places.unified);
    if (::rmdir(folder.c_str()) != 0 && errno != ENOENT)
      return Error::from_errno(errno, "rmdir " + folder);
    // The common parent goes with the last instance of the machine.
    ::rmdir(parent_of(folder).c_str());
  }
  return {};
}

}  // namespace appshot
