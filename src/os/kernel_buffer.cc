#include "os/kernel_buffer.h"

#include <span>

namespace appshot {
namespace {

constexpr uint32_t kBytesMax = 1 << 28;    // of one buffer; the largest send buffer is smaller
constexpr uint32_t kPiecesMax = 64;        // MAX_SKB_FRAGS is 45 at most
constexpr uint64_t kHeadersMax = 512;      // of IP and ICMP, and of what is quoted
constexpr uint32_t kChainedMax = 1 << 12;  // segments that one device has put together

class Reader {
 public:
  Reader(KernelView& kernel, KernelPages& pages)
      : memory_(kernel.memory), at_(kernel.layout), pages_(pages) {}

  Result<std::vector<uint8_t>> read(uint64_t buffer) {
    const auto length = TRY(field<uint32_t>(buffer, at_.skb_length));
    if (length > kBytesMax) return unexpected_memory("a buffer's length");
    std::vector<uint8_t> bytes(length);
    const std::span<uint8_t> left = TRY(read_own(buffer, bytes));
    if (!left.empty()) TRY(read_chain(buffer, left));
    return bytes;
  }

 private:
  template <typename T>
  Result<T> field(uint64_t buffer, uint32_t offset) {
    return memory_.read<T>(buffer + offset);
  }

  // What is left when the buffer's own bytes have been read.
  Result<std::span<uint8_t>> read_own(uint64_t buffer, std::span<uint8_t> into) {
    const auto length = TRY(field<uint32_t>(buffer, at_.skb_length));
    const auto paged = TRY(field<uint32_t>(buffer, at_.skb_paged_length));
    if (paged > length || length - paged > into.size()) return unexpected_memory("a buffer");
    TRY(memory_.read(TRY(field<uint64_t>(buffer, at_.skb_data)), into.first(length - paged)));
    into = into.subspan(length - paged);
    if (paged == 0) return into;
    return read_pieces(TRY(shared_part(buffer)), into);
  }

  Result<uint64_t> shared_part(uint64_t buffer) {
    return TRY(field<uint64_t>(buffer, at_.skb_head)) + TRY(field<uint32_t>(buffer, at_.skb_end));
  }

  Result<std::span<uint8_t>> read_pieces(uint64_t shared, std::span<uint8_t> left) {
    const auto count = TRY(memory_.read<uint8_t>(shared + at_.shared_count));
    if (count > kPiecesMax) return unexpected_memory("a buffer's pieces");
    for (uint64_t i = 0; i < count && !left.empty(); ++i) {
      const uint64_t piece = shared + at_.shared_pieces + i * at_.piece_size;
      const auto page = TRY(memory_.read<uint64_t>(piece + at_.piece_page));
      const auto length = TRY(memory_.read<uint32_t>(piece + at_.piece_length));
      const auto offset = TRY(memory_.read<uint32_t>(piece + at_.piece_offset));
      if (length > left.size()) return unexpected_memory("a buffer's piece");
      TRY(memory_.read(TRY(pages_.address_of(page)) + offset, left.first(length)));
      left = left.subspan(length);
    }
    return left;
  }

  Result<> read_chain(uint64_t buffer, std::span<uint8_t> left) {
    auto next = TRY(memory_.read<uint64_t>(TRY(shared_part(buffer)) + at_.shared_chain));
    for (uint32_t i = 0; next != 0 && !left.empty(); ++i) {
      if (i == kChainedMax) return unexpected_memory("a chain of buffers");
      left = TRY(read_own(next, left));
      next = TRY(field<uint64_t>(next, at_.skb_next));
    }
    return left.empty() ? Result<>() : unexpected_memory("a buffer's end");
  }

  KernelMemory& memory_;
  const KernelLayout& at_;
  KernelPages& pages_;
};

}  // namespace

Result<std::vector<uint8_t>> read_buffer(KernelView& kernel, KernelPages& pages, uint64_t buffer) {
  return Reader(kernel, pages).read(buffer);
}

Result<std::vector<uint8_t>> read_packet(KernelView& kernel, KernelPages& pages, uint64_t buffer) {
  KernelMemory& memory = kernel.memory;
  const KernelLayout& at = kernel.layout;
  const auto head = TRY(memory.read<uint64_t>(buffer + at.skb_head));
  const auto data = TRY(memory.read<uint64_t>(buffer + at.skb_data));
  const uint64_t begin = head + TRY(memory.read<uint16_t>(buffer + at.skb_network));
  std::vector<uint8_t> packet;
  if (begin > data || data - begin > kHeadersMax) return packet;
  packet.resize(data - begin);
  TRY(memory.read(begin, packet));
  const std::vector<uint8_t> rest = TRY(read_buffer(kernel, pages, buffer));
  packet.insert(packet.end(), rest.begin(), rest.end());
  return packet;
}

}  // namespace appshot
