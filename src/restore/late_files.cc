#include "restore/late_files.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "resources/file_kind.h"
#include "resources/process_files/ended_root.h"
#include "resources/process_files/process_file.h"

namespace appshot {
namespace {

// What the kernel gives to the next file that is opened.
int lowest_free(const std::set<int>& used) {
  int number = 0;
  while (used.contains(number)) ++number;
  return number;
}

void plan_move(int from, const image::DescriptorT& to, CallList& calls) {
  if (from == to.fd) {
    calls.add(SYS_fcntl, from, F_SETFD, to.close_on_exec ? FD_CLOEXEC : 0);
    return;
  }
  calls.add_expecting(to.fd, SYS_dup3, from, to.fd, to.close_on_exec ? O_CLOEXEC : 0);
  calls.add(SYS_close, from);
}

}  // namespace

LateFiles::LateFiles(const image::ImageT& image, int proc) : image_(image), proc_(proc) {
  for (const auto& process : image.processes)
    for (const auto& descriptor : process->descriptors)
      if (is_made_late(file_of(*descriptor)))
        first_holders_.emplace(descriptor->file, Holder{process->pid, descriptor->fd});
}

const image::OpenFileT& LateFiles::file_of(const image::DescriptorT& descriptor) const {
  return *image_.open_files[static_cast<size_t>(descriptor.file)];
}

const LateFiles::Holder* LateFiles::first_holder(const image::DescriptorT& descriptor) const {
  auto found = first_holders_.find(descriptor.file);
  return found == first_holders_.end() ? nullptr : &found->second;
}

bool LateFiles::needs_proc(const image::ProcessT& process) const {
  if (stands_in_process_folder(process)) return true;
  for (const auto& descriptor : process.descriptors) {
    const Holder* holder = first_holder(*descriptor);
    if (holder != nullptr && holder->pid == process.pid) return true;
  }
  return false;
}

std::set<int> LateFiles::numbers_in_use(const image::ProcessT& process) const {
  std::set<int> used;
  for (const auto& descriptor : process.descriptors)
    if (first_holder(*descriptor) == nullptr) used.insert(descriptor->fd);
  return used;
}

void LateFiles::plan_open(const PidSpaces& spaces, const image::ProcessT& process, CallList& calls,
                          DataSpace& data) const {
  if (!needs_proc(process)) return;
  std::set<int> used = numbers_in_use(process);
  for (const auto& descriptor : process.descriptors) {
    const Holder* holder = first_holder(*descriptor);
    if (holder == nullptr || holder->pid != process.pid) continue;
    if (holder->fd == descriptor->fd) {
      const image::OpenFileT& file = file_of(*descriptor);
      const int number = lowest_free(used);
      find_file_kind(file.kind.type)
          ->plan_open(file, {number, proc_, spaces, process}, calls, data);
      plan_move(number, *descriptor, calls);
    } else {
      calls.add(SYS_dup3, holder->fd, descriptor->fd, descriptor->close_on_exec ? O_CLOEXEC : 0);
    }
    used.insert(descriptor->fd);
  }
  if (stands_in_process_folder(process)) {
    const std::string path(process_files::path_in_proc(process.cwd->path));
    const int number = lowest_free(used);
    calls.add_expecting(number, SYS_openat, proc_, data.put(path.c_str(), path.size() + 1),
                        O_PATH | O_DIRECTORY);
    calls.add(SYS_fchdir, number);
    calls.add(SYS_close, number);
  }
  calls.add(SYS_close, proc_);
}

void LateFiles::plan_take(const PidSpaces& spaces, const image::ProcessT& process,
                          CallList& calls) const {
  std::set<int> used = numbers_in_use(process);
  for (const auto& descriptor : process.descriptors)
    if (const Holder* holder = first_holder(*descriptor); holder && holder->pid == process.pid)
      used.insert(descriptor->fd);
  for (const auto& descriptor : process.descriptors) {
    const Holder* holder = first_holder(*descriptor);
    if (holder == nullptr || holder->pid == process.pid) continue;
    const int pidfd = lowest_free(used);
    used.insert(pidfd);
    const int number = lowest_free(used);
    used.erase(pidfd);
    calls.add_expecting(pidfd, SYS_pidfd_open, spaces.seen_by(process, holder->pid), 0);
    calls.add_expecting(number, SYS_pidfd_getfd, pidfd, holder->fd, 0);
    // The one that may have the number it is to have gets out of the way first.
    calls.add(SYS_close, pidfd);
    plan_move(number, *descriptor, calls);
    used.insert(descriptor->fd);
  }
}

bool stands_in_process_folder(const image::ProcessT& process) {
  return process.cwd && process.cwd->ghost < 0 && !process.shares_memory &&
         !process_files::has_ended_root(process) &&
         !process_files::path_in_proc(process.cwd->path).empty();
}

}  // namespace appshot
