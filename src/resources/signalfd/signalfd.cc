#include "resources/signalfd/signalfd.h"

#include <fcntl.h>
#include <sys/signalfd.h>

#include <cstring>

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
  sigset_t signals{};
  std::memcpy(&signals, &mask, sizeof mask);
  return UniqueFd(
      TRY_SYS(::signalfd(-1, &signals, SFD_CLOEXEC | static_cast<int>(file.flags & O_NONBLOCK))));
}

}  // namespace appshot::signalfds
