#include "resources/process_files/namespace_file.h"

#include <sys/stat.h>
#include <sys/statfs.h>

#include "os/file.h"
#include "resources/namespaces.h"
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

std::string path_of(const DescriptorRef& ref) {
  return "/proc/" + std::to_string(ref.process.host.value) + "/fd/" +
         std::to_string(ref.descriptor.fd);
}

// "uts:[4026532567]"
std::string kind_in(const std::string& link) { return link.substr(0, link.find(':')); }

}  // namespace

bool NamespaceFile::recognises(const DescriptorRef& ref) const {
  struct statfs system {};
  return ref.descriptor.link.find(":[") != std::string::npos &&
         ::statfs(path_of(ref).c_str(), &system) == 0 && system.f_type == kNamespaceMagic;
}

std::string NamespaceFile::obstacle(const DescriptorRef& ref) const {
  if (kind_of(ref) != nullptr) return "";
  const std::string kind = kind_in(ref.descriptor.link);
  // They cannot be made before somebody lives there; clocks are told of processes only.
  const bool held_only = kind == "pid" || kind == "time";
  const std::string why = held_only ? "held" : namespaces::obstacle(kind, path_of(ref));
  return why.empty() ? "" : ref.descriptor.link + ", a namespace that is not the instance's own";
}

Result<image::FileKindUnion> NamespaceFile::capture(CaptureContext& context,
                                                    const DescriptorRef& ref) const {
  image::NamespaceFileT file;
  if (const char* kind = kind_of(ref)) {
    file.kind = kind;
  } else {
    file.kind = kind_in(ref.descriptor.link);
    file.index = TRY(namespaces::capture(context, file.kind, path_of(ref)));
  }
  image::FileKindUnion captured;
  captured.Set(std::move(file));
  return captured;
}

Result<UniqueFd> NamespaceFile::reopen(RestoreContext& context,
                                       const image::OpenFileT& file) const {
  const image::NamespaceFileT& space = *file.kind.AsNamespaceFile();
  if (space.index < 0) return open_file("/proc/self/ns/" + space.kind, reopen_flags(file.flags));
  const int made = context.namespaces[static_cast<size_t>(space.index)].get();
  return open_file("/proc/self/fd/" + std::to_string(made), reopen_flags(file.flags));
}

}  // namespace appshot::process_files
