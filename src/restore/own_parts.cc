#include "restore/own_parts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>

#include <algorithm>

#include "base/check.h"
#include "resources/awaited.h"
#include "resources/maker.h"
#include "resources/namespaces.h"

namespace appshot {
namespace {

constexpr int kFolders = 2;

int count_of_descriptors(const OwnParts::One& one) {
  return one.descriptors == nullptr ? 0 : static_cast<int>(one.descriptors->descriptors.size());
}

int end_of(const OwnParts::One& one) {
  return one.first + kFolders + count_of_descriptors(one) + static_cast<int>(one.namespaces.size());
}

}  // namespace

const image::ProcessT& memory_owner(const image::ImageT& image, const image::ProcessT& process) {
  if (!process.shares_memory) return process;
  const image::ProcessT* maker = find_maker(image, process);
  CHECK(maker != nullptr);  // the image was verified
  return memory_owner(image, *maker);
}

OwnParts::OwnParts(const image::ImageT& image, const LateFiles& late)
    : image_(image), late_(late), first_(late.proc() + 1), end_(first_) {
  for (const auto& process : image.processes) {
    const int carrier = memory_owner(image, *process).pid;
    const namespaces::Entered entered =
        process->shares_memory ? namespaces::entered_by(image, *process) : namespaces::Entered();
    if (process->shares_memory &&
        !(process->shares_folders && process->shares_descriptors && entered.empty())) {
      One one;
      one.namespaces = entered;
      one.whose = one.process = process.get();
      one.carrier = carrier;
      if (!process->shares_descriptors) one.descriptors = process.get();
      if (!process->shares_folders) {
        one.cwd = process->cwd.get();
        one.root = process->root.get();
        one.umask = process->umask;
        // Who is born last may have no right to change it, and was born with it then.
        one.changes_root = !is_awaited(image, *process) || !has_root_of_waiter(image, *process);
      }
      add(one);
    }
    for (const auto& thread : process->threads) {
      One one;
      one.namespaces = namespaces::entered_by(image, *process, *thread);
      if (!thread->folders && one.namespaces.empty()) continue;
      one.whose = thread.get();
      one.process = process.get();
      one.carrier = carrier;
      if (thread->folders) {
        one.cwd = thread->folders->cwd.get();
        one.root = thread->folders->root.get();
        one.umask = thread->folders->umask;
      }
      add(std::move(one));
    }
  }
}

void OwnParts::add(One one) {
  one.first = end_;
  end_ = end_of(one);
  all_.push_back(std::move(one));
}

std::vector<const OwnParts::One*> OwnParts::carried_by(const image::ProcessT& process) const {
  std::vector<const One*> carried;
  for (const One& one : all_)
    if (one.carrier == process.pid) carried.push_back(&one);
  return carried;
}

// Of its threads, and of those in its memory that are made by it, or by who is made by it.
std::vector<const OwnParts::One*> OwnParts::held_for_others(const image::ProcessT& process) const {
  auto is_below = [&](const image::ProcessT* one) {
    while (one != nullptr && one->shares_memory && one->pid != process.pid)
      one = find_maker(image_, *one);
    return one != nullptr && one->pid == process.pid;
  };
  std::vector<const One*> held;
  for (const One& one : all_)
    if (one.whose != &process && is_below(one.process)) held.push_back(&one);
  return held;
}

int OwnParts::descriptor_number(const One& one, size_t index) {
  return one.first + kFolders + static_cast<int>(index);
}

bool OwnParts::needs_proc(const image::ProcessT& process) const {
  return std::ranges::any_of(carried_by(process), [&](const One* one) {
    return one->descriptors != nullptr && late_.needs_proc(*one->descriptors);
  });
}

int OwnParts::namespace_number(const One& one, size_t index) {
  return one.first + kFolders + count_of_descriptors(one) + static_cast<int>(index);
}

void OwnParts::plan_take(const void* whose, CallList& calls, DataSpace& data) const {
  auto found = std::ranges::find(all_, whose, &One::whose);
  if (found == all_.end()) return;
  const One& one = *found;
  const int left =
      (one.cwd != nullptr ? CLONE_FS : 0) | (one.descriptors != nullptr ? CLONE_FILES : 0);
  if (left != 0) calls.add(SYS_unshare, left);
  for (size_t i = 0; i < one.namespaces.size(); ++i)
    calls.add(SYS_setns, namespace_number(one, i), one.namespaces[i].first);
  if (one.cwd != nullptr) {
    if (one.changes_root) {
      calls.add(SYS_fchdir, root_number(one));
      calls.add(SYS_chroot, data.put(".", 2));
    }
    calls.add(SYS_fchdir, cwd_number(one));
    calls.add_may_fail(SYS_umask, one.umask);  // returns the former
  }
  if (one.descriptors == nullptr) return;
  const bool keeps_proc = late_.needs_proc(*one.descriptors);
  calls.add(SYS_close_range, 0, keeps_proc ? late_.proc() - 1 : late_.proc(), 0);
  const auto& descriptors = one.descriptors->descriptors;
  const bool has_late = is_awaited(image_, *one.descriptors);
  for (size_t i = 0; i < descriptors.size(); ++i)
    if (has_late || !late_.is_late(*descriptors[i]))
      calls.add_expecting(descriptors[i]->fd, SYS_dup3, descriptor_number(one, i),
                          descriptors[i]->fd, descriptors[i]->close_on_exec ? O_CLOEXEC : 0);
  // All but what those need that will be made by it.
  int next = first_;
  for (const One* other : held_for_others(*one.descriptors)) {
    if (other->first > next) calls.add(SYS_close_range, next, other->first - 1, 0);
    next = end_of(*other);
  }
  calls.add(SYS_close_range, next, ~0U, 0);
}

void OwnParts::plan_carry_open(const image::ProcessT& process, CallList& calls) const {
  auto found = std::ranges::find(all_, static_cast<const void*>(&process), &One::whose);
  if (found == all_.end() || found->descriptors == nullptr) return;
  const image::ProcessT& parent = table_owner(image_, *find_maker(image_, process));
  for (size_t i = 0; i < process.descriptors.size(); ++i) {
    if (!late_.is_late(*process.descriptors[i])) continue;
    auto same = std::ranges::find(parent.descriptors, process.descriptors[i]->file,
                                  [](const auto& descriptor) { return descriptor->file; });
    if (same == parent.descriptors.end()) continue;  // refused at the capture
    const int number = descriptor_number(*found, i);
    calls.add_expecting(number, SYS_dup3, (*same)->fd, number, 0);
  }
}

void OwnParts::plan_give_up(const image::ProcessT& process, CallList& calls) const {
  const bool has_table = !process.shares_memory || !process.shares_descriptors;
  if (!has_table || held_for_others(process).empty()) return;
  if (needs_proc(process) && !late_.needs_proc(process)) calls.add(SYS_close, late_.proc());
  calls.add(SYS_close_range, first_, ~0U, 0);
}

}  // namespace appshot
