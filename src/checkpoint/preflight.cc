#include "checkpoint/preflight.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include <chrono>
#include <thread>

#include "checkpoint/shared_parts.h"
#include "checkpoint/waiting_threads.h"
#include "os/file.h"
#include "os/kcmp.h"
#include "os/parallel.h"
#include "resources/aio/aio.h"
#include "resources/file_kind.h"
#include "resources/memory/capture_memory.h"
#include "resources/mounts/forbidden_uses.h"
#include "resources/namespaces.h"
#include "resources/networks/networks.h"
#include "resources/pipes/pipe.h"
#include "resources/process_files/ended_root.h"
#include "resources/process_files/process_file.h"
#include "resources/unix_sockets/connections.h"

namespace appshot {
namespace {

constexpr int kLooks = 5;
constexpr int kPatientLooks = 100;
constexpr std::chrono::milliseconds kBetweenLooks{5};

struct NamespaceName {
  const char* file;
  const char* words;
};
constexpr NamespaceName kNamespaces[] = {{"pid", "pid"},       {"mnt", "mount"}, {"net", "network"},
                                         {"ipc", "ipc"},       {"uts", "uts"},   {"user", "user"},
                                         {"cgroup", "cgroup"}, {"time", "time"}};

// The instance's own, and what stands in the way of those that the application has made. Used by
// several threads at once; each namespace is looked into once, however many live there.
class Namespaces {
 public:
  explicit Namespaces(const InstanceView& instance) {
    for (const NamespaceName& name : kNamespaces)
      if (Result<std::string> link =
              read_link("/proc/" + std::to_string(instance.init.value) + "/ns/" + name.file))
        own_[name.file] = *link;
  }

  // Whether the link of a process leads elsewhere; what cannot be told is none of its own.
  bool is_made(const std::string& kind, const Result<std::string>& link) const {
    auto own = own_.find(kind);
    return link && own != own_.end() && *link != own->second;
  }

  std::string obstacle(const std::string& kind, const std::string& link, HostPid of) {
    const std::lock_guard lock(mutex_);
    if (auto known = obstacles_.find(link); known != obstacles_.end()) return known->second;
    const std::string path = "/proc/" + std::to_string(of.value) + "/ns/" + kind;
    return obstacles_[link] = namespaces::obstacle(kind, path);
  }

 private:
  std::map<std::string, std::string> own_;
  std::mutex mutex_;
  std::map<std::string, std::string> obstacles_;
};

// An application may make namespaces of its own; not all are captured.
void find_nested_namespaces(Namespaces& namespaces, const ProcessSource& process,
                            Obstacles& obstacles) {
  constexpr const char* kHint = "start it without making namespaces (unshare, sandboxing options)";
  for (const auto& [file, words] : kNamespaces) {
    Result<std::string> own = process.dir.link(std::string("ns/") + file);
    if (!namespaces.is_made(file, own)) continue;
    if (const std::string why = namespaces.obstacle(file, *own, process.host); !why.empty())
      obstacles.add(process.words() + " lives in a " + words + " namespace of its own, " + why,
                    kHint);
  }
  Result<std::string> own = process.dir.link("ns/pid");
  Result<std::string> of_children = process.dir.link("ns/pid_for_children");
  if (Result<std::string> clocks = process.dir.link("ns/time"),
      of_children_too = process.dir.link("ns/time_for_children");
      clocks && of_children_too && *clocks != *of_children_too)
    obstacles.add(process.words() +
                      " has made a time namespace for its children, which cannot be "
                      "captured yet",
                  kHint);
  // Then it can make no threads any more, nor can a restore.
  const bool has_threads = proc::field_number(process.status, "Threads") > 1;
  if (has_threads && own && (!of_children || *of_children != *own))
    obstacles.add(process.words() +
                      " has threads and has made a pid namespace for its children, "
                      "which cannot be captured yet",
                  kHint);
}

bool has_namespace_of_its_own(const ProcessSource& process, const std::string& thread,
                              const char* file) {
  Result<std::string> own = process.dir.link("task/" + thread + "/ns/" + file);
  Result<std::string> common = process.dir.link(std::string("ns/") + file);
  // One in which nobody was born yet cannot be named; a thread that has ended has none.
  if (!own && common)
    return own.error().err() == ENOENT && process.dir.link("task/" + thread + "/ns/uts");
  return own && common && *own != *common;
}

struct SharedWords {
  SharedPart part;
  const char* words;
};

std::string thread_words(const ProcessSource& process, const proc::Fields& status) {
  return process.words() + ": its thread " + std::to_string(proc::id_inside(status, "NSpid"));
}

// Of its thread; some kinds are kept.
void find_entered_namespaces(Namespaces& namespaces, const ProcessSource& process, HostPid tid,
                             Obstacles& obstacles) {
  for (const auto& [kind, flag] : namespaces::kinds_of_threads()) {
    if (!has_namespace_of_its_own(process, std::to_string(tid.value), kind)) continue;
    const Result<std::string> own =
        process.dir.link("task/" + std::to_string(tid.value) + "/ns/" + kind);
    const Result<proc::Fields> status = process.dir.status_of_thread(tid);
    if (!own || !status || !namespaces.is_made(kind, own)) continue;
    if (const std::string why = namespaces.obstacle(kind, *own, tid); !why.empty())
      obstacles.add(
          thread_words(process, *status) + " has a " + kind + " namespace of its own, " + why,
          "start it without unshare or setns in threads");
  }
}

// A thread may have left what its process shares (unshare, setns). Folders of its own are kept.
void find_unshared_parts(Namespaces& namespaces, const ProcessSource& process,
                         Obstacles& obstacles) {
  if (proc::field_number(process.status, "Threads") == 1) return;
  for (HostPid tid : process.dir.threads().value_or({})) {
    if (tid == process.host) continue;
    std::vector<const char*> unshared;
    if (differ(process.host, tid, SharedPart::descriptors)) unshared.push_back("descriptors");
    for (const auto& [file, words] :
         {NamespaceName{"ipc", "an ipc namespace"}, NamespaceName{"mnt", "a mount namespace"},
          NamespaceName{"pid_for_children", "a pid namespace for its children"},
          NamespaceName{"time_for_children", "a time namespace for its children"}})
      if (has_namespace_of_its_own(process, std::to_string(tid.value), file))
        unshared.push_back(words);
    find_entered_namespaces(namespaces, process, tid, obstacles);
    if (unshared.empty()) continue;
    // One that is ending shares nothing any more.
    Result<proc::Fields> status = process.dir.status_of_thread(tid);
    if (!status || proc::has_ended(*status)) continue;
    for (const char* words : unshared)
      obstacles.add(thread_words(process, *status) + " has " + words +
                        " of its own, which cannot be captured yet",
                    "start it without unshare or setns in threads");
  }
}

void find_tracer(const InstanceView& instance, const ProcessSource& process, Obstacles& obstacles) {
  if (!is_traced_from_outside(instance, process.status)) return;
  obstacles.add(process.words() + " is traced by process " +
                    proc::field(process.status, "TracerPid") + " of this machine",
                "end the debugger or strace that is attached to it");
}

// A folder of /proc about a process is there again when that process is; a root must be there
// first, or be one that nobody can see into any more. It is there in the instance's own mount
// namespace.
void find_folder_obstacles(const InstanceView& instance, const Namespaces& namespaces,
                           const ProcessSource& process, Obstacles& obstacles) {
  const bool elsewhere = namespaces.is_made("mnt", process.dir.link("ns/mnt"));
  auto add = [&](const char* words, const std::string& link, const std::string& why) {
    obstacles.add(process.words() + " has as its " + words + " " + link + ", " + why +
                      (elsewhere ? ", in a mount namespace of its own" : ""),
                  "let it go elsewhere first");
  };
  Result<std::string> root = process.dir.link("root");
  if (root && !process_files::path_in_proc(*root).empty()) {
    const std::string why = process_files::why_root_not_kept(instance, process, *root);
    if (!why.empty() || elsewhere)
      add("root", *root, why.empty() ? "a folder about a process that has ended" : why);
    return;
  }
  Result<std::string> cwd = process.dir.link("cwd");
  if (!cwd || process_files::path_in_proc(*cwd).empty()) return;
  const bool ended = cwd->ends_with(" (deleted)");
  if (ended || elsewhere)
    add("working directory", *cwd,
        ended ? "of a process that has ended" : "a folder about a process");
}

// A running process may close a descriptor, or open it anew, while it is being looked at.
bool has_changed(const DescriptorRef& ref) {
  Result<std::string> link = ref.process.dir.link("fd/" + std::to_string(ref.descriptor.fd));
  return !link || *link != ref.descriptor.link;
}

const FileKind* find_kind_of_changing(const DescriptorRef& ref) {
  constexpr int kLooksMax = 3;
  const FileKind* kind = nullptr;
  for (int looks = 0; kind == nullptr && looks < kLooksMax; ++looks) kind = find_file_kind(ref);
  return kind;
}

void find_descriptor_obstacles(const InstanceView& instance, const ProcessSource& process,
                               Obstacles& obstacles) {
  for (const DescriptorSource& descriptor : process.descriptors) {
    DescriptorRef ref{instance, process, descriptor};
    const FileKind* kind = find_kind_of_changing(ref);
    if (kind == nullptr) {
      if (has_changed(ref)) continue;
      Obstacle why = explain_unknown(ref);
      obstacles.add(why.what, why.hint);
      continue;
    }
    if (std::string state = kind->obstacle(ref); !state.empty())
      obstacles.add(process.words() + " has descriptor " + std::to_string(descriptor.fd) +
                    " open on " + state);
  }
}

// `exec` and its descendants are visitors: the application does not know them, the image has no
// place for them, and what they hold would be lost.
void find_visitors(const InstanceView& instance, Obstacles& obstacles) {
  Result<Cgroup> group = Cgroup::open(instance.application->path() + "/../exec");
  if (!group) return;
  Result<std::vector<pid_t>> visitors = group->processes();
  if (!visitors) return;
  for (pid_t pid : *visitors) {
    Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
    if (!dir) continue;
    Result<proc::Stat> stat = dir->stat();
    Result<proc::Fields> status = dir->status();
    if (!stat || !status) continue;
    obstacles.add(process_words(VirtualPid{proc::id_inside(*status, "NStgid")}, stat->name) +
                      " was started by `appshot exec` and is still running",
                  "let it end first");
  }
}

void find_obstacles_of(const InstanceView& instance, Namespaces& namespaces,
                       const ProcessSource& process, Obstacles& obstacles) {
  find_tracer(instance, process, obstacles);
  find_unshared_parts(namespaces, process, obstacles);
  find_nested_namespaces(namespaces, process, obstacles);
  find_folder_obstacles(instance, namespaces, process, obstacles);
  find_descriptor_obstacles(instance, process, obstacles);
  memory::find_obstacles(process, obstacles);
}

// Returns what the application has mounted.
Result<mounts::SeenMounts> find_obstacles_between(const InstanceView& instance,
                                                  std::vector<ProcessSource>& processes,
                                                  aio::Moment moment, Obstacles& obstacles) {
  note_shared_parts(processes, obstacles);
  // An end of a pipe may be on its way; then the capture itself will see.
  if (!TRY(unix_sockets::find_obstacles(instance, processes, obstacles)))
    pipes::find_outside_ends(instance, processes, obstacles);
  TRY(aio::find_obstacles(instance, processes, moment, obstacles));
  mounts::SeenMounts mounts = TRY(mounts::SeenMounts::look(instance, processes));
  mounts.find_obstacles(obstacles);
  if (!mounts.empty())
    for (const ProcessSource& process : processes) mounts::find_forbidden_uses(process, obstacles);
  networks::find_obstacle(instance, obstacles);
  find_visitors(instance, obstacles);
  return mounts;
}

bool has_ended_since(const ProcessSource& process) {
  Result<proc::Fields> status = process.dir.status();
  return !status || proc::has_ended(*status);
}

// Fails as `gone` where a process has ended meanwhile, and so nothing can be said.
Result<Obstacles> look_at_running(const InstanceView& instance) {
  std::vector<ProcessSource> processes;
  for (pid_t pid : TRY(instance.application->processes())) {
    Result<ProcessSource> process = ProcessSource::look_at(HostPid{pid}, instance.mapping_flags);
    if (process)  // else it has ended since
      processes.push_back(std::move(process).value());
  }
  Namespaces namespaces(instance);
  Obstacles obstacles;
  for (const ProcessSource& process : processes)
    find_obstacles_of(instance, namespaces, process, obstacles);
  Result<> between = [&]() -> Result<> {
    TRY(find_obstacles_between(instance, processes, aio::Moment::running, obstacles));
    return {};
  }();
  if (between) return obstacles;
  if (std::ranges::any_of(processes, has_ended_since))
    return between.take_error().as(ErrorClass::gone);
  return between.take_error();
}

}  // namespace

bool is_traced_from_outside(const InstanceView& instance, const proc::Fields& status) {
  const auto tracer = static_cast<pid_t>(proc::field_number(status, "TracerPid"));
  if (tracer == 0 || tracer == ::getpid()) return false;
  Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{tracer});
  Result<std::vector<pid_t>> processes = instance.application->processes();
  if (!dir || !processes) return true;
  Result<proc::Fields> its = dir->status();
  if (!its) return true;
  const auto process = static_cast<pid_t>(proc::field_number(*its, "Tgid"));
  return std::ranges::find(*processes, process) == processes->end();
}

Result<Seen> look_at_all(const InstanceView& instance, const std::vector<HostPid>& threads,
                         Obstacles& obstacles) {
  Namespaces namespaces(instance);
  std::vector<std::optional<Result<ProcessSource>>> looks(threads.size());
  std::vector<Obstacles> found(threads.size());
  in_parallel(threads.size(), [&](size_t i) {
    looks[i].emplace(ProcessSource::look_through(threads[i], instance.mapping_flags));
    if (*looks[i]) find_obstacles_of(instance, namespaces, **looks[i], found[i]);
  });
  std::vector<ProcessSource> sources;
  for (auto& look : looks) sources.push_back(TRY(std::move(*look)));
  // In the order of the processes, whoever was looked at first.
  for (const Obstacles& of_one : found) obstacles.add_all(of_one);
  mounts::SeenMounts mounts =
      TRY(find_obstacles_between(instance, sources, aio::Moment::frozen, obstacles));
  return Seen{std::move(sources), std::move(mounts)};
}

Result<Obstacles> preflight(const InstanceView& instance) {
  std::optional<Obstacles> lasting;
  // What runs may change while it is looked at, and show what never was; between vfork and exec
  // two processes even are one for a while. What is there each time is there; the rest is looked
  // for again when nothing runs.
  for (int look = 0; look < (lasting && lasting->may_pass() ? kPatientLooks : kLooks); ++look) {
    if (look > 1) std::this_thread::sleep_for(kBetweenLooks);
    Result<Obstacles> seen = look_at_running(instance);
    if (!seen && seen.error().cls() == ErrorClass::gone) continue;
    if (lasting)
      lasting->keep_common(TRY(std::move(seen)));
    else
      lasting = TRY(std::move(seen));
    if (lasting->empty()) break;
  }
  if (!lasting) return Obstacles{};
  if (lasting->at_vfork() && waiting::can_be_read(instance)) lasting->allow_vfork();
  return std::move(*lasting);
}

}  // namespace appshot
