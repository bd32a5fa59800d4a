#include "resources/ipc/sysv_shm.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/statfs.h>

#include <algorithm>
#include <iterator>

#include "image/format.h"
#include "os/file.h"
#include "resources/acting.h"
#include "resources/ipc/permissions.h"
#include "resources/shared_memory.h"

namespace appshot::ipc {
namespace {

uint64_t whole_pages(uint64_t size) {
  return (size + image::kPageSize - 1) / image::kPageSize * image::kPageSize;
}

std::string words(int id) { return "shared memory segment " + std::to_string(id); }

// An attachment of ours, for as long as it is needed.
class Attachment {
 public:
  static Result<Attachment> make(int id, int flags) {
    void* at = ::shmat(id, nullptr, flags);
    if (at == reinterpret_cast<void*>(-1)) return Error::from_errno(errno, "shmat");
    return Attachment(static_cast<char*>(at));
  }
  Attachment(Attachment&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}
  Attachment& operator=(Attachment&&) = delete;
  ~Attachment() {
    if (at_ != nullptr) ::shmdt(at_);
  }
  char* at() const { return at_; }
  void release() { at_ = nullptr; }

 private:
  explicit Attachment(char* at) : at_(at) {}
  char* at_;
};

// Where there are several namespaces an id alone tells nothing.
int known_object(const CaptureContext& context, int id) {
  if (!context.ipc_spaces.empty()) return -1;
  const image::ImageT& image = context.image;
  for (size_t i = 0; i < image.shared_memory.size(); ++i) {
    const image::SharedMemoryT& object = *image.shared_memory[i];
    if (object.kind == image::SharedMemoryKind::sysv && object.sysv_id == id)
      return static_cast<int>(i);
  }
  return -1;
}

// It is attached by us for a moment, and the file behind it read, unless another has it attached
// and that is in the image already.
Result<int> capture_by_attaching(CaptureContext& context, int id, uint64_t size) {
  Attachment mine = TRY(Attachment::make(id, SHM_RDONLY));
  auto start = reinterpret_cast<uint64_t>(mine.at());
  std::string path =
      fmt::format("/proc/self/map_files/{:x}-{:x}", start, start + whole_pages(size));
  UniqueFd fd = TRY(open_file(path, O_RDONLY));
  struct statfs system {};
  TRY_SYS(::fstatfs(fd.get(), &system));
  if (system.f_type == HUGETLBFS_MAGIC) {
    context.obstacles.add(
        "the application has " + words(id) + " in memory from the huge page pool (SHM_HUGETLB)",
        "use transparent huge pages (madvise) instead");
    context.image.shared_memory.push_back(std::make_unique<image::SharedMemoryT>());
    return static_cast<int>(context.image.shared_memory.size()) - 1;
  }
  return capture_shared_memory(context, fd.get(), TRY(read_link(path)));
}

Result<std::unique_ptr<image::SysvShmT>> capture_segment(CaptureContext& context, int id,
                                                         const shmid_ds& state, int space) {
  auto segment = std::make_unique<image::SysvShmT>();
  segment->permissions = describe(state.shm_perm, id);
  segment->destroyed = (state.shm_perm.mode & SHM_DEST) != 0;
  segment->locked = (state.shm_perm.mode & SHM_LOCKED) != 0;
  segment->space = space;
  segment->object = known_object(context, id);
  if (segment->object < 0)
    segment->object = TRY(capture_by_attaching(context, id, state.shm_segsz));
  context.image.shared_memory[static_cast<size_t>(segment->object)]->sysv_space = space;
  return segment;
}

Result<> load(const RestoreContext& context, const image::SharedMemoryT& object, int id) {
  if (object.pages.empty()) return {};
  Attachment mine = TRY(Attachment::make(id, 0));
  std::vector<image::Placement> placements;
  for (const image::PageRun& run : object.pages)
    placements.push_back({run.offset(), run.length(), mine.at() + run.address()});
  return context.pages.load(std::move(placements));
}

Result<> restore_segment(const RestoreContext& context, const image::SysvShmT& segment) {
  const image::IpcPermissionsT& permissions = *segment.permissions;
  const image::SharedMemoryT& object =
      *context.image.shared_memory[static_cast<size_t>(segment.object)];
  TRY(make_with_id("shm", permissions, segment.creator_pid, [&] {
    return ::shmget(permissions.key, object.size,
                    IPC_CREAT | IPC_EXCL | static_cast<int>(permissions.mode));
  }));
  TRY(load(context, object, permissions.id));
  shmid_ds state{};
  TRY_SYS(::shmctl(permissions.id, IPC_STAT, &state));
  give(permissions, state.shm_perm);
  TRY_SYS(::shmctl(permissions.id, IPC_SET, &state));
  if (segment.locked) TRY_SYS(::shmctl(permissions.id, SHM_LOCK, nullptr));
  return {};
}

bool is_of_a_segment(const image::ImageT& image, int object) {
  return std::ranges::any_of(image.sysv_shm,
                             [&](const auto& segment) { return segment->object == object; });
}

// With --share ipc the host has those that the application uses, and keeps them.
Result<bool> is_of_host(CaptureContext& context, int object) {
  if (!context.instance.share.ipc) return false;
  const int id = context.image.shared_memory[static_cast<size_t>(object)]->sysv_id;
  shmid_ds state{};
  if (::shmctl(id, IPC_STAT, &state) != 0) return false;
  return TRY(capture_by_attaching(context, id, state.shm_segsz)) == object;
}

std::string who_has(const image::ImageT& image, int object) {
  for (const auto& process : image.processes) {
    if (!process->address_space) continue;
    for (const auto& mapping : process->address_space->mappings)
      if (mapping->kind == image::MappingKind::shared_memory && mapping->object == object)
        return process_words(VirtualPid{process->pid}, process->name);
  }
  return "the application";
}

}  // namespace

Result<> capture_shm(CaptureContext& context, int space) {
  shm_info info{};
  int highest = TRY_SYS(::shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&info)));
  std::vector<std::unique_ptr<image::SysvShmT>> segments;
  for (int index = 0; index <= highest; ++index) {
    shmid_ds state{};
    int id = ::shmctl(index, SHM_STAT, &state);
    if (id < 0 && (errno == EINVAL || errno == EIDRM)) continue;  // no segment has this index
    if (id < 0) return Error::from_errno(errno, "shmctl(SHM_STAT)");
    segments.push_back(TRY(capture_segment(context, id, state, space).within(words(id))));
  }
  std::vector<int> creators =
      TRY(ask_inside(context.instance.init, segments.size(), [&](int* pids) {
        shmid_ds state{};
        for (size_t i = 0; i < segments.size(); ++i)
          if (::shmctl(segments[i]->permissions->id, IPC_STAT, &state) == 0)
            pids[i] = state.shm_cpid;
      }));
  for (size_t i = 0; i < creators.size(); ++i) segments[i]->creator_pid = creators[i];
  std::ranges::move(segments, std::back_inserter(context.image.sysv_shm));
  return {};
}

Result<> find_unreachable_shm(CaptureContext& context) {
  if (context.ipc_spaces.empty() && context.instance.share.ipc) return {};
  const size_t count = context.image.shared_memory.size();
  for (size_t i = 0; i < count; ++i) {
    const int object = static_cast<int>(i);
    const image::SharedMemoryT& memory = *context.image.shared_memory[i];
    if (memory.kind != image::SharedMemoryKind::sysv || is_of_a_segment(context.image, object) ||
        TRY(is_of_host(context, object)))
      continue;
    context.obstacles.add(who_has(context.image, object) + " has " + words(memory.sysv_id) +
                              " attached, of an IPC namespace in which nobody lives any more",
                          "detach it before the last one leaves that namespace");
  }
  return {};
}

Result<> restore_shm(RestoreContext& context, int space) {
  for (const auto& segment : context.image.sysv_shm)
    if (segment->space == space)
      TRY(restore_segment(context, *segment).within(words(segment->permissions->id)));
  return {};
}

Result<> attach_window(const image::SharedMemoryT& object, const image::MappingT& mapping,
                       uint64_t window) {
  const uint64_t length = mapping.end - mapping.start;
  const uint64_t whole = whole_pages(object.size);
  char* const wanted = reinterpret_cast<char*>(window);
  // Attached for reading only it can never be made writable.
  const int flags = mapping.writable_file ? 0 : SHM_RDONLY;
  if (mapping.offset == 0 && length == whole) {
    if (::shmat(object.sysv_id, wanted, flags) == reinterpret_cast<void*>(-1))
      return Error::from_errno(errno, fmt::format("shmat at {:#x}", window))
          .within(words(object.sysv_id));
  } else {
    // A piece of an attachment, the rest of which was unmapped or lies in windows of its own.
    if (mapping.offset + length > whole)
      return Error(ErrorClass::corrupt, "a mapping reaches beyond " + words(object.sysv_id));
    Attachment all = TRY(Attachment::make(object.sysv_id, flags).within(words(object.sysv_id)));
    void* at =
        ::mremap(all.at() + mapping.offset, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, wanted);
    if (at == MAP_FAILED) return Error::from_errno(errno, fmt::format("mremap to {:#x}", window));
    ::munmap(all.at(), whole);
    all.release();
  }
  TRY_SYS(::mprotect(wanted, length, mapping.prot));
  return {};
}

Result<> remove_destroyed_shm(RestoreContext& context, int space) {
  for (const auto& segment : context.image.sysv_shm)
    if (segment->destroyed && segment->space == space)
      TRY_SYS(::shmctl(segment->permissions->id, IPC_RMID, nullptr));
  return {};
}

}  // namespace appshot::ipc
