#include "os/kernel_errors.h"

#include "os/kernel_buffer.h"
#include "os/kernel_files.h"
#include "os/kernel_pages.h"

namespace appshot {
namespace {

constexpr uint32_t kErrorsMax = 1 << 16;

class Reader {
 public:
  explicit Reader(KernelView& kernel)
      : kernel_(kernel), memory_(kernel.memory), at_(kernel.layout), pages_(kernel) {}

  Result<WaitingErrors> of(int socket_fd) {
    const uint64_t file = TRY(file_address(kernel_, socket_fd));
    const auto socket = TRY(memory_.read<uint64_t>(file + at_.file_private));
    const auto sock = TRY(memory_.read<uint64_t>(socket + at_.socket_sock));
    WaitingErrors errors;
    errors.next = TRY(memory_.read<int>(sock + at_.sock_error));
    const uint64_t head = sock + at_.sock_errors;
    auto buffer = TRY(memory_.read<uint64_t>(head + at_.queue_first));
    for (uint32_t i = 0; buffer != head; ++i) {  // the last one leads to the queue again
      if (i == kErrorsMax) return unexpected_memory("a queue of errors");
      errors.queue.push_back(TRY(told(buffer)));
      buffer = TRY(memory_.read<uint64_t>(buffer + at_.skb_next));
    }
    return errors;
  }

 private:
  Result<WaitingErrors::Told> told(uint64_t buffer) {
    WaitingErrors::Told told;
    told.origin = TRY(memory_.read<uint8_t>(buffer + at_.skb_own + at_.told_origin));
    told.packet = TRY(read_packet(kernel_, pages_, buffer));
    return told;
  }

  KernelView& kernel_;
  KernelMemory& memory_;
  const KernelLayout& at_;
  KernelPages pages_;
};

}  // namespace

Result<WaitingErrors> waiting_errors(KernelView& kernel, int socket) {
  return Reader(kernel).of(socket);
}

}  // namespace appshot
