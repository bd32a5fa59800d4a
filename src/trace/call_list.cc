#include "trace/call_list.h"

#include <cerrno>

namespace appshot {

uint64_t DataSpace::reserve(size_t size, size_t align) {
  size_t at = (used_ + align - 1) / align * align;
  if (at + size > capacity_) {
    overflowed_ = true;
    return 0;
  }
  used_ = at + size;
  std::memset(backing_ + at, 0, size);
  return address_ + at;
}

uint64_t DataSpace::put(const void* bytes, size_t size) {
  uint64_t address = reserve(size);
  if (address != 0 && size != 0) std::memcpy(here(address), bytes, size);
  return address;
}

size_t CallList::push(long number, const CallArguments& args, uint32_t flags, int64_t expected) {
  StubCall call{};
  call.number = number;
  for (size_t i = 0; i < 6; ++i) call.args[i] = args[i];
  call.result = -ENOSYS;  // until it has been performed
  call.expected = expected;
  call.flags = flags;
  call.tag = tag_;
  calls_.push_back(call);
  return calls_.size() - 1;
}

}  // namespace appshot
