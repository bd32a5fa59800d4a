#include "resources/files/device_file.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "os/file.h"
#include "resources/file_names.h"
#include "resources/open_flags.h"

namespace appshot::files {
namespace {

constexpr unsigned kMemoryMajor = 1;
constexpr unsigned kStateless[] = {3, 5, 7, 8, 9};

}  // namespace

bool DeviceFile::recognises(const DescriptorRef& ref) const {
  const struct stat& info = ref.descriptor.info;
  if (!S_ISCHR(info.st_mode) || major(info.st_rdev) != kMemoryMajor) return false;
  for (unsigned minor_number : kStateless)
    if (minor(info.st_rdev) == minor_number) return true;
  return false;
}

Result<image::FileKindUnion> DeviceFile::capture(CaptureContext& context,
                                                 const DescriptorRef& ref) const {
  image::DeviceFileT file;
  file.name = std::make_unique<image::FileNameT>();
  file.name->path = ref.descriptor.link;
  file.name->space = space_of(context, ref.descriptor.mount());
  file.name->mode = ref.descriptor.info.st_mode;
  file.rdev = ref.descriptor.info.st_rdev;
  image::FileKindUnion kind;
  kind.Set(std::move(file));
  return kind;
}

Result<UniqueFd> DeviceFile::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  const image::DeviceFileT& device = *file.kind.AsDeviceFile();
  UniqueFd fd = TRY(open_file(context.path_of(*device.name), reopen_flags(file.flags) | O_NOCTTY));
  struct stat info {};
  TRY_SYS(::fstat(fd.get(), &info));
  if (info.st_rdev != device.rdev)
    return Error(ErrorClass::mismatch, device.name->path + " is another device here");
  return fd;
}

}  // namespace appshot::files
