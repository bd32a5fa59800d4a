#include "resources/process_files/namespace_file.h"

#include <sys/stat.h>
#include <sys/statfs.h>

#include "os/file.h"
#include "resources/open_flags.h"

namespace appshot::process_files {
namespace {

constexpr long kNamespaceMagic = 0x6e736673;
constexpr const char* kKinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};

// Of init; nullptr: it is none of them.
const char* kind_of(const DescriptorRef& ref) {
  const std::string folder = "/proc/" + std::to_string(ref.instance.init.value) + "/ns/";
  for (const char* kind : kKinds) {
    struct stat info {};
    if (::stat((folder + kind).c_str(), &info) == 0 && info.st_ino == ref.descriptor.info.st_ino &&
        info.st_dev == ref.descriptor.info.st_dev)
      return kind;
  }
  return nullptr;
}

}  // namespace

bool NamespaceFile::recognises(const DescriptorRef& ref) const {
  struct statfs system {};
  const std::string path = "/proc/" + std::to_string(ref.process.host.value) + "/fd/" +
                           std::to_string(ref.descriptor.fd);
  return ref.descriptor.link.find(":[") != std::string::npos &&
         ::statfs(path.c_str(), &system) == 0 && system.f_type == kNamespaceMagic;
}

std::string NamespaceFile::obstacle(const DescriptorRef& ref) const {
  if (kind_of(ref) != nullptr) return "";
  return ref.descriptor.link + ", a namespace that is not the instance's own";
}

Result<image::FileKindUnion> NamespaceFile::capture(CaptureContext&,
                                                    const DescriptorRef& ref) const {
  const char* kind = kind_of(ref);
  if (kind == nullptr) return Error(ErrorClass::refused, obstacle(ref));
  image::NamespaceFileT file;
  file.kind = kind;
  image::FileKindUnion captured;
  captured.Set(std::move(file));
  return captured;
}

Result<UniqueFd> NamespaceFile::reopen(RestoreContext&, const image::OpenFileT& file) const {
  return open_file("/proc/self/ns/" + file.kind.AsNamespaceFile()->kind, reopen_flags(file.flags));
}

}  // namespace appshot::process_files
