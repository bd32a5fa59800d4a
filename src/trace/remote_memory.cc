#include "trace/remote_memory.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <cerrno>

#include "os/file.h"

namespace appshot {

Result<RemoteMemory> RemoteMemory::open(HostPid pid, Shared shared) {
  UniqueFd mem = TRY(open_file("/proc/" + std::to_string(pid.value) + "/mem", O_RDWR));
  return RemoteMemory(pid, std::move(mem), shared);
}

Result<size_t> RemoteMemory::read_some(uint64_t address, std::span<char> into) const {
  if (shared_ == Shared::stays) {
    ssize_t got = ::pread(mem_.get(), into.data(), into.size(), static_cast<off_t>(address));
    if (got < 0) return Error::from_errno(errno, "read of /proc/PID/mem");
    return static_cast<size_t>(got);
  }
  iovec local{into.data(), into.size()};
  iovec remote{reinterpret_cast<void*>(address), into.size()};
  ssize_t got = ::process_vm_readv(pid_.value, &local, 1, &remote, 1, 0);
  if (got < 0) return Error::from_errno(errno, "process_vm_readv");
  return static_cast<size_t>(got);
}

Result<> RemoteMemory::read(uint64_t address, std::span<char> into) const {
  while (!into.empty()) {
    ssize_t got = ::pread(mem_.get(), into.data(), into.size(), static_cast<off_t>(address));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Error::from_errno(got == 0 ? ESRCH : errno, "read of /proc/PID/mem");
    address += static_cast<uint64_t>(got);
    into = into.subspan(static_cast<size_t>(got));
  }
  return {};
}

Result<> RemoteMemory::write(uint64_t address, std::span<const char> bytes) const {
  while (!bytes.empty()) {
    ssize_t put = ::pwrite(mem_.get(), bytes.data(), bytes.size(), static_cast<off_t>(address));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return Error::from_errno(put == 0 ? ESRCH : errno, "write of /proc/PID/mem");
    address += static_cast<uint64_t>(put);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return {};
}

Result<> RemoteMemory::read_pieces(std::span<const MemoryPiece> pieces) const {
  return transfer(pieces, ::process_vm_readv, "process_vm_readv");
}

Result<> RemoteMemory::write_pieces(std::span<const MemoryPiece> pieces) const {
  return transfer(pieces, ::process_vm_writev, "process_vm_writev");
}

Result<> RemoteMemory::transfer(std::span<const MemoryPiece> pieces, Transfer function,
                                const char* name) const {
  std::vector<iovec> here, there;
  size_t length = 0;
  for (const MemoryPiece& piece : pieces) {
    if (piece.length == 0) continue;
    here.push_back({piece.bytes, piece.length});
    there.push_back({reinterpret_cast<void*>(piece.address), piece.length});
    length += piece.length;
  }
  ssize_t moved = function(pid_.value, here.data(), here.size(), there.data(), there.size(), 0);
  if (moved < 0) return Error::from_errno(errno, name);
  if (static_cast<size_t>(moved) != length) return Error::from_errno(EFAULT, name);
  return {};
}

}  // namespace appshot
