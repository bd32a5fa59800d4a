// Builds the list of system calls that the stub will perform in another process, together with the
// data they point to, at the addresses both will have there.
#pragma once

#include <cstring>
#include <initializer_list>
#include <span>
#include <vector>

#include "restorer_stub/stub_abi.h"

namespace appshot {

// A piece of memory that we fill here and the other process sees at `address`.
class DataSpace {
 public:
  DataSpace(char* backing, size_t capacity, uint64_t address)
      : backing_(backing), capacity_(capacity), address_(address) {}

  // Both return the address there; 0 when the space is used up (see overflowed()).
  uint64_t reserve(size_t size, size_t align = 16);
  uint64_t put(const void* bytes, size_t size);
  template <typename T>
  uint64_t put(const T& value) {
    return put(&value, sizeof value);
  }

  // Where the bytes at an address of that process are, here.
  char* here(uint64_t address) { return backing_ + (address - address_); }
  const char* here(uint64_t address) const { return backing_ + (address - address_); }

  size_t used() const { return used_; }
  bool overflowed() const { return overflowed_; }

 private:
  char* backing_;
  size_t capacity_;
  uint64_t address_;
  size_t used_ = 0;
  bool overflowed_ = false;
};

// Arguments of any integral or pointer type, as the kernel takes them.
class CallArguments {
 public:
  template <typename... Args>
  explicit CallArguments(Args... args) : values_{to_word(args)...} {}
  uint64_t operator[](size_t index) const { return values_[index]; }

 private:
  template <typename T>
  static uint64_t to_word(T value) {
    if constexpr (std::is_pointer_v<T>)
      return reinterpret_cast<uint64_t>(value);
    else
      return static_cast<uint64_t>(value);
  }
  uint64_t values_[6] = {};
};

class CallList {
 public:
  // Every call that is added from now on was asked for by this resource; see StubCall::tag.
  void set_tag(uint32_t tag) { tag_ = tag; }

  // Returns the index by which the result is found afterwards.
  template <typename... Args>
  size_t add(long number, Args... args) {
    return push(number, CallArguments(args...), 0, 0);
  }
  template <typename... Args>
  size_t add_may_fail(long number, Args... args) {
    return push(number, CallArguments(args...), STUB_MAY_FAIL, 0);
  }
  template <typename... Args>
  size_t add_expecting(int64_t expected, long number, Args... args) {
    return push(number, CallArguments(args...), STUB_EXPECT, expected);
  }
  // The first argument is what stands there by then.
  template <typename... Args>
  size_t add_expecting_with_first_at(int64_t expected, long number, uint64_t at, Args... args) {
    return push(number, CallArguments(at, args...), STUB_EXPECT | STUB_FIRST_AT, expected);
  }

  template <typename... Args>
  size_t add_with_first_at(long number, uint64_t at, Args... args) {
    return push(number, CallArguments(at, args...), STUB_FIRST_AT, 0);
  }

  std::vector<StubCall>& calls() { return calls_; }
  const std::vector<StubCall>& calls() const { return calls_; }
  int64_t result(size_t index) const { return calls_[index].result; }

 private:
  size_t push(long number, const CallArguments& args, uint32_t flags, int64_t expected);

  std::vector<StubCall> calls_;
  uint32_t tag_ = 0;
};

}  // namespace appshot
