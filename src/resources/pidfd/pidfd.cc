#include "resources/pidfd/pidfd.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

namespace appshot::pidfds {
namespace {

constexpr int kThread = O_EXCL;  // PIDFD_THREAD

pid_t target(const DescriptorRef& ref) { return proc::innermost(ref.descriptor.fields, "NSpid"); }

}  // namespace

bool Pidfd::recognises(const DescriptorRef& ref) const {
  return ref.descriptor.link == "anon_inode:[pidfd]" || ref.descriptor.link.starts_with("pidfd:");
}

std::string Pidfd::obstacle(const DescriptorRef& ref) const {
  if (target(ref) > 0) return "";
  return "a pidfd of a process that has ended and been waited for, which cannot be made again; close it";
}

Result<image::FileKindUnion> Pidfd::capture(CaptureContext&, const DescriptorRef& ref) const {
  image::PidfdT pidfd;
  pidfd.pid = target(ref);
  pidfd.thread = (ref.descriptor.flags() & kThread) != 0;
  image::FileKindUnion kind;
  kind.Set(pidfd);
  return kind;
}

Result<UniqueFd> Pidfd::reopen(RestoreContext&, const image::OpenFileT&) const { return UniqueFd(); }

Result<UniqueFd> Pidfd::reopen_child(const RestoreContext&, const image::OpenFileT& file) const {
  const image::PidfdT& pidfd = *file.kind.AsPidfd();
  int flags = static_cast<int>(file.flags & O_NONBLOCK) | (pidfd.thread ? kThread : 0);
  return UniqueFd(static_cast<int>(TRY_SYS(::syscall(SYS_pidfd_open, pidfd.pid, flags))));
}

}  // namespace appshot::pidfds
