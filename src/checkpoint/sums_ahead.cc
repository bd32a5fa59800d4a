#include "checkpoint/sums_ahead.h"

#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <set>

#include "os/file.h"
#include "os/proc/process_dir.h"
#include "resources/content_sum.h"
#include "resources/inotify/inotify.h"
#include "resources/shared_memory.h"

namespace appshot {
namespace {

// Who may write it now may do so later without its stamp telling; and opening it would end a lease
// for writing. What is open as a path only is not open.
bool is_only_read(const std::string& fdinfo) {
  const uint64_t flags = proc::field_number({fdinfo}, "flags", 8);
  const bool is_leased =
      fdinfo.find("LEASE") != std::string::npos && fdinfo.find("WRITE") != std::string::npos;
  return (flags & (O_ACCMODE | O_PATH)) == O_RDONLY && !is_leased;
}

class SumsAhead {
 public:
  explicit SumsAhead(FileSums& sums) : sums_(sums) {}

  // False: the application would be told of it when files are read.
  bool find(const proc::ProcessDir& dir) {
    const std::string process = "/proc/" + std::to_string(dir.pid().value) + "/";
    for (int fd : dir.descriptors().value_or({})) {
      const std::string number = std::to_string(fd);
      const std::string link = dir.link("fd/" + number).value_or("");
      const bool watches = link.ends_with(":inotify");
      if (!watches && !is_unknown_file(process + "fd/" + number)) continue;
      Result<std::string> fdinfo = dir.read("fdinfo/" + number);
      if (!fdinfo) continue;  // closed by now
      if (watches && inotifies::tells_of_reading(*fdinfo)) return false;
      if (!watches && is_only_read(*fdinfo)) add(process + "fd/" + number);
    }
    for (const proc::Mapping& mapping : dir.mapped_ranges().value_or({})) {
      const std::string path =
          fmt::format("{}map_files/{:x}-{:x}", process, mapping.start, mapping.end);
      if (mapping.shared && !mapping.writable && mapping.inode != 0 &&
          !is_shared_memory_link(mapping.name) && is_unknown_file(path))
        add(path);
    }
    return true;
  }

  void sum_all(const TellProgress& tell) {
    uint64_t done = 0;
    for (const Found& file : found_) {
      sum(file, [&](uint64_t bytes) { tell("files", done += bytes, bytes_); });
    }
  }

 private:
  struct Found {
    std::string path;
    uint64_t size;
  };

  bool is_unknown_file(const std::string& path) {
    struct statfs system {};
    if (::stat(path.c_str(), &last_) != 0 || !S_ISREG(last_.st_mode) || last_.st_size == 0 ||
        static_cast<uint64_t>(last_.st_size) > kSummedMax || sums_.find(FileStamp::of(last_)))
      return false;
    return ::statfs(path.c_str(), &system) == 0 && system.f_type != PROC_SUPER_MAGIC &&
           system.f_type != SYSFS_MAGIC;
  }

  // The file that was looked at last.
  void add(const std::string& path) {
    if (!seen_.insert({last_.st_dev, last_.st_ino}).second) return;
    found_.push_back({path, static_cast<uint64_t>(last_.st_size)});
    bytes_ += found_.back().size;
  }

  void sum(const Found& file, const TellSummed& tell) {
    Result<UniqueFd> fd = open_file(file.path, kToSum);
    const std::optional<FileStamp> stamp = fd ? FileStamp::take(fd->get()) : std::nullopt;
    if (!stamp || stamp->size > kSummedMax) return;
    Result<image::ContentSum> sum = content_sum(fd->get(), stamp->size, tell);
    if (sum) sums_.remember(*stamp, *sum);
  }

  FileSums& sums_;
  struct stat last_ {};
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::vector<Found> found_;
  uint64_t bytes_ = 0;
};

}  // namespace

Result<> sum_files_ahead(const InstanceView& instance, FileSums& sums, const TellProgress& tell) {
  SumsAhead ahead(sums);
  for (pid_t pid : TRY(instance.application->processes())) {
    Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
    if (dir && !ahead.find(*dir)) return {};
  }
  ahead.sum_all(tell);
  return {};
}

}  // namespace appshot
