#include "checkpoint/preflight.h"

#include <unistd.h>

#include <map>
#include <optional>

#include <chrono>
#include <thread>

#include "os/file.h"
#include "os/kcmp.h"
#include "os/parallel.h"
#include "resources/file_kind.h"
#include "resources/memory/capture_memory.h"
#include "resources/pipes/pipe.h"
#include "resources/unix_sockets/connections.h"

namespace appshot {
namespace {

constexpr int kLooks = 5;
constexpr std::chrono::milliseconds kBetweenLooks{5};

struct NamespaceName {
  const char* file;
  const char* words;
};
constexpr NamespaceName kNamespaces[] = {{"pid", "pid"},      {"mnt", "mount"}, {"net", "network"},
                                         {"ipc", "ipc"},      {"uts", "uts"},   {"user", "user"},
                                         {"cgroup", "cgroup"}};

std::map<std::string, std::string> namespaces_of(const InstanceView& instance) {
  std::map<std::string, std::string> found;
  for (const NamespaceName& name : kNamespaces)
    if (Result<std::string> link =
            read_link("/proc/" + std::to_string(instance.init.value) + "/ns/" + name.file))
      found[name.file] = *link;
  return found;
}

// An application may make namespaces of its own; those are not captured yet.
void find_nested_namespaces(const std::map<std::string, std::string>& of_instance,
                            const ProcessSource& process, Obstacles& obstacles) {
  for (const auto& [file, words] : kNamespaces) {
    auto outer = of_instance.find(file);
    Result<std::string> own = process.dir.link(std::string("ns/") + file);
    if (!own || outer == of_instance.end() || *own == outer->second) continue;
    obstacles.add(process.words() + " lives in a " + words +
                      " namespace of its own, which cannot be captured yet",
                  "start it without making namespaces (unshare, sandboxing options)");
  }
}

// Two processes that are one in all but name (clone without CLONE_THREAD).
void find_shared_parts(const std::vector<ProcessSource>& processes, Obstacles& obstacles) {
  struct Shared {
    SharedPart part;
    const char* words;
  };
  constexpr Shared kParts[] = {{SharedPart::memory, "memory"},
                               {SharedPart::descriptors, "descriptors"},
                               {SharedPart::folders, "working directory"}};
  for (size_t i = 0; i + 1 < processes.size(); ++i) {
    // Sharing comes from clone: only parent and child, or siblings, can be such a pair.
    for (size_t j = i + 1; j < processes.size(); ++j) {
      bool related = processes[j].stat.parent == processes[i].host.value ||
                     processes[i].stat.parent == processes[j].host.value;
      if (!related) continue;
      for (const Shared& shared : kParts)
        if (share(processes[i].host, processes[j].host, shared.part))
          obstacles.add(processes[j].words() + " shares its " + shared.words + " with " +
                            processes[i].words() +
                            " without being its thread, which cannot be captured yet",
                        "if it was only just starting a program, try again");
    }
  }
}

void find_tracer(const ProcessSource& process, Obstacles& obstacles) {
  uint64_t tracer = proc::field_number(process.status, "TracerPid");
  if (tracer == 0 || static_cast<pid_t>(tracer) == ::getpid()) return;
  obstacles.add(process.words() + " is traced by process " + std::to_string(tracer),
                "end the debugger or strace that is attached to it");
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
    obstacles.add(process_words(VirtualPid{proc::innermost(*status, "NStgid")}, stat->name) +
                      " was started by `appshot exec` and is still running",
                  "let it end first");
  }
}

void find_obstacles_of(const InstanceView& instance,
                       const std::map<std::string, std::string>& namespaces,
                       const ProcessSource& process, Obstacles& obstacles) {
  find_tracer(process, obstacles);
  find_nested_namespaces(namespaces, process, obstacles);
  find_descriptor_obstacles(instance, process, obstacles);
  memory::find_obstacles(process, obstacles);
}

Result<> find_obstacles_between(const InstanceView& instance,
                                const std::vector<ProcessSource>& processes, Obstacles& obstacles) {
  find_shared_parts(processes, obstacles);
  // An end of a pipe may be on its way; then the capture itself will see.
  if (!TRY(unix_sockets::find_obstacles(instance, processes, obstacles)))
    pipes::find_outside_ends(instance, processes, obstacles);
  find_visitors(instance, obstacles);
  return {};
}

Result<Obstacles> look_at_running(const InstanceView& instance) {
  std::vector<ProcessSource> processes;
  for (pid_t pid : TRY(instance.application->processes())) {
    Result<ProcessSource> process = ProcessSource::look_at(HostPid{pid});
    if (process)  // else it has ended since
      processes.push_back(std::move(process).value());
  }
  const std::map<std::string, std::string> namespaces = namespaces_of(instance);
  Obstacles obstacles;
  for (const ProcessSource& process : processes)
    find_obstacles_of(instance, namespaces, process, obstacles);
  TRY(find_obstacles_between(instance, processes, obstacles));
  return obstacles;
}

}  // namespace

Result<std::vector<ProcessSource>> look_at_all(const InstanceView& instance,
                                               const std::vector<HostPid>& threads,
                                               Obstacles& obstacles) {
  const std::map<std::string, std::string> namespaces = namespaces_of(instance);
  std::vector<std::optional<Result<ProcessSource>>> looks(threads.size());
  std::vector<Obstacles> found(threads.size());
  in_parallel(threads.size(), [&](size_t i) {
    looks[i].emplace(ProcessSource::look_through(threads[i], instance.mapping_flags));
    if (*looks[i]) find_obstacles_of(instance, namespaces, **looks[i], found[i]);
  });
  std::vector<ProcessSource> sources;
  for (auto& look : looks) sources.push_back(TRY(std::move(*look)));
  // In the order of the processes, whoever was looked at first.
  for (const Obstacles& of_one : found)
    for (const Obstacle& obstacle : of_one.all()) obstacles.add(obstacle.what, obstacle.hint);
  TRY(find_obstacles_between(instance, sources, obstacles));
  return sources;
}

Result<Obstacles> preflight(const InstanceView& instance) {
  Obstacles lasting = TRY(look_at_running(instance));
  // What runs may change while it is looked at, and show what never was; between vfork and exec
  // two processes even are one for a while. What is there each time is there; the rest is looked
  // for again when nothing runs.
  for (int look = 1; look < kLooks && !lasting.empty(); ++look) {
    if (look > 1) std::this_thread::sleep_for(kBetweenLooks);
    Obstacles again = TRY(look_at_running(instance));
    Obstacles both;
    for (const Obstacle& obstacle : lasting.all())
      if (again.has(obstacle)) both.add(obstacle.what, obstacle.hint);
    lasting = std::move(both);
  }
  return lasting;
}

}  // namespace appshot
