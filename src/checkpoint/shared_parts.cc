#include "checkpoint/shared_parts.h"

#include <algorithm>
#include <map>

#include "os/kcmp.h"
#include "resources/awaited.h"
#include "resources/made_early.h"
#include "resources/maker.h"
#include "resources/namespaces.h"
#include "resources/process_files/process_file.h"
#include "resources/terminals/states.h"
#include "resources/user_spaces.h"

namespace appshot {
namespace {

constexpr const char* kTryAgain = "if it was only just starting a program, try again";
constexpr const char* kStartWithout = "start it without clone() of that kind";

pid_t process_id(const ProcessSource& process) {
  return static_cast<pid_t>(proc::field_number(process.status, "Tgid"));
}

// Its parent's thread waits in the kernel, and nobody can stop it there.
bool waits_in_vfork(const ProcessSource& parent) {
  for (HostPid tid : parent.dir.threads().value_or({})) {
    Result<proc::Fields> status = parent.dir.status_of_thread(tid);
    if (status && parent.dir.waits_for_start(tid, *status).value_or(false)) return true;
  }
  return false;
}

std::string shares_words(const ProcessSource& one, const char* part, const ProcessSource& other) {
  return one.words() + " shares its " + part + " with " + other.words() +
         " without being its thread";
}

void note(ProcessSource& child, const ProcessSource& maker, Obstacles& obstacles) {
  SharedWithMaker& shared = child.shared;
  shared.memory = share(child.host, maker.host, SharedPart::memory);
  shared.descriptors = share(child.host, maker.host, SharedPart::descriptors);
  shared.folders = share(child.host, maker.host, SharedPart::folders);
  shared.actions = share(child.host, maker.host, SharedPart::actions);
  if (shared.memory && waits_in_vfork(maker))
    obstacles.add_at_vfork(
        shares_words(child, "memory", maker) + ", which waits for it to start a program (vfork)",
        kTryAgain);
}

struct Part {
  SharedPart part;
  const char* words;
  bool SharedWithMaker::*with_maker;
  std::string (*look)(const ProcessSource& process);
};

// Who shares a part looks alike; of those the kernel says who does.
constexpr Part kParts[] = {
    {SharedPart::memory, "memory", &SharedWithMaker::memory,
     [](const ProcessSource& process) {
       return std::to_string(process.stat.start_stack) + " " +
              proc::field(process.status, "VmSize") + " " + proc::field(process.status, "VmRSS");
     }},
    {SharedPart::descriptors, "descriptors", &SharedWithMaker::descriptors,
     [](const ProcessSource& process) {
       std::string look = proc::field(process.status, "FDSize");
       for (const DescriptorSource& descriptor : process.descriptors)
         look += " " + std::to_string(descriptor.fd);
       return look;
     }},
    {SharedPart::folders, "working directory", &SharedWithMaker::folders,
     [](const ProcessSource& process) { return proc::field(process.status, "Umask"); }}};

// Whether the one can be made by the other, for the parent of both (CLONE_PARENT).
bool can_be_made_by(const ProcessSource& one, const ProcessSource& other) {
  const SharedWithMaker& shared = one.shared;
  return shared.maker.value == 0 && !shared.memory && !shared.descriptors && !shared.folders &&
         one.stat.parent == other.stat.parent && one.stat.exit_signal == other.stat.exit_signal;
}

// Of some that share a part, and not with their parents, one is the maker of all others.
void choose_maker(std::vector<ProcessSource*> sharers, const Part& part, Obstacles& obstacles) {
  std::ranges::sort(sharers, [](const ProcessSource* a, const ProcessSource* b) {
    return std::pair(a->stat.start_time, a->id.value) < std::pair(b->stat.start_time, b->id.value);
  });
  const ProcessSource& maker = *sharers.front();
  for (size_t i = 1; i < sharers.size(); ++i) {
    ProcessSource& one = *sharers[i];
    if (can_be_made_by(one, maker)) {
      one.shared.maker = maker.id;
      note(one, maker, obstacles);
    } else {
      obstacles.add(shares_words(one, part.words, maker) + " or child", kStartWithout);
    }
  }
}

// With others than their parent.
void find_unrelated(std::vector<ProcessSource>& processes, const Part& part, Obstacles& obstacles) {
  std::map<std::string, std::vector<ProcessSource*>> alike;
  for (ProcessSource& process : processes)
    if (!(process.shared.*part.with_maker)) alike[part.look(process)].push_back(&process);
  for (auto& [look, group] : alike) {
    std::sort(group.begin(), group.end(), [&](const ProcessSource* a, const ProcessSource* b) {
      return comes_before(a->host, b->host, part.part);
    });
    for (size_t first = 0, end = 0; first < group.size(); first = end) {
      for (end = first + 1; end < group.size(); ++end)
        if (!share(group[first]->host, group[end]->host, part.part)) break;
      if (end - first > 1)
        choose_maker({group.begin() + static_cast<std::ptrdiff_t>(first),
                      group.begin() + static_cast<std::ptrdiff_t>(end)},
                     part, obstacles);
    }
  }
}

const image::ProcessT* find(const image::ImageT& image, int pid) {
  for (const auto& process : image.processes)
    if (process->pid == pid) return process.get();
  return nullptr;
}

bool is_in_proc(const std::unique_ptr<image::FileNameT>& folder) {
  return folder && !process_files::path_in_proc(folder->path).empty();
}

// Of what it holds for itself; nullptr: nothing is in the way.
const char* why_not_carried(const image::ImageT& image, const image::ProcessT& process) {
  if (!process.shares_folders && is_in_proc(process.cwd))
    return "works in a folder of /proc about a process";
  for (const auto& descriptor : process.descriptors) {
    const image::OpenFileT& file = *image.open_files[static_cast<size_t>(descriptor->file)];
    if (file.kind.type != image::FileKind::Epoll) continue;
    for (const auto& target : file.kind.AsEpoll()->targets)
      if (image.open_files[static_cast<size_t>(target->file)]->kind.type ==
          image::FileKind::Signalfd)
        return "watches signals (signalfd) with epoll";
  }
  return nullptr;
}

// Where it is not in that of its maker, and has begun none itself.
bool is_in_session_of_birth(const image::ImageT& image, const image::ProcessT& process,
                            const image::ProcessT& maker) {
  if (process.session == maker.session || process.session == process.pid) return true;
  const image::ProcessT* before = find(image, maker.parent);
  return maker.session == maker.pid && !maker.subreaper &&
         process.session == (before == nullptr ? 0 : before->session);
}

// Why it cannot be made in the memory that its parent is born with; nullptr: it can.
const char* why_not_early(const image::ImageT& image, const image::ProcessT& process,
                          const image::ProcessT& maker) {
  if (!is_in_session_of_birth(image, process, maker)) return "is in another session";
  if (!process.continued_children.empty())
    return "has a child that went on after a stop, of which it has not heard";
  if (user_spaces::of(image, process) >= 0) return "lives in a user namespace of its own";
  return nullptr;
}

// Why it cannot be made by its parent's clone(); nullptr: it can.
const char* why_not_cloned(const image::ImageT& image, const image::ProcessT& process) {
  const image::ProcessT* maker = find_maker(image, process);
  if (maker == nullptr) return "is not its child";
  if (is_made_early(image, process))
    if (const char* why = why_not_early(image, process, *maker)) return why;
  if (is_awaited(image, process) && process.group != maker->group && process.group != process.pid)
    return "is in another group";
  if (namespaces::is_out_of_reach(image, process)) return "lives in other namespaces";
  for (const auto& parent : image.processes)
    if (std::ranges::count(parent->continued_children, process.pid) != 0)
      return "went on after a stop, of which its parent has not heard";
  if (terminals::controls_without_descriptor(image, process))
    return "has a controlling terminal that it has not open";
  return why_not_carried(image, process);
}

bool shares_folders(const image::ImageT& image, const image::ProcessT& process) {
  return process.shares_folders || std::ranges::any_of(image.processes, [&](const auto& other) {
           return other->shares_folders && maker_of(*other) == process.pid;
         });
}

// Why it cannot be forked with its parent's descriptors or folders as its own; nullptr: it can.
const char* why_not_beside(const image::ImageT& image, const image::ProcessT& process) {
  const image::ProcessT* maker = find_maker(image, process);
  if (maker == nullptr || maker->shares_memory) return "is made in the memory of another";
  if (!is_in_session_of_birth(image, process, *maker)) return "is in another session";
  const bool maker_shares = maker->shares_descriptors || maker->shares_folders;
  if (maker_shares && ((process.shares_descriptors && !maker->shares_descriptors) ||
                       (process.shares_folders && !maker->shares_folders)))
    return "shares something else with its children than with its parent";
  for (const image::ProcessT* one : {&process, maker}) {
    if (is_in_proc(one->cwd)) return "works in a folder of /proc about a process";
    if (namespaces::space_of(image, *one, "mnt") >= 0 && shares_folders(image, *one))
      return "lives in a mount namespace of its own, which nobody enters who shares folders";
  }
  for (const auto& other : image.processes)
    if (other->shares_memory && maker_of(*other) == process.pid) return "shares its memory as well";
  for (const auto& thread : process.threads)
    if (thread->folders) return "has a thread with a working directory of its own";
  return nullptr;
}

void find_beside_obstacles(const image::ImageT& image, Obstacles& obstacles) {
  for (const auto& process : image.processes) {
    if (process->shares_memory || (!process->shares_descriptors && !process->shares_folders))
      continue;
    if (const char* why = why_not_beside(image, *process))
      obstacles.add(process_words(VirtualPid{process->pid}, process->name) + " shares its " +
                        (process->shares_descriptors ? "descriptors" : "working directory") +
                        " with process " + std::to_string(maker_of(*process)) +
                        " without being its thread, and " + why,
                    kStartWithout);
  }
}

}  // namespace

void note_shared_parts(std::vector<ProcessSource>& processes, Obstacles& obstacles) {
  std::map<pid_t, const ProcessSource*> by_id;
  for (const ProcessSource& process : processes) by_id[process_id(process)] = &process;
  for (ProcessSource& process : processes)
    if (auto parent = by_id.find(process.stat.parent); parent != by_id.end())
      note(process, *parent->second, obstacles);
  for (const Part& part : kParts) find_unrelated(processes, part, obstacles);
  for (ProcessSource& process : processes)
    if (process.shared.descriptors) process.descriptors.clear();
}

void find_sharing_obstacles(const image::ImageT& image, Obstacles& obstacles) {
  find_beside_obstacles(image, obstacles);
  for (const auto& process : image.processes) {
    for (const auto& thread : process->threads)
      if (thread->folders && is_in_proc(thread->folders->cwd))
        obstacles.add(process_words(VirtualPid{process->pid}, process->name) + ": its thread " +
                          std::to_string(thread->tid) +
                          " works in a folder of /proc about a process, apart from the others",
                      "let it go elsewhere first");
    if (!process->shares_memory) continue;
    if (const char* why = why_not_cloned(image, *process))
      obstacles.add(process_words(VirtualPid{process->pid}, process->name) +
                        " shares the memory of process " + std::to_string(maker_of(*process)) +
                        ", and " + why,
                    kStartWithout);
  }
}

}  // namespace appshot
