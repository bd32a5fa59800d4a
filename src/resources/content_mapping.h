// Memory that is shared, mapped by us as well, so that it can be looked at without copying it.
#pragma once

#include <cstdint>
#include <memory>

namespace appshot {

class ContentMapping {
 public:
  // Null where it cannot be, or is not memory. `file` is open for reading alone, so that nothing is
  // in the way of a seal.
  static std::shared_ptr<const ContentMapping> map(int file, uint64_t size);
  ContentMapping(const ContentMapping&) = delete;
  ~ContentMapping();

  // Looking at it need not wait for the kernel then. It may be cut meanwhile.
  void prepare(uint64_t start, uint64_t end) const;
  // For looking while nobody can cut it, and where it has data: elsewhere it would get some.
  const char* at(uint64_t offset) const { return start_ + offset; }
  uint64_t size() const { return size_; }

 private:
  ContentMapping(char* start, uint64_t size) : start_(start), size_(size) {}

  char* const start_;
  const uint64_t size_;
};

}  // namespace appshot
