#include "resources/shared_memory.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "os/file.h"
#include "os/huge_pages.h"

namespace appshot {
namespace {

constexpr std::string_view kMemfd = "/memfd:";
constexpr std::string_view kSysv = "/SYSV";
constexpr std::string_view kAnonymous = "/dev/zero";
constexpr std::string_view kAnonymousHuge = "/anon_hugepage";
constexpr std::string_view kDeleted = " (deleted)";
constexpr uint64_t kSysvIdentity = 1ULL << 63;

// A SysV segment's inode number is its id, and all namespaces keep theirs in one file system; what
// tells them apart is the generation, with which a handle begins.
Result<uint64_t> generation_of(int fd) {
  constexpr unsigned kRoom = 128;
  alignas(file_handle) char room[sizeof(file_handle) + kRoom] = {};
  auto* handle = reinterpret_cast<file_handle*>(room);
  handle->handle_bytes = kRoom;
  int mount = 0;
  TRY_SYS(::name_to_handle_at(fd, "", handle, &mount, AT_EMPTY_PATH));
  uint32_t generation = 0;
  std::memcpy(&generation, handle->f_handle, sizeof generation);
  return uint64_t{generation};
}

// Anonymous shared memory can be had only by mapping it; /proc/self/map_files then leads to the
// object behind the mapping.
Result<UniqueFd> make_anonymous(uint64_t size, uint64_t huge_page) {
  void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | huge_mapping_flags(huge_page), -1, 0);
  if (at == MAP_FAILED) return Error::from_errno(errno, "mmap of shared memory");
  auto start = reinterpret_cast<uint64_t>(at);
  Result<UniqueFd> fd =
      open_file(fmt::format("/proc/self/map_files/{:x}-{:x}", start, start + size), O_RDWR);
  ::munmap(at, size);
  return fd;
}

}  // namespace

bool is_shared_memory_link(const std::string& link) {
  return link.starts_with(kMemfd) ||
         (link.ends_with(kDeleted) && (link.starts_with(kSysv) || link.starts_with(kAnonymous) ||
                                       link.starts_with(kAnonymousHuge)));
}

// A segment's inode number is its id, which another object of that file system may have as well.
Result<MemoryTracks::Identity> shared_memory_identity(int fd, const std::string& link,
                                                      const struct stat& info) {
  if (!link.starts_with(kSysv)) return MemoryTracks::Identity{info.st_dev, info.st_ino};
  return MemoryTracks::Identity{TRY(generation_of(fd)), info.st_ino | kSysvIdentity};
}

Result<int> capture_shared_memory(CaptureContext& context, int fd, const std::string& link) {
  struct stat info {};
  TRY_SYS(::fstat(fd, &info));
  const CaptureContext::Identity identity = TRY(shared_memory_identity(fd, link, info));
  if (auto known = context.shared_memory.find(identity); known != context.shared_memory.end())
    return known->second;
  auto object = std::make_unique<image::SharedMemoryT>();
  object->size = static_cast<uint64_t>(info.st_size);
  object->huge_page = TRY(huge_page_of(fd));
  if (link.starts_with(kMemfd)) {
    object->kind = image::SharedMemoryKind::memfd;
    object->name = link.substr(kMemfd.size(), link.size() - kMemfd.size() - kDeleted.size());
    object->seals = static_cast<uint32_t>(TRY_SYS(::fcntl(fd, F_GET_SEALS)));
    object->mode = info.st_mode & 07777;
    object->uid = info.st_uid;
    object->gid = info.st_gid;
  } else if (link.starts_with(kSysv)) {
    object->kind = image::SharedMemoryKind::sysv;
    object->sysv_id = static_cast<int>(info.st_ino);
  }
  UniqueFd content(TRY_SYS(::fcntl(fd, F_DUPFD_CLOEXEC, 0)));
  KnownContent* known =
      context.tracks == nullptr ? nullptr : context.tracks->captured(identity, object->size);
  TRY(context.pages.add_file(std::move(content), link, object->size, object->pages, known));
  int index = static_cast<int>(context.image.shared_memory.size());
  context.image.shared_memory.push_back(std::move(object));
  context.shared_memory.emplace(identity, index);
  return index;
}

Result<> fill_shared_memory(const RestoreContext& context, const image::SharedMemoryT& object,
                            int fd) {
  if (object.pages.empty()) return {};
  void* at = ::mmap(nullptr, object.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return Error::from_errno(errno, "mmap of shared memory");
  std::vector<image::Placement> placements;
  for (const image::PageRun& run : object.pages)
    placements.push_back({run.offset(), run.length(), static_cast<char*>(at) + run.address()});
  Result<> loaded = context.pages.load(std::move(placements));
  ::munmap(at, object.size);
  return loaded;
}

namespace {

// Then it was mapped before it was sealed. Sealed against all writing it can only have been mapped
// afterwards, as what can never be written.
bool may_be_mapped_writable(const image::SharedMemoryT& object) {
  return (object.seals & F_SEAL_WRITE) == 0;
}

Result<> seal(const image::SharedMemoryT& object, int fd) {
  if (object.kind != image::SharedMemoryKind::memfd || object.seals == 0) return {};
  if (::fcntl(fd, F_ADD_SEALS, static_cast<int>(object.seals)) != 0)
    return Error::from_errno(errno, "fcntl F_ADD_SEALS " + std::to_string(object.seals))
        .within("memfd " + object.name);
  return {};
}

}  // namespace

Result<> make_shared_memory(RestoreContext& context) {
  context.shared_memory.resize(context.image.shared_memory.size());
  for (size_t i = 0; i < context.image.shared_memory.size(); ++i) {
    const image::SharedMemoryT& object = *context.image.shared_memory[i];
    if (object.kind == image::SharedMemoryKind::sysv) continue;
    UniqueFd fd;
    if (object.kind == image::SharedMemoryKind::memfd) {
      fd.reset(
          TRY_SYS(::memfd_create(object.name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING |
                                                          huge_memfd_flags(object.huge_page))));
      TRY_SYS(::ftruncate(fd.get(), static_cast<off_t>(object.size)));
      TRY_SYS(::fchown(fd.get(), object.uid, object.gid));
      TRY_SYS(::fchmod(fd.get(), object.mode));
    } else {
      fd = TRY(make_anonymous(object.size, object.huge_page));
    }
    TRY(fill_shared_memory(context, object, fd.get()));
    if (!may_be_mapped_writable(object)) TRY(seal(object, fd.get()));
    context.shared_memory[i] = std::move(fd);
  }
  return {};
}

Result<> seal_shared_memory(RestoreContext& context) {
  for (size_t i = 0; i < context.image.shared_memory.size(); ++i)
    if (may_be_mapped_writable(*context.image.shared_memory[i]))
      TRY(seal(*context.image.shared_memory[i], context.shared_memory[i].get()));
  return {};
}

}  // namespace appshot
