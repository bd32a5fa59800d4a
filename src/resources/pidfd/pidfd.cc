#include "resources/pidfd/pidfd.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "os/child.h"

namespace appshot::pidfds {
namespace {

constexpr int kThread = O_EXCL;  // PIDFD_THREAD

pid_t target(const DescriptorRef& ref) { return proc::id_inside(ref.descriptor.fields, "NSpid"); }

// Its process has ended and been waited for: any such process is as good.
Result<UniqueFd> pidfd_of_the_dead() {
  UniqueFd pidfd;
  pid_t pid = TRY(fork_child({.pidfd = &pidfd}));
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  return pidfd;
}

}  // namespace

bool Pidfd::recognises(const DescriptorRef& ref) const {
  return ref.descriptor.link == "anon_inode:[pidfd]" || ref.descriptor.link.starts_with("pidfd:");
}

Result<image::FileKindUnion> Pidfd::capture(CaptureContext&, const DescriptorRef& ref) const {
  image::PidfdT pidfd;
  pidfd.pid = target(ref);
  pidfd.thread = (ref.descriptor.flags() & kThread) != 0;
  image::FileKindUnion kind;
  kind.Set(pidfd);
  return kind;
}

Result<UniqueFd> Pidfd::reopen(RestoreContext&, const image::OpenFileT& file) const {
  if (made_late(file)) return UniqueFd();
  return pidfd_of_the_dead();
}

bool Pidfd::made_late(const image::OpenFileT& file) const { return file.kind.AsPidfd()->pid > 0; }

void Pidfd::plan_open(const image::OpenFileT& file, const LateOpening& opening, CallList& calls,
                      DataSpace&) const {
  const image::PidfdT& pidfd = *file.kind.AsPidfd();
  const int flags = static_cast<int>(file.flags & O_NONBLOCK) | (pidfd.thread ? kThread : 0);
  calls.add_expecting(opening.number, SYS_pidfd_open,
                      opening.spaces.seen_by(opening.process, pidfd.pid), flags);
}

}  // namespace appshot::pidfds
