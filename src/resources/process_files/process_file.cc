#include "resources/process_files/process_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "os/child.h"
#include "os/file.h"
#include "resources/open_flags.h"

namespace appshot::process_files {
namespace {

constexpr long kProcMagic = 0x9fa0;
constexpr std::string_view kProc = "/proc/";
constexpr std::string_view kDeleted = " (deleted)";
constexpr size_t kFolderBytes = 1024;  // room for the entries that a folder tells at once

// Files that stay with the memory the process had when they were opened, whatever it runs since.
constexpr std::string_view kOfMemory[] = {"maps",         "smaps", "numa_maps", "pagemap",
                                          "smaps_rollup", "mem",   "environ",   "auxv"};

struct Named {
  std::string path;  // below /proc
  bool ended;
};

// The name may have gone, or lead to another process that has the id since.
Named name_of(const DescriptorRef& ref) {
  std::string_view link = ref.descriptor.link;
  const bool deleted = link.ends_with(kDeleted);
  if (deleted) link.remove_suffix(kDeleted.size());
  std::string path(path_in_proc(link));
  struct stat now {};
  const bool there =
      ::fstatat(ref.instance.proc.get(), path.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 &&
      now.st_ino == ref.descriptor.info.st_ino;
  return {std::move(path), deleted || !there};
}

bool is_of_memory(std::string_view path) {
  const std::string_view file = path.substr(path.find_last_of('/') + 1);
  return std::ranges::find(kOfMemory, file) != std::end(kOfMemory);
}

bool is_about_thread(std::string_view path) { return path.find("/task/") != path.npos; }

int flags_to_open(uint32_t captured) {
  // By path only, and yet a file of /proc: the link itself was meant.
  const int path_only = (captured & O_PATH) != 0 ? O_NOFOLLOW : 0;
  return reopen_flags(captured) | path_only | O_NOCTTY;
}

// Who has run another program since has other memory; a file of the former says nothing any more.
bool shows_nothing_any_more(const UniqueFd& held, const UniqueFd& anew, uint64_t at) {
  char byte;
  return ::pread(held.get(), &byte, 1, static_cast<off_t>(at)) <= 0 &&
         ::pread(anew.get(), &byte, 1, static_cast<off_t>(at)) > 0;
}

bool is_of_former_memory(const DescriptorRef& ref, const std::string& path) {
  const int mode = static_cast<int>(ref.descriptor.flags()) & O_ACCMODE;
  if (!is_of_memory(path) || mode == O_WRONLY || (ref.descriptor.flags() & O_PATH) != 0)
    return false;
  Result<UniqueFd> held = ref.process.pidfd.take_copy(ref.descriptor.fd);
  Result<UniqueFd> anew = open_at(ref.instance.proc.get(), path, O_RDONLY);
  const std::string folder = path.substr(0, path.find_last_of('/'));
  Result<UniqueFd> maps = open_at(ref.instance.proc.get(), folder + "/maps", O_RDONLY);
  if (!held || !anew || !maps) return false;
  if (!path.ends_with("/mem")) return shows_nothing_any_more(*held, *anew, 0);
  char first[32] = {};
  if (::pread(maps->get(), first, sizeof first - 1, 0) <= 0) return false;
  return shows_nothing_any_more(*held, *anew, std::strtoull(first, nullptr, 16));
}

}  // namespace

std::string_view path_in_proc(std::string_view path) {
  if (!path.starts_with(kProc)) return "";
  path.remove_prefix(kProc.size());
  return !path.empty() && path[0] >= '0' && path[0] <= '9' ? path : "";
}

bool ProcessFile::recognises(const DescriptorRef& ref) const {
  if (path_in_proc(ref.descriptor.link).empty()) return false;
  struct statfs system {};
  const std::string path = "/proc/" + std::to_string(ref.process.host.value) + "/fd/" +
                           std::to_string(ref.descriptor.fd);
  return ::statfs(path.c_str(), &system) == 0 && system.f_type == kProcMagic;
}

std::string ProcessFile::obstacle(const DescriptorRef& ref) const {
  const DescriptorSource& d = ref.descriptor;
  const Named named = name_of(ref);
  struct stat proc {};
  if (ref.process.host.value == ::getpid())
    return d.link + ", a file about a process, which is opened only after messages are sent again";
  if (::fstat(ref.instance.proc.get(), &proc) != 0 || proc.st_dev != d.info.st_dev)
    return d.link + " of a /proc that is not the instance's own";
  if (d.fdinfo.find("\nlock:") != std::string::npos) return d.link + ", which it has locked";
  if (named.ended)
    return is_about_thread(named.path) ? d.link + ", about a thread that has ended" : "";
  Result<UniqueFd> anew =
      open_at(ref.instance.proc.get(), named.path, flags_to_open(d.flags()) | O_CLOEXEC);
  if (!anew) return d.link + ", which cannot be opened again (" + std::strerror(errno) + ")";
  if (is_of_former_memory(ref, named.path))
    return d.link + ", about memory that the process has given up for another program";
  return "";
}

Result<image::FileKindUnion> ProcessFile::capture(CaptureContext&, const DescriptorRef& ref) const {
  Named named = name_of(ref);
  image::ProcessFileT file;
  file.path = std::move(named.path);
  file.ended = named.ended;
  image::FileKindUnion kind;
  kind.Set(std::move(file));
  return kind;
}

// Any process that had the id for a moment is as good as the one it was about. Its id is free:
// nobody of the application exists yet.
Result<UniqueFd> ProcessFile::reopen(RestoreContext&, const image::OpenFileT& file) const {
  if (made_late(file)) return UniqueFd();
  const std::string& path = file.kind.AsProcessFile()->path;
  const pid_t pid = TRY(fork_child({.pid = std::atoi(path.c_str())}));
  if (pid == 0)
    for (;;) ::pause();
  Result<UniqueFd> opened = open_file("/proc/" + path, flags_to_open(file.flags));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return opened;
}

bool ProcessFile::made_late(const image::OpenFileT& file) const {
  return !file.kind.AsProcessFile()->ended;
}

void ProcessFile::plan_open(const image::OpenFileT& file, const LateOpening& opening,
                            CallList& calls, DataSpace& data) const {
  const std::string& path = file.kind.AsProcessFile()->path;
  calls.add_expecting(opening.number, SYS_openat, opening.proc,
                      data.put(path.c_str(), path.size() + 1), flags_to_open(file.flags));
  if ((file.flags & O_PATH) != 0 || file.offset == 0) return;
  // A folder only believes a position after something was read; anything else cannot be read so.
  calls.add_may_fail(SYS_getdents64, opening.number, data.reserve(kFolderBytes), kFolderBytes);
  calls.add_expecting(file.offset, SYS_lseek, opening.number, file.offset, SEEK_SET);
}

}  // namespace appshot::process_files
