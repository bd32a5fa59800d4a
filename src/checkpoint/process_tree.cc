#include "checkpoint/process_tree.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <map>
#include <set>

#include "os/file.h"
#include "os/proc/process_dir.h"
#include "resources/maker.h"
#include "resources/namespaces.h"

namespace appshot {
namespace {

// The stat of every process of the instance, in its own ids.
Result<std::map<pid_t, proc::Stat>> stats_inside(const InstanceView& instance) {
  UniqueFd folder = TRY(open_at(instance.proc.get(), ".", O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(folder.get()), ::closedir);
  if (!dir) return Error::from_errno(errno, "fdopendir");
  folder.release();
  std::map<pid_t, proc::Stat> stats;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    Result<std::string> text =
        read_file_at(instance.proc.get(), std::string(entry->d_name) + "/stat");
    if (!text) continue;
    proc::Stat stat = TRY(proc::parse_stat(*text));
    stats.emplace(stat.pid, std::move(stat));
  }
  return stats;
}

Result<std::unique_ptr<image::ProcessT>> zombie(CaptureContext& context, const proc::Stat& stat) {
  auto process = std::make_unique<image::ProcessT>();
  process->pid = stat.pid;
  process->parent = stat.parent;
  process->group = stat.group;
  process->session = stat.session;
  process->name = stat.name;
  process->state = image::ProcessState::zombie;
  process->exit_status = stat.exit_code;
  process->exit_signal = stat.exit_signal;
  const int proc = context.instance.proc.get();
  const std::string folder = std::to_string(stat.pid) + "/";
  const proc::Fields status{TRY(read_file_at(proc, folder + "status"))};
  process->ended_user = static_cast<uint32_t>(proc::field_number(status, "Uid"));
  process->ended_group = static_cast<uint32_t>(proc::field_number(status, "Gid"));
  // This /proc begins with the instance's own ids.
  process->nested_ids = proc::nested_ids(status, "NStgid", 1);
  process->nested_groups = proc::nested_ids(status, "NSpgid", 1);
  process->nested_sessions = proc::nested_ids(status, "NSsid", 1);
  if (process->nested_ids.empty()) return process;
  process->namespaces.push_back(TRY(namespaces::capture(
      context, "pid", "/proc/self/fd/" + std::to_string(proc) + "/" + folder + "ns/pid")));
  return process;
}

// A pid namespace that can be named has had its first process; with that all others end.
void find_lived_in(image::ImageT& image) {
  for (const auto& process : image.processes)
    if (process->state != image::ProcessState::zombie)
      for (int index : process->namespaces)
        image.namespaces[static_cast<size_t>(index)]->ended = false;
}

// Its parent hears of its end only when its tracer has.
Result<> refuse_traced_zombie(const InstanceView& instance, const proc::Stat& stat) {
  const proc::Fields status =
      proc::Fields{TRY(read_file_at(instance.proc.get(), std::to_string(stat.pid) + "/status"))};
  const auto tracer = static_cast<pid_t>(proc::field_number(status, "TracerPid"));
  if (tracer == 0 || tracer == stat.parent) return {};
  return Error(ErrorClass::refused, "process " + std::to_string(stat.pid) +
                                        " has ended, and process " + std::to_string(tracer) +
                                        ", which traces it, has not heard of it")
      .hint("let its tracer wait for it");
}

}  // namespace

Result<> complete_tree(CaptureContext& context) {
  const InstanceView& instance = context.instance;
  auto& processes = context.image.processes;
  std::map<pid_t, proc::Stat> stats = TRY(stats_inside(instance));
  std::map<pid_t, std::unique_ptr<image::ProcessT>> left;
  for (auto& process : processes) {
    auto stat = stats.find(process->pid);
    if (stat == stats.end())
      return Error(ErrorClass::gone, "process " + std::to_string(process->pid) + " has ended");
    process->parent = stat->second.parent;
    left.emplace(process->pid, std::move(process));
  }
  processes.clear();
  for (const auto& [pid, stat] : stats)
    if (stat.state == 'Z' && left.count(pid) == 0 && stat.parent != 0) {
      TRY(refuse_traced_zombie(instance, stat));
      left.emplace(pid, TRY(zombie(context, stat)));
    }

  std::set<pid_t> placed{1};
  while (!left.empty()) {
    bool progress = false;
    for (auto at = left.begin(); at != left.end();) {
      if (placed.count(at->second->parent) == 0 || placed.count(maker_of(*at->second)) == 0) {
        ++at;
        continue;
      }
      placed.insert(at->first);
      processes.push_back(std::move(at->second));
      at = left.erase(at);
      progress = true;
    }
    if (!progress)
      return Error(ErrorClass::refused, "process " + std::to_string(left.begin()->first) +
                                            " has a parent outside of the application");
  }
  find_lived_in(context.image);
  return {};
}

}  // namespace appshot
