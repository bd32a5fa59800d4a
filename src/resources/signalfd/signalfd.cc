#include "resources/signalfd/signalfd.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace appshot::signalfds {

bool Signalfd::recognises(const DescriptorRef& ref) const {
  return ref.descriptor.link == "anon_inode:[signalfd]";
}

Result<image::FileKindUnion> Signalfd::capture(CaptureContext&, const DescriptorRef& ref) const {
  image::SignalfdT signalfd;
  signalfd.mask = proc::field_number(ref.descriptor.fields, "sigmask", 16);
  image::FileKindUnion kind;
  kind.Set(signalfd);
  return kind;
}

Result<UniqueFd> Signalfd::reopen(RestoreContext&, const image::OpenFileT& file) const {
  uint64_t mask = file.kind.AsSignalfd()->mask;
  auto fd =
      static_cast<int>(TRY_SYS(::syscall(SYS_signalfd4, -1, &mask, sizeof mask,
                                         SFD_CLOEXEC | static_cast<int>(file.flags & O_NONBLOCK))));
  return UniqueFd(fd);
}

}  // namespace appshot::signalfds
