#include "resources/process_files/ended_root.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "resources/process_files/process_file.h"

namespace appshot::process_files {
namespace {

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

}  // namespace

std::string why_root_not_kept(const InstanceView& instance, const ProcessSource& process,
                              const std::string& link) {
  struct stat root {
  }, cwd{}, own{}, now{};
  const int folder = process.dir.folder();
  if (::fstatat(folder, "root", &root, 0) != 0 || ::fstatat(folder, "cwd", &cwd, 0) != 0 ||
      ::fstat(instance.proc.get(), &own) != 0)
    return "which cannot be looked at";
  if (root.st_dev != own.st_dev) return "of a /proc that is not the instance's own";
  const std::string id(path_in_proc(link).substr(0, path_in_proc(link).find('/')));
  if (::fstatat(instance.proc.get(), id.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0)
    return "a folder about a process";
  return is_same(root, cwd) ? "" : "while it works in another folder";
}

bool has_ended_root(const image::ProcessT& process) {
  return process.root && process.root->ghost < 0 && !path_in_proc(process.root->path).empty();
}

Result<> enter_ended_root_child(const image::ProcessT& process, const RunChild& run) {
  const std::string& path = process.root->path;
  return run(std::atoi(path_in_proc(path).data()),
             [&] { return ::chroot(path.c_str()) == 0 && ::chdir("/") == 0 ? 0 : errno; })
      .within("root " + path);
}

}  // namespace appshot::process_files
