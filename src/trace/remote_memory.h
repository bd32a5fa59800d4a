// Another process's memory, read and written from outside.
#pragma once

#include <sys/uio.h>

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/pids.h"
#include "os/unique_fd.h"

namespace appshot {

// Bytes of ours that are, or shall be, at an address there.
struct MemoryPiece {
  uint64_t address;
  void* bytes;
  size_t length;
};

class RemoteMemory {
 public:
  // What a process shares since a fork becomes its own where it is read by process_vm_readv, which
  // pins it: not so by /proc/PID/mem, which takes a little longer.
  enum class Shared { may_become_its_own, stays };
  static Result<RemoteMemory> open(HostPid pid, Shared shared = Shared::may_become_its_own);

  HostPid pid() const { return pid_; }

  // Fast, but may honour the protection of the mapping.
  Result<size_t> read_some(uint64_t address, std::span<char> into) const;
  // Whole or an error; goes through /proc/PID/mem, so that no protection is in the way.
  Result<> read(uint64_t address, std::span<char> into) const;
  Result<> write(uint64_t address, std::span<const char> bytes) const;
  // Several at once, where protection does not forbid it. Whole or an error.
  Result<> read_pieces(std::span<const MemoryPiece> pieces) const;
  Result<> write_pieces(std::span<const MemoryPiece> pieces) const;

 private:
  using Transfer = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long,
                               unsigned long);
  Result<> transfer(std::span<const MemoryPiece> pieces, Transfer function, const char* name) const;
  RemoteMemory(HostPid pid, UniqueFd mem, Shared shared)
      : pid_(pid), mem_(std::move(mem)), shared_(shared) {}
  HostPid pid_;
  UniqueFd mem_;
  Shared shared_;
};

}  // namespace appshot
