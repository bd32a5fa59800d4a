#include "os/kernel_xstate.h"

#include <cpuid.h>

#include <cstring>

namespace appshot {
namespace {

constexpr uint32_t kXstateLeaf = 0xd;
constexpr unsigned kFirstExtended = 2, kComponents = 63;
constexpr uint64_t kX87 = 1 << 0, kSse = 1 << 1, kAvx = 1 << 2;
constexpr unsigned kProtectionKeys = 9;
constexpr uint64_t kCompacted = 1ULL << 63;
constexpr size_t kAlignment = 64;

// The head: what FXSAVE writes, then which components there are, and in which form.
constexpr size_t kControlBytes = 24;  // of x87
constexpr size_t kMxcsrAt = 24, kMxcsrMaskAt = 28, kMxcsrBytes = 8;
constexpr size_t kX87At = 32, kX87Bytes = 128, kSseAt = 160, kSseBytes = 256;
constexpr size_t kSoftwareAt = 464, kSoftwareBytes = 48;
constexpr size_t kPresentAt = 512, kFormAt = 520;
// As they are before a program uses them.
constexpr uint16_t kControlWord = 0x37f;
constexpr uint32_t kMxcsr = 0x1f80;

uint64_t word_at(std::span<const uint8_t> bytes, size_t at) {
  uint64_t word;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return word;
}

Error wrong(const char* what) {
  return Error(ErrorClass::unsupported, std::string("the extended state of a thread: ") + what);
}

// Where each of the components lies in what the kernel keeps; 0: nowhere. Returns the end.
size_t kept_offsets(uint64_t form, const std::vector<XstateComponent>& components,
                    std::vector<size_t>& offsets) {
  offsets.assign(components.size(), 0);
  size_t next = kXstateHeadBytes, end = kXstateHeadBytes;
  for (size_t i = kFirstExtended; i < components.size(); ++i) {
    const XstateComponent& one = components[i];
    if (one.length == 0) continue;
    if ((form & kCompacted) == 0) {
      if (one.offset == 0) continue;  // only of the kernel's own
      offsets[i] = one.offset;
      end = std::max<size_t>(end, one.offset + one.length);
    } else if ((form >> i & 1) != 0) {
      if (one.aligned) next = (next + kAlignment - 1) / kAlignment * kAlignment;
      offsets[i] = next;
      end = next += one.length;
    }
  }
  return end;
}

void copy(std::span<const uint8_t> from, std::vector<uint8_t>& to, size_t at, size_t length) {
  std::memcpy(to.data() + at, from.data() + at, length);
}

void tell_head(std::span<const uint8_t> kept, uint64_t present, std::vector<uint8_t>& told) {
  if ((present & kX87) != 0) {
    copy(kept, told, 0, kControlBytes);
    copy(kept, told, kX87At, kX87Bytes);
  } else {
    std::memcpy(told.data(), &kControlWord, sizeof kControlWord);
  }
  if ((present & (kSse | kAvx)) != 0)
    copy(kept, told, kMxcsrAt, kMxcsrBytes);
  else
    std::memcpy(told.data() + kMxcsrAt, &kMxcsr, sizeof kMxcsr);
  if ((present & kSse) != 0) copy(kept, told, kSseAt, kSseBytes);
}

}  // namespace

std::vector<XstateComponent> xstate_components() {
  std::vector<XstateComponent> all(kComponents);
  for (unsigned i = kFirstExtended; i < kComponents; ++i) {
    unsigned length = 0, offset = 0, flags = 0, none = 0;
    if (__get_cpuid_count(kXstateLeaf, i, &length, &offset, &flags, &none) == 0) break;
    all[i] = {offset, length, (flags & 2) != 0};
  }
  return all;
}

Result<size_t> kept_xstate_bytes(std::span<const uint8_t> head,
                                 const std::vector<XstateComponent>& components) {
  if (head.size() < kXstateHeadBytes) return wrong("it is too short");
  std::vector<size_t> offsets;
  return kept_offsets(word_at(head, kFormAt), components, offsets);
}

Result<std::vector<uint8_t>> told_xstate(std::span<const uint8_t> kept, uint64_t features,
                                         uint32_t protection_keys,
                                         const std::vector<XstateComponent>& components,
                                         std::span<const uint8_t> like) {
  if (like.size() < kXstateHeadBytes || kept.size() < kXstateHeadBytes)
    return wrong("it is too short");
  std::vector<size_t> offsets;
  if (kept_offsets(word_at(kept, kFormAt), components, offsets) > kept.size())
    return wrong("it is cut off");
  const uint64_t present = word_at(kept, kPresentAt) & features;
  std::vector<uint8_t> told(like.size());
  copy(like, told, kSoftwareAt, kSoftwareBytes);
  copy(like, told, kMxcsrMaskAt, kMxcsrBytes - sizeof(uint32_t));
  tell_head(kept, present, told);
  std::memcpy(told.data() + kPresentAt, &present, sizeof present);
  for (size_t i = kFirstExtended; i < components.size(); ++i) {
    const XstateComponent& one = components[i];
    if ((present >> i & 1) == 0) continue;
    if (offsets[i] == 0 || one.offset + one.length > told.size())
      return wrong("a component of it has no place");
    if (i == kProtectionKeys)  // kept beside, so that the kernel can use them
      std::memcpy(told.data() + one.offset, &protection_keys, sizeof protection_keys);
    else
      std::memcpy(told.data() + one.offset, kept.data() + offsets[i], one.length);
  }
  return told;
}

}  // namespace appshot
