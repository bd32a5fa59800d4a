#include "resources/eventfd/eventfd.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace appshot::eventfds {

bool Eventfd::recognises(const DescriptorRef& ref) const {
  return ref.descriptor.link == "anon_inode:[eventfd]";
}

Result<image::FileKindUnion> Eventfd::capture(CaptureContext&, const DescriptorRef& ref) const {
  image::EventfdT eventfd;
  eventfd.count = proc::field_number(ref.descriptor.fields, "eventfd-count", 16);
  eventfd.semaphore = proc::field_number(ref.descriptor.fields, "eventfd-semaphore") != 0;
  image::FileKindUnion kind;
  kind.Set(eventfd);
  return kind;
}

Result<UniqueFd> Eventfd::reopen(RestoreContext&, const image::OpenFileT& file) const {
  const image::EventfdT& eventfd = *file.kind.AsEventfd();
  int flags = EFD_CLOEXEC | (eventfd.semaphore ? EFD_SEMAPHORE : 0);
  UniqueFd fd(TRY_SYS(::eventfd(0, flags)));
  // Written, not given at creation: that takes only 32 bits.
  if (eventfd.count != 0) TRY_SYS(::write(fd.get(), &eventfd.count, sizeof eventfd.count));
  TRY_SYS(::fcntl(fd.get(), F_SETFL, file.flags & O_NONBLOCK));
  return fd;
}

}  // namespace appshot::eventfds
