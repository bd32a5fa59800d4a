#include "checkpoint/namespace_obstacles.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>

#include "resources/births.h"
#include "resources/credentials/credentials.h"
#include "resources/maker.h"
#include "resources/namespaces.h"
#include "resources/process_files/ended_root.h"
#include "resources/user_spaces.h"

namespace appshot {
namespace {

constexpr const char* kStartWithout =
    "start it without namespaces of its own (unshare, sandboxing, run --userns)";

class Finder {
 public:
  Finder(const image::ImageT& image, Obstacles& obstacles)
      : image_(image), births_(image), spaces_(births_.spaces()), obstacles_(obstacles) {}

  void find() {
    if (births_.keepers().size() > Births::kKeepersMax)
      obstacles_.add("processes live in " + std::to_string(births_.keepers().size()) +
                         " pid namespaces over which their user namespaces have no rights",
                     kStartWithout);
    for (const auto& process : image_.processes) {
      look_at_birth(*process);
      if (process->state == image::ProcessState::zombie) continue;
      look_at_sharing(*process);
      look_at_children(*process);
      if (user_spaces::of(image_, *process) >= 0) look_at_who(*process);
      for (const auto& descriptor : process->descriptors) look_at_file(*process, *descriptor);
    }
  }

 private:
  void add(const image::ProcessT& process, const std::string& what,
           const char* hint = kStartWithout) {
    obstacles_.add(process_words(VirtualPid{process.pid}, process.name) + " " + what, hint);
  }

  // Session and group it can only have by birth where it cannot see them.
  void look_at_birth(const image::ProcessT& process) {
    if (spaces_.space_of(process) < 0) return;
    const image::ProcessT* parent = find_maker(image_, process);
    auto comes_from_parent = [&](int id, int of_parent) {
      return id == 0 || spaces_.seen_by(process, id) != 0 || id == of_parent;
    };
    if (parent != nullptr && (!comes_from_parent(process.group, parent->group) ||
                              !comes_from_parent(process.session, parent->session)))
      add(process,
          "lives in a pid namespace of its own, from which its group or session cannot be "
          "seen, and which is not that of its parent");
    const int signal = process.exit_status & 0x7f;
    if (process.state == image::ProcessState::zombie && spaces_.is_first(process) && signal != 0 &&
        signal != SIGKILL)
      add(process,
          "was the first of a pid namespace and was ended by signal " + std::to_string(signal) +
              ", which its parent has not asked about",
          "let its parent wait for it");
  }

  void look_at_children(const image::ProcessT& process) {
    const int space = process.space_of_children;
    if (space < 0) return;
    const image::NamespaceT& of_children = *image_.namespaces[static_cast<size_t>(space)];
    const bool unborn = !of_children.ended && spaces_.first_of(space) == nullptr;
    if (process_files::has_ended_root(process))
      add(process,
          "has made a pid namespace for its children, and has a root that is empty for ever");
    if (unborn && (of_children.owner != user_spaces::of(image_, process) || process.shares_memory))
      add(process, "has made a pid namespace for its children before it went elsewhere");
  }

  // Who shares folders cannot enter a user namespace; the others are seldom enough.
  void look_at_sharing(const image::ProcessT& process) {
    if (process.shares_memory || !(process.shares_descriptors || process.shares_folders)) return;
    const image::ProcessT* parent = find_maker(image_, process);
    for (const image::ProcessT* one : {&process, parent})
      if (one != nullptr && (spaces_.space_of(*one) >= 0 || user_spaces::of(image_, *one) >= 0 ||
                             process_files::has_ended_root(*one)))
        return add(process,
                   "shares descriptors or folders with its parent, in a pid or user namespace "
                   "of their own");
  }

  // Who it is.
  void look_at_who(const image::ProcessT& process) {
    const int users = user_spaces::of(image_, process);
    const image::NamespaceT& there = *image_.namespaces[static_cast<size_t>(users)];
    const image::CredentialsT& first = *process.threads.front()->credentials;
    const image::CredentialsT& entered = user_spaces::entered_as(image_, process);
    for (const auto& thread : process.threads) {
      if (thread->has_namespaces)
        add(process, "lives in a user namespace of its own, and its thread " +
                         std::to_string(thread->tid) + " in other namespaces than the rest");
      const image::CredentialsT& own = *thread->credentials;
      if ((own.uid != entered.uid || own.gid != entered.gid || own.groups != entered.groups) &&
          !credentials::change_in(there, entered, own))
        add(process, "lives in a user namespace of its own, where its thread " +
                         std::to_string(thread->tid) +
                         " is another user than others, without a name there");
      const image::SchedulingT& scheduling = *thread->scheduling;
      const bool is_ordinary = scheduling.policy == SCHED_OTHER ||
                               scheduling.policy == SCHED_BATCH || scheduling.policy == SCHED_IDLE;
      if (!is_ordinary || scheduling.nice < 0)
        add(process,
            "lives in a user namespace of its own, and has a higher priority than anybody "
            "may take there");
    }
    const int born = births_.users_at_birth(process);
    if (born < 0) return;
    for (int index : process.namespaces)
      if (is_out_of_reach(process, born, index))
        add(process,
            "lives in a " + image_.namespaces[static_cast<size_t>(index)]->kind +
                " namespace over which the user namespace of its pid namespace has no rights");
    if (!keeps_ids_of_birth(process, born) && !credentials::seen_in(there, first))
      add(process, "is a user that has no name in its user namespace");
  }

  // It cannot be entered from the user namespace that the process is born in, and who was the first
  // there has not brought it along.
  bool is_out_of_reach(const image::ProcessT& process, int born, int index) const {
    const image::NamespaceT& space = *image_.namespaces[static_cast<size_t>(index)];
    if (!namespaces::is_entered(space) || user_spaces::is_within(image_, space.owner, born))
      return false;
    if (space.kind == "mnt") return true;
    const image::ProcessT* first = spaces_.first_of(spaces_.space_of(process));
    return first == nullptr ||
           std::ranges::find(first->namespaces, index) == first->namespaces.end();
  }

  // Of the first of its pid namespace, who was made with them.
  bool keeps_ids_of_birth(const image::ProcessT& process, int born) const {
    for (int space = spaces_.space_of(process); space >= 0; space = spaces_.parent(space)) {
      const image::ProcessT* first = spaces_.first_of(space);
      if (image_.namespaces[static_cast<size_t>(space)]->owner != born || first == nullptr ||
          first->threads.empty())
        continue;
      const image::CredentialsT& of_first = *first->threads.front()->credentials;
      const image::CredentialsT& own = *process.threads.front()->credentials;
      return of_first.uid == own.uid && of_first.gid == own.gid && of_first.groups == own.groups;
    }
    return false;
  }

  void look_at_file(const image::ProcessT& process, const image::DescriptorT& descriptor) {
    const image::OpenFileT& file = *image_.open_files[static_cast<size_t>(descriptor.file)];
    const auto* pidfd = file.kind.AsPidfd();
    const std::string words = "has descriptor " + std::to_string(descriptor.fd) + " open on ";
    if (pidfd != nullptr && pidfd->pid > 0 && spaces_.seen_by(process, pidfd->pid) == 0)
      add(process, words + "a pidfd of a process that it cannot see from its pid namespace",
          "close it");
    const bool is_late = pidfd != nullptr || file.kind.type == image::FileKind::ProcessFile;
    if (const image::ProcessT* first = first_holder(descriptor.file);
        is_late && first != nullptr && spaces_.seen_by(process, first->pid) == 0)
      add(process,
          words +
              "a file about a process, which it shares with one that it cannot see "
              "from its pid namespace",
          "close it");
    if (file.owner && file.owner->id != 0 && !is_seen_by_a_holder(descriptor.file, file.owner->id))
      add(process, words + "a file whose owner (F_SETOWN) it cannot see from its pid namespace",
          "close it");
  }

  const image::ProcessT* first_holder(int file) const {
    for (const auto& process : image_.processes)
      for (const auto& descriptor : process->descriptors)
        if (descriptor->file == file) return process.get();
    return nullptr;
  }

  bool is_seen_by_a_holder(int file, int id) const {
    return std::ranges::any_of(image_.processes, [&](const auto& process) {
      return spaces_.seen_by(*process, id) != 0 &&
             std::ranges::any_of(process->descriptors,
                                 [&](const auto& one) { return one->file == file; });
    });
  }

  const image::ImageT& image_;
  const Births births_;
  const PidSpaces& spaces_;
  Obstacles& obstacles_;
};

}  // namespace

void find_namespace_obstacles(const image::ImageT& image, Obstacles& obstacles) {
  const bool any = std::ranges::any_of(image.namespaces, [](const auto& space) {
    return space->kind == "pid" || space->kind == "user";
  });
  if (any) Finder(image, obstacles).find();
}

}  // namespace appshot
