#include "os/kernel_errors.h"

#include "os/kernel_buffer.h"
#include "os/kernel_pages.h"
#include "os/kernel_sock.h"

namespace appshot {
namespace {

class Reader {
 public:
  explicit Reader(KernelView& kernel)
      : kernel_(kernel), memory_(kernel.memory), at_(kernel.layout), pages_(kernel) {}

  Result<WaitingErrors> of(int socket_fd) {
    const uint64_t sock = TRY(sock_address(kernel_, socket_fd));
    WaitingErrors errors;
    errors.next = TRY(memory_.read<int>(sock + at_.sock_error));
    TRY(walk_queue(kernel_, sock + at_.sock_errors, [&](uint64_t buffer) -> Result<> {
      errors.queue.push_back(TRY(told(buffer)));
      return {};
    }));
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
