// Reads the kernel's own memory, for what no call of it tells. A program of a few instructions,
// which the kernel has verified and runs in its own context (BPF_PROG_TYPE_SYSCALL), copies what is
// asked for; nothing is ever written, and an address that leads nowhere is an error.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

// One thread at a time.
class KernelMemory {
 public:
  // Unsupported where the kernel does not let us. Takes less than a millisecond.
  static Result<KernelMemory> open();
  KernelMemory(KernelMemory&& other) noexcept;
  KernelMemory& operator=(KernelMemory&&) = delete;
  ~KernelMemory();

  Result<> read(uint64_t address, std::span<uint8_t> into);
  template <typename T>
  Result<T> read(uint64_t address) {
    T value{};
    TRY(read(address, {reinterpret_cast<uint8_t*>(&value), sizeof value}));
    return value;
  }

  // The task_struct of the thread that calls.
  Result<uint64_t> current_task();

 private:
  KernelMemory(UniqueFd map, UniqueFd reader, uint8_t* window)
      : map_(std::move(map)), reader_(std::move(reader)), window_(window) {}

  UniqueFd map_;     // of one value, which the program and we share
  UniqueFd reader_;  // the program
  uint8_t* window_;  // the value
};

}  // namespace appshot
