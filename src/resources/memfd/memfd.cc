#include "resources/memfd/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/file.h"
#include "resources/shared_memory.h"

namespace appshot::memfds {

bool Memfd::recognises(const DescriptorRef& ref) const {
  return ref.descriptor.link.starts_with("/memfd:") && S_ISREG(ref.descriptor.info.st_mode);
}

Result<image::FileKindUnion> Memfd::capture(CaptureContext& context,
                                            const DescriptorRef& ref) const {
  UniqueFd fd = TRY(ref.process.pidfd.take_copy(ref.descriptor.fd));
  image::MemfdT memfd;
  memfd.object = TRY(capture_shared_memory(context, fd.get(), ref.descriptor.link));
  image::FileKindUnion kind;
  kind.Set(memfd);
  return kind;
}

Result<UniqueFd> Memfd::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  auto object = static_cast<size_t>(file.kind.AsMemfd()->object);
  std::string path = "/proc/self/fd/" + std::to_string(context.shared_memory[object].get());
  int flags = static_cast<int>(file.flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_NOATIME));
  UniqueFd fd = TRY(open_file(path, flags));
  if (file.offset != 0) TRY_SYS(::lseek(fd.get(), file.offset, SEEK_SET));
  return fd;
}

}  // namespace appshot::memfds
