#include "resources/mounts/forbidden_uses.h"

#include <fmt/core.h>
#include <sys/statvfs.h>

#include <string>

#include "resources/shared_memory.h"

namespace appshot::mounts {
namespace {

constexpr const char* kHint = "let the mount allow it again (mount -o remount)";

// What cannot be looked at is gone, or nothing that a mount could forbid.
bool is_forbidden(const std::string& path, unsigned long flag) {
  struct statvfs mount {};
  return ::statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & flag) != 0;
}

bool is_of_a_mount(const proc::Mapping& mapping) {
  return mapping.inode != 0 && mapping.name.starts_with("/") &&
         !mapping.name.starts_with("/[aio]") && !is_shared_memory_link(mapping.name);
}

}  // namespace

void find_forbidden_uses(const ProcessSource& process, Obstacles& obstacles) {
  const std::string folder = "/proc/" + std::to_string(process.host.value);
  if (is_forbidden(folder + "/exe", ST_NOEXEC))
    obstacles.add(process.words() + " runs a program on a mount that has become noexec", kHint);
  for (const proc::Mapping& mapping : process.mappings) {
    const bool may_run = mapping.executable || (mapping.vm_flags & proc::VmFlag::kMayExec) != 0;
    if (!may_run || !is_of_a_mount(mapping)) continue;
    if (is_forbidden(fmt::format("{}/map_files/{:x}-{:x}", folder, mapping.start, mapping.end),
                     ST_NOEXEC))
      obstacles.add(
          process.words() + " has " + mapping.name + " mapped, on a mount that has become noexec",
          kHint);
  }
  for (const DescriptorSource& descriptor : process.descriptors)
    if ((S_ISCHR(descriptor.info.st_mode) || S_ISBLK(descriptor.info.st_mode)) &&
        is_forbidden(fmt::format("{}/fd/{}", folder, descriptor.fd), ST_NODEV))
      obstacles.add(process.words() + " has descriptor " + std::to_string(descriptor.fd) +
                        " open on " + descriptor.link +
                        ", a device on a mount that has become nodev",
                    kHint);
}

}  // namespace appshot::mounts
