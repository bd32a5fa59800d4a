#include "restore/surroundings.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <set>

#include "os/file.h"
#include "os/rseq.h"
#include "resources/attributes/attributes.h"
#include "resources/epoll/epoll.h"
#include "resources/file_kind.h"
#include "resources/files/regular_file.h"
#include "resources/namespaces.h"
#include "resources/process_files/ended_root.h"
#include "resources/user_spaces.h"
#include "restore/beside.h"

namespace appshot {
namespace {

class Surroundings {
 public:
  Surroundings(const BecomeContext& context, Birthplace& place)
      : context_(context), image_(context.restore.image), place_(place) {}

  Result<> take(const image::ProcessT& process) {
    if (shares_beside(process) && process.shares_descriptors) return take_beside(process);
    UniqueFd exe =
        TRY(open_aside(*process.address_space->exe, O_RDONLY).within("the program's file"));
    const bool ended_root = process_files::has_ended_root(process);
    UniqueFd root, cwd, proc;
    if (!ended_root)
      root = TRY(open_aside(*process.root, O_PATH | O_DIRECTORY).within("root directory"));
    if (!ended_root && !stands_in_process_folder(process))
      cwd = TRY(open_aside(*process.cwd, O_PATH | O_DIRECTORY).within("working directory"));
    if (context_.late.needs_proc(process) || context_.own_parts.needs_proc(process))
      proc = TRY(open_aside("/proc", O_PATH | O_DIRECTORY));
    TRY(move_ghosts_aside());
    TRY(take_descriptors(process));
    TRY(carry_for_others(process));
    TRY(attributes::apply_child(process));
    TRY(namespaces::enter_child(context_.restore, process).within("namespaces of its own"));
    if (ended_root) {
      TRY(process_files::enter_ended_root_child(process,
                                                [&](pid_t id, const std::function<int()>& work) {
                                                  return place_.run_helper(id, CLONE_FS, work);
                                                }));
    } else if (!shares_beside(process) || !process.shares_folders) {
      TRY(enter_folders(root, cwd));
    }
    // Everything of ours goes but the program's file and the mapped ones, at the numbers the script
    // knows.
    if (proc) TRY_SYS(::dup2(proc.get(), context_.late.proc()));
    root.reset();
    cwd.reset();
    proc.reset();
    if (const int users = user_spaces::of(image_, process); users >= 0)
      TRY_SYS(::dup2(context_.restore.namespaces[static_cast<size_t>(users)].get(),
                     user_space_descriptor(context_.exe_fd)));
    UniqueFd kept(TRY_SYS(::dup2(exe.get(), context_.exe_fd)));
    if (exe.get() == kept.get()) exe.release();
    TRY_SYS(::close_range(static_cast<unsigned>(context_.restore.first_descriptor), ~0U, 0));
    kept.release();
    return unregister_rseq();
  }

 private:
  // Of one whose descriptors are its parent's: their owner takes them later, and its own program's
  // file, which is the same.
  Result<> take_beside(const image::ProcessT& process) {
    TRY(attributes::apply_child(process));
    if (!process.shares_folders) {
      const UniqueFd root = TRY(open_aside(*process.root, O_PATH | O_DIRECTORY));
      const UniqueFd cwd = TRY(open_aside(*process.cwd, O_PATH | O_DIRECTORY));
      TRY(namespaces::enter_child(context_.restore, process).within("namespaces of its own"));
      TRY(enter_folders(root, cwd));
    } else {
      TRY(namespaces::enter_child(context_.restore, process).within("namespaces of its own"));
    }
    return unregister_rseq();
  }

  static Result<> enter_folders(const UniqueFd& root, const UniqueFd& cwd) {
    TRY_SYS(::fchdir(root.get()));
    TRY_SYS(::chroot("."));
    if (cwd) TRY_SYS(::fchdir(cwd.get()));
    return {};
  }

  // Out of the way of the application's own numbers, and not at the one its program's file will
  // have.
  Result<UniqueFd> open_aside(const image::FileNameT& name, int flags) {
    return move_aside(TRY(files::open_named(context_.restore, name, flags)));
  }
  Result<UniqueFd> open_aside(const std::string& path, int flags) {
    return move_aside(TRY(open_file(path, flags)));
  }
  Result<UniqueFd> move_aside(UniqueFd fd) {
    return UniqueFd(TRY_SYS(::fcntl(fd.get(), F_DUPFD, context_.restore.first_descriptor)));
  }

  // What was removed and had to be made anew stays open.
  Result<> move_ghosts_aside() {
    for (auto& [index, ghost] : context_.restore.ghosts)
      if (ghost && ghost.get() < context_.restore.first_descriptor)
        ghost = TRY(move_aside(std::move(ghost)));
    return {};
  }

  // Descriptors and folders of those that will be made in this process's memory.
  Result<> carry_for_others(const image::ProcessT& process) {
    for (const OwnParts::One* one : context_.own_parts.carried_by(process)) {
      if (one->cwd != nullptr) {
        UniqueFd cwd = TRY(open_aside(*one->cwd, O_PATH | O_DIRECTORY));
        UniqueFd root = TRY(open_aside(*one->root, O_PATH | O_DIRECTORY));
        TRY_SYS(::dup2(cwd.get(), OwnParts::cwd_number(*one)));
        TRY_SYS(::dup2(root.get(), OwnParts::root_number(*one)));
      }
      TRY(carry_namespaces(*one));
      if (one->descriptors == nullptr) continue;
      const auto& descriptors = one->descriptors->descriptors;
      for (size_t i = 0; i < descriptors.size(); ++i)
        if (!context_.late.is_late(*descriptors[i]))
          TRY_SYS(::dup2(TRY(file_for(*descriptors[i])), OwnParts::descriptor_number(*one, i)));
    }
    return move_ghosts_aside();
  }

  // We are in the instance's own still.
  Result<> carry_namespaces(const OwnParts::One& one) {
    for (size_t i = 0; i < one.namespaces.size(); ++i) {
      const auto& [flag, index] = one.namespaces[i];
      const int number = OwnParts::namespace_number(one, i);
      if (index >= 0) {
        TRY_SYS(::dup2(context_.restore.namespaces[static_cast<size_t>(index)].get(), number));
        continue;
      }
      const UniqueFd own = TRY(open_aside("/proc/self/ns/" + namespaces::kind_of(flag), O_RDONLY));
      TRY_SYS(::dup2(own.get(), number));
    }
    return {};
  }

  // Made by init, or else now.
  Result<int> file_for(const image::DescriptorT& descriptor) {
    RestoreContext& restore = context_.restore;
    const auto index = static_cast<size_t>(descriptor.file);
    if (restore.files[index]) return restore.files[index].get();
    const image::OpenFileT& file = *image_.open_files[index];
    UniqueFd made = TRY(find_file_kind(file.kind.type)
                            ->reopen_child(restore, file)
                            .within("descriptor " + std::to_string(descriptor.fd)));
    restore.files[index] =
        UniqueFd(TRY_SYS(::fcntl(made.get(), F_DUPFD, restore.first_descriptor)));
    return restore.files[index].get();
  }

  Result<> take_descriptors(const image::ProcessT& process) {
    std::set<int> mine;
    for (const auto& descriptor : process.descriptors) {
      if (context_.late.is_late(*descriptor)) continue;
      TRY_SYS(::dup3(TRY(file_for(*descriptor)), descriptor->fd,
                     descriptor->close_on_exec ? O_CLOEXEC : 0));
      mine.insert(descriptor->fd);
    }
    mine.insert(context_.exe_fd);
    int next = 0;
    for (int fd : mine) {
      if (fd > next)
        TRY_SYS(::close_range(static_cast<unsigned>(next), static_cast<unsigned>(fd) - 1, 0));
      next = fd + 1;
    }
    return epolls::fill_sets_child(context_.restore, process);
  }

  const BecomeContext& context_;
  const image::ImageT& image_;
  Birthplace& place_;
};

}  // namespace

Result<> take_surroundings_child(const BecomeContext& context, Birthplace& place,
                                 const image::ProcessT& process) {
  return Surroundings(context, place).take(process);
}

}  // namespace appshot
