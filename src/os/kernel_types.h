// How the running kernel's structures lie in its memory: /sys/kernel/btf/vmlinux, of which only
// what is asked for is looked at.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace appshot {

class MappedBytes {
 public:
  MappedBytes() = default;
  MappedBytes(void* memory, size_t length) : bytes_(static_cast<uint8_t*>(memory), length) {}
  MappedBytes(MappedBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedBytes& operator=(MappedBytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedBytes();
  std::span<uint8_t> all() const { return bytes_; }

 private:
  std::span<uint8_t> bytes_;
};

class KernelTypes {
 public:
  using Names = std::span<const std::string_view>;
  // `names` of structures and functions that can be asked for: the many others are passed over.
  static Result<KernelTypes> of_running_kernel(Names names);
  // `bytes` must outlive what is returned.
  static Result<KernelTypes> parse(std::span<const uint8_t> bytes, Names names);

  // `path` leads through structures in it, "sk_receive_queue.next"; members of what has no name
  // are the structure's own. Unsupported as well where the answer is not the only one.
  Result<uint32_t> offset_of(std::string_view structure, std::string_view path) const;
  // The same in bits, for members that are smaller than a byte.
  Result<uint32_t> bit_of(std::string_view structure, std::string_view path) const;
  Result<uint32_t> size_of(std::string_view structure) const;
  // By which the kernel knows it.
  Result<uint32_t> id_of_function(std::string_view name) const;
  bool has(std::string_view structure, std::string_view path) const;

 private:
  struct Type {
    uint32_t name, info, size_or_type;
    uint32_t kind() const { return info >> 24 & 0x1f; }
    uint32_t count() const { return info & 0xffff; }
    bool is_compound() const;
  };
  struct Member {
    uint32_t name, type, offset;
  };
  struct Found {
    uint32_t offset_bits, type;
  };

  explicit KernelTypes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  Result<> scan(Names names);
  Result<uint32_t> bit_in(uint32_t structure, std::string_view path) const;
  Result<Found> find_member(uint32_t structure, std::string_view name, int depth) const;
  Result<uint32_t> strip_names(uint32_t type) const;

  template <typename T>
  bool load(size_t at, T& into) const;
  Result<Type> type(uint32_t id) const;
  std::string_view string(uint32_t at) const;

  MappedBytes mapped_;  // the kernel's file
  std::span<const uint8_t> bytes_;
  size_t strings_ = 0, strings_end_ = 0;
  std::vector<uint32_t> places_;  // of the types, by their id
  // A name may be given twice, by parts of the kernel that do not know one another.
  std::multimap<std::string, uint32_t, std::less<>> structures_;
  std::multimap<std::string, uint32_t, std::less<>> functions_;
};

}  // namespace appshot
