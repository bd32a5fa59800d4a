#include "checkpoint/contents_ahead.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "os/file.h"
#include "os/proc/process_dir.h"
#include "resources/layers/layers.h"
#include "resources/shared_memory.h"

namespace appshot {
namespace {

// Smaller ones are copied while it stands still.
constexpr uint64_t kKiB = 1 << 10;
constexpr uint64_t kWorthCopyingAhead = 256 * kKiB;
// So many descriptors of ours at most; the largest are the ones.
constexpr size_t kContentsMax = 256;
constexpr int kDepthMax = 64;
constexpr char kSharedMemoryFolder[] = "/dev/shm";

// Seen without opening it, which is more work, and which a lease might be in the way of.
bool is_large(const UniqueFd& folder, const char* name) {
  struct stat info {};
  return ::fstatat(folder.get(), name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         static_cast<uint64_t>(info.st_size) >= kWorthCopyingAhead;
}

Result<bool> watches_files(const Cgroup& application) {
  for (pid_t pid : TRY(application.processes())) {
    Result<proc::ProcessDir> dir = proc::ProcessDir::open(HostPid{pid});
    Result<std::vector<int>> descriptors = dir ? dir->descriptors() : std::vector<int>();
    if (!descriptors) continue;
    for (int fd : *descriptors) {
      Result<std::string> link = dir->link("fd/" + std::to_string(fd));
      if (link && link->ends_with(":inotify")) return true;
    }
  }
  return false;
}

}  // namespace

Result<ContentsAhead> ContentsAhead::find(const InstanceView& instance, MemoryTracks& tracks) {
  ContentsAhead found(tracks);
  if (!instance.layers.empty())
    for (const std::string& layer : TRY(list_folder(instance.layers))) {
      const std::string upper = instance.layers + "/" + layer + "/upper";
      if (Result<UniqueFd> folder = open_file(upper, O_RDONLY | O_DIRECTORY))
        found.add_folder(*folder, layers::kLayers + layer, 0);
    }
  // Reading there tells who watches it.
  if (!instance.share.ipc && !TRY(watches_files(*instance.application)))
    if (Result<UniqueFd> folder =
            open_file(instance.root + kSharedMemoryFolder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
      found.add_folder(*folder, "shm", 0);
  for (pid_t pid : TRY(instance.application->processes())) found.add_shared_memory(HostPid{pid});
  return found;
}

// Step by step and past no symbolic link: it runs, and may put one anywhere.
void ContentsAhead::add_folder(const UniqueFd& folder, const std::string& name, int depth) {
  struct Close {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  if (depth > kDepthMax) return;
  UniqueFd to_list(::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!to_list) return;
  const std::unique_ptr<DIR, Close> list(::fdopendir(to_list.get()));
  if (!list) return;
  (void)to_list.release();
  while (const dirent* entry = ::readdir(list.get())) {
    const std::string_view entry_name = entry->d_name;
    if (entry_name == "." || entry_name == "..") continue;
    const bool is_folder = entry->d_type == DT_DIR;
    if (!is_folder && (entry->d_type != DT_REG || !is_large(folder, entry->d_name))) continue;
    UniqueFd one(::openat(folder.get(), entry->d_name,
                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC |
                              (is_folder ? O_DIRECTORY : 0)));
    if (!one) continue;
    const std::string path = name + "/" + entry->d_name;
    is_folder ? add_folder(one, path, depth + 1) : add_file(std::move(one), path);
  }
}

void ContentsAhead::add_file(UniqueFd file, const std::string& name) {
  struct stat info {};
  if (::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode))
    keep(std::move(file), name, info, {info.st_dev, info.st_ino},
         tracks_.origin() ? tracks_.origin()->of_file(name) : nullptr);
}

void ContentsAhead::add_shared_memory(HostPid pid) {
  Result<proc::ProcessDir> dir = proc::ProcessDir::open(pid);
  Result<proc::Fields> status = dir ? dir->status() : Result<proc::Fields>(dir.take_error());
  if (!status || proc::field_number(*status, "RssShmem") < kWorthCopyingAhead / kKiB) return;
  Result<std::vector<proc::Mapping>> mappings = dir->mapped_ranges();
  if (!mappings) return;
  const VirtualPid id{proc::innermost(*status, "NStgid")};
  for (const proc::Mapping& mapping : *mappings) {
    if (!mapping.shared || mapping.length() < kWorthCopyingAhead ||
        !is_shared_memory_link(mapping.name))
      continue;
    const std::string path =
        fmt::format("/proc/{}/map_files/{:x}-{:x}", pid.value, mapping.start, mapping.end);
    Result<UniqueFd> file = open_file(path, O_RDONLY);
    struct stat info {};
    if (!file || ::fstat(file->get(), &info) != 0) continue;
    Result<MemoryTracks::Identity> identity =
        shared_memory_identity(file->get(), mapping.name, info);
    if (identity)
      keep(std::move(file).value(), mapping.name, info, *identity,
           tracks_.origin() ? tracks_.origin()->of_shared_memory(id, mapping.start) : nullptr);
  }
}

void ContentsAhead::keep(UniqueFd file, const std::string& name, const struct stat& info,
                         const MemoryTracks::Identity& identity, const KnownPages* likely) {
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size < kWorthCopyingAhead) return;
  KnownContent& known = tracks_.content(identity);
  if (known.pages.empty() && likely != nullptr) known.pages = *likely;
  if (known.stamp && known.stamp == FileStamp::of(info)) return;
  if (std::ranges::any_of(contents_, [&](const Content& one) { return one.known == &known; }))
    return;
  contents_.push_back({std::move(file), name, size, &known, {}});
  if (contents_.size() <= kContentsMax) return;
  contents_.erase(std::ranges::min_element(contents_, {}, &Content::size));
}

uint64_t ContentsAhead::bytes() const {
  uint64_t bytes = 0;
  for (const Content& content : contents_) bytes += content.size;
  return bytes;
}

void ContentsAhead::take_stamps() {
  for (Content& content : contents_) {
    struct stat info {};
    std::optional<FileStamp>& stamp = content.known->stamp;
    content.is_unchanged =
        stamp && ::fstat(content.file.get(), &info) == 0 && *stamp == FileStamp::of(info);
    if (!content.is_unchanged) stamp = FileStamp::take(content.file.get());
  }
}

Result<> ContentsAhead::copy(PageCopies& pages) {
  for (Content& content : contents_) {
    content.runs.clear();
    if (content.is_unchanged) continue;
    UniqueFd file(TRY_SYS(::fcntl(content.file.get(), F_DUPFD_CLOEXEC, 0)));
    std::shared_ptr<const ContentMapping>& mapping = content.known->mapping;
    if (!mapping || mapping->size() != content.size)
      mapping = ContentMapping::map(file.get(), content.size);
    TRY(pages.add_file(std::move(file), content.name, content.size, content.runs, content.known,
                       PageCopies::Content::changing));
  }
  return {};
}

uint64_t ContentsAhead::bytes_stored_from(uint64_t base) const {
  uint64_t bytes = 0;
  for (const Content& content : contents_)
    for (const image::PageRun& run : content.runs)
      if (run.offset() >= base) bytes += run.length();
  return bytes;
}

}  // namespace appshot
