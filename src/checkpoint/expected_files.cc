#include "checkpoint/expected_files.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <set>

#include "os/file.h"
#include "resources/content_sum.h"
#include "resources/inotify/inotify.h"

namespace appshot {
namespace {

constexpr char kSharedMemoryFolder[] = "/dev/shm";

// In all: some milliseconds, from the kernel's cache.
constexpr uint64_t kReadStandingStillMax = 16 << 20;

constexpr long kCeph = 0x00c36400, kCifs = 0xff534d42, kSmb2 = 0xfe534d42, kFuse = 0x65735546;
// Another program or machine answers there, and nobody knows when.
constexpr long kSlow[] = {NFS_SUPER_MAGIC, V9FS_MAGIC, kCeph, kCifs, kSmb2, kFuse};

long file_system_of(const std::string& path) {
  struct statfs system {};
  return ::statfs(path.c_str(), &system) == 0 ? system.f_type : 0;
}

class ExpectedFiles {
 public:
  explicit ExpectedFiles(CaptureContext& context) : context_(context) { find_own_systems(); }

  Result<> run() {
    for (const auto& file : context_.image.open_files) look_at(*file);
    for (const auto& process : context_.image.processes) {
      if (!process->address_space) continue;
      for (const auto& mapping : process->address_space->mappings)
        if (mapping->shared && mapping->kind == image::MappingKind::file)
          add(*context_.image.mapped_files[static_cast<size_t>(mapping->object)]);
    }
    if (!tells_of_reading_) read_smallest();
    return {};
  }

 private:
  struct Unknown {
    image::ExpectedFileT* file;
    std::string path;
    struct stat info;
  };
  using Identity = std::pair<dev_t, ino_t>;

  // Those whose files are in the image.
  void find_own_systems() {
    struct stat shm {};
    if (!context_.instance.share.ipc &&
        ::stat((context_.instance.root + kSharedMemoryFolder).c_str(), &shm) == 0)
      own_systems_.insert(shm.st_dev);
    for (const auto& [device, index] : context_.mount_spaces.file_systems)
      if (context_.image.file_systems[static_cast<size_t>(index)]->place.empty())
        own_systems_.insert(device);
  }

  void look_at(const image::OpenFileT& file) {
    if (const auto* inotify = file.kind.AsInotify())
      for (const auto& watch : inotify->watches)
        tells_of_reading_ |= (watch->mask & inotifies::kTellReading) != 0;
    const auto* regular = file.kind.AsRegularFile();
    if (regular == nullptr || (file.flags & O_PATH) != 0) return;
    // Opening it would end a lease for writing.
    for (const auto& lock : file.locks)
      if (lock->kind == image::LockKind::lease && lock->type == F_WRLCK)
        leased_.insert({regular->name->device, regular->name->inode});
    add(*regular->name);
  }

  void add(const image::FileNameT& name) {
    if (!S_ISREG(name.mode) || name.ghost >= 0 || own_systems_.contains(name.device) ||
        !seen_.insert({name.space, name.path}).second)
      return;
    const std::string path = context_.root_of(name.space) + name.path;
    if (file_system_of(path) == PROC_SUPER_MAGIC) return;
    auto file = std::make_unique<image::ExpectedFileT>();
    file->name = std::make_unique<image::FileNameT>(name);
    struct stat info {};
    const bool is_as_told = ::lstat(path.c_str(), &info) == 0 && info.st_dev == name.device &&
                            info.st_ino == name.inode &&
                            static_cast<uint64_t>(info.st_size) == name.size;
    if (is_as_told && name.size <= kSummedMax) {
      if (auto sum = context_.tracks->file_sums().find(FileStamp::of(info)))
        file->sum = std::make_unique<image::ContentSum>(*sum);
      else
        unknown_.push_back({file.get(), path, info});
    }
    context_.image.expected_files.push_back(std::move(file));
  }

  void read_smallest() {
    std::ranges::stable_sort(unknown_, {}, [](const Unknown& one) { return one.info.st_size; });
    uint64_t left = kReadStandingStillMax;
    for (const Unknown& one : unknown_) {
      const auto size = static_cast<uint64_t>(one.info.st_size);
      if (size > left) return;
      if (leased_.contains({one.info.st_dev, one.info.st_ino}) ||
          std::ranges::find(kSlow, file_system_of(one.path)) != std::end(kSlow))
        continue;
      left -= size;
      read(one, size);
    }
  }

  // Of a file that cannot be read no sum is kept, nor of one that somebody else has just replaced.
  void read(const Unknown& one, uint64_t size) {
    Result<UniqueFd> fd = open_file(one.path, kToSum | O_NOFOLLOW);
    struct stat info {};
    if (!fd || ::fstat(fd->get(), &info) != 0 || FileStamp::of(info) != FileStamp::of(one.info))
      return;
    const std::optional<FileStamp> stamp = FileStamp::take(fd->get());
    Result<image::ContentSum> sum = content_sum(fd->get(), size);
    if (!sum) return;
    one.file->sum = std::make_unique<image::ContentSum>(*sum);
    if (stamp) context_.tracks->file_sums().remember(*stamp, *sum);
  }

  CaptureContext& context_;
  std::set<dev_t> own_systems_;
  std::set<std::pair<int, std::string>> seen_;  // mount namespace and path
  std::set<Identity> leased_;
  std::vector<Unknown> unknown_;
  bool tells_of_reading_ = false;  // to the application
};

}  // namespace

Result<> capture_expected_files(CaptureContext& context) {
  return context.instance.share.fs ? ExpectedFiles(context).run() : Result<>();
}

}  // namespace appshot
