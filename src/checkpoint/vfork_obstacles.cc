#include "checkpoint/vfork_obstacles.h"

#include <linux/capability.h>

#include <algorithm>

#include "resources/awaited.h"
#include "resources/births.h"
#include "resources/file_kind.h"
#include "resources/namespaces.h"
#include "resources/process_files/process_file.h"
#include "resources/terminals/states.h"
#include "resources/user_spaces.h"

namespace appshot {
namespace {

constexpr uint64_t kToBecomeAnybody = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_SETPCAP;

bool has_rights(const image::ThreadT& thread, uint64_t rights) {
  return (thread.credentials->effective & rights) == rights;
}

// "12/fd" is about process 12.
bool is_about(std::string_view path, int pid) {
  const std::string own = std::to_string(pid);
  return path.starts_with(own) && (path.size() == own.size() || path[own.size()] == '/');
}

class Child {
 public:
  Child(const image::ImageT& image, const image::ProcessT& child, const Waiter& waiter)
      : image_(image),
        child_(child),
        waiter_(waiter),
        table_(table_owner(image, *waiter.process)) {}

  // nullptr: nothing is in the way.
  const char* obstacle() const {
    if (child_.state == image::ProcessState::stopped) return "is stopped";
    if (child_.threads.size() > 1) return "has threads";
    if (is_traced()) return "is traced or traces others";
    if (is_followed()) return "somebody holds a file about it, or waits for its signals";
    if (is_in_foreground()) return "leads the foreground of a terminal";
    if (terminals::controls_terminal(image_, child_)) return "has a controlling terminal";
    if (has_undo()) return "has something to undo on semaphores (SEM_UNDO)";
    if (user_spaces::of(image_, child_) != user_spaces::of(image_, *waiter_.process))
      return "lives in a user namespace of its own";
    for (const auto& other : image_.processes)
      if (other->parent == child_.pid && !is_awaited(image_, *other))
        return "has children for which it does not wait so";
    for (const auto& other : image_.processes)
      if (other.get() != &child_ && other->parent != child_.pid &&
          (other->group == child_.pid || other->session == child_.pid))
        return "leads a group or session of others";
    if (const char* why = rights_obstacle()) return why;
    return descriptor_obstacle();
  }

 private:
  const image::OpenFileT& file(int index) const {
    return *image_.open_files[static_cast<size_t>(index)];
  }

  bool is_traced() const {
    if (child_.threads.front()->traced || waiter_.thread->traced) return true;
    for (const auto& process : image_.processes)
      for (const auto& thread : process->threads)
        if (thread->traced &&
            (thread->traced->tracer == child_.pid || thread->traced->tracer == waiter_.thread->tid))
          return true;
    return false;
  }

  bool is_followed() const {
    return std::ranges::any_of(image_.open_files, [&](const auto& one) {
      if (one->owner && one->owner->id == child_.pid) return true;
      if (one->kind.type == image::FileKind::Pidfd) return one->kind.AsPidfd()->pid == child_.pid;
      return one->kind.type == image::FileKind::ProcessFile &&
             is_about(one->kind.AsProcessFile()->path, child_.pid);
    });
  }

  bool is_in_foreground() const {
    return child_.group == child_.pid &&
           std::ranges::any_of(image_.terminals, [&](const auto& terminal) {
             return terminal->foreground == child_.pid;
           });
  }

  bool has_undo() const {
    return std::ranges::any_of(image_.sysv_sem, [&](const auto& set) {
      return std::ranges::any_of(set->undo,
                                 [&](const auto& undo) { return undo.process() == child_.pid; });
    });
  }

  const char* rights_obstacle() const {
    const image::ThreadT& own = *child_.threads.front();
    const image::ThreadT& waits = *waiter_.thread;
    if (*own.credentials != *waits.credentials && !has_rights(waits, kToBecomeAnybody))
      return "is another user than who waits for it, and that one could not become it";
    if (!Births::may_choose_ids(waits) && PidSpaces::of(image_, child_) >= 0)
      return "lives in a pid namespace of its own, without the right to choose ids there";
    if (!namespaces::entered_by(image_, child_).empty() &&
        !has_rights(waits, 1ULL << CAP_SYS_ADMIN))
      return "lives in other namespaces than who waits for it, and that one could not enter them";
    if (!has_root_of_waiter(image_, child_) && !has_rights(waits, 1ULL << CAP_SYS_CHROOT))
      return "has another root than who waits for it, and that one could not enter it";
    const auto same = [](const auto& a, const auto& b) {
      return a->instructions == b->instructions && a->flags == b->flags;
    };
    if (own.filters.size() < waits.filters.size() ||
        !std::equal(waits.filters.begin(), waits.filters.end(), own.filters.begin(), same))
      return "has not the seccomp filters of who waits for it";
    return nullptr;
  }

  // What is made late it can only have from its parent.
  const char* descriptor_obstacle() const {
    for (const auto& descriptor : child_.descriptors) {
      if (!is_made_late(file(descriptor->file))) continue;
      if (std::ranges::none_of(table_.descriptors,
                               [&](const auto& other) { return other->file == descriptor->file; }))
        return "has opened a file about a process";
    }
    return nullptr;
  }

  const image::ImageT& image_;
  const image::ProcessT& child_;
  const Waiter waiter_;
  const image::ProcessT& table_;  // whose descriptors its parent has
};

}  // namespace

void find_vfork_obstacles(const image::ImageT& image, Obstacles& obstacles) {
  for (const auto& process : image.processes) {
    const Waiter waiter = waiter_for(image, *process);
    if (waiter.process == nullptr || process->threads.empty()) continue;
    if (const char* why = Child(image, *process, waiter).obstacle())
      obstacles.add(process_words(VirtualPid{process->pid}, process->name) +
                        ", for which its parent waits (vfork), " + why,
                    "wait until it has started a program");
  }
}

}  // namespace appshot
