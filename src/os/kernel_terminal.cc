#include "os/kernel_terminal.h"

#include <algorithm>
#include <string_view>

#include "os/kernel_files.h"
#include "os/kernel_types.h"

namespace appshot {
namespace {

constexpr uint64_t kRing = 4096;  // N_TTY_BUF_SIZE
constexpr uint32_t kBuffersMax = 1 << 16;
constexpr uint32_t kBufferMax = 1 << 20;  // bytes

struct Layout {
  uint32_t file_terminal, discipline, port;
  uint32_t head, tail, ring;
  uint32_t first, next, used, read, data;
  uint32_t untold, stopped_by_call;

  // Looked for when it is needed, which is seldom.
  static Result<Layout> of_running_kernel() {
    static constexpr std::string_view kNames[] = {"tty_file_private", "tty_struct", "n_tty_data",
                                                  "tty_port", "tty_buffer"};
    const KernelTypes types = TRY(KernelTypes::of_running_kernel(kNames));
    Layout at{};
    at.file_terminal = TRY(types.offset_of("tty_file_private", "tty"));
    at.discipline = TRY(types.offset_of("tty_struct", "disc_data"));
    at.port = TRY(types.offset_of("tty_struct", "port"));
    at.head = TRY(types.offset_of("n_tty_data", "read_head"));
    at.tail = TRY(types.offset_of("n_tty_data", "read_tail"));
    at.ring = TRY(types.offset_of("n_tty_data", "read_buf"));
    at.first = TRY(types.offset_of("tty_port", "buf.head"));
    at.next = TRY(types.offset_of("tty_buffer", "next"));
    at.used = TRY(types.offset_of("tty_buffer", "used"));
    at.read = TRY(types.offset_of("tty_buffer", "read"));
    at.data = TRY(types.offset_of("tty_buffer", "data"));
    at.stopped_by_call = TRY(types.offset_of("tty_struct", "flow.tco_stopped"));
    at.untold = TRY(types.offset_of("tty_struct", "ctrl.pktstatus"));
    return at;
  }
};

void append(std::vector<uint8_t>& to, const std::vector<uint8_t>& bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

class Reader {
 public:
  Reader(KernelMemory& memory, const Layout& at) : memory_(memory), at_(at) {}

  Result<TerminalInput> input_of(uint64_t terminal) {
    TerminalInput input;
    input.taken_in = TRY(taken_in(TRY(memory_.read<uint64_t>(terminal + at_.discipline))));
    input.behind = TRY(behind(TRY(memory_.read<uint64_t>(terminal + at_.port))));
    return input;
  }

 private:
  Result<std::vector<uint8_t>> taken_in(uint64_t discipline) {
    const auto head = TRY(memory_.read<uint64_t>(discipline + at_.head));
    const auto tail = TRY(memory_.read<uint64_t>(discipline + at_.tail));
    if (head - tail > kRing) return unexpected_memory("what a terminal holds");
    std::vector<uint8_t> bytes;
    for (uint64_t at = tail; at != head;) {
      const uint64_t piece = std::min(head - at, kRing - at % kRing);
      append(bytes, TRY(read(discipline + at_.ring + at % kRing, piece)));
      at += piece;
    }
    return bytes;
  }

  Result<std::vector<uint8_t>> behind(uint64_t port) {
    std::vector<uint8_t> bytes;
    auto buffer = TRY(memory_.read<uint64_t>(port + at_.first));
    for (uint32_t i = 0; buffer != 0; ++i) {
      const auto used = TRY(memory_.read<uint32_t>(buffer + at_.used));
      const auto done = TRY(memory_.read<uint32_t>(buffer + at_.read));
      if (i == kBuffersMax || used > kBufferMax || done > used)
        return unexpected_memory("what is on its way to a terminal");
      append(bytes, TRY(read(buffer + at_.data + done, used - done)));
      buffer = TRY(memory_.read<uint64_t>(buffer + at_.next));
    }
    return bytes;
  }

  Result<std::vector<uint8_t>> read(uint64_t address, uint64_t length) {
    std::vector<uint8_t> bytes(length);
    TRY(memory_.read(address, bytes));
    return bytes;
  }

  KernelMemory& memory_;
  const Layout& at_;
};

// Its address.
Result<uint64_t> terminal_of(KernelView& kernel, const Layout& at, int fd) {
  const uint64_t file = TRY(file_address(kernel, fd));
  const auto own = TRY(kernel.memory.read<uint64_t>(file + kernel.layout.file_private));
  return kernel.memory.read<uint64_t>(own + at.file_terminal);
}

}  // namespace

Result<TerminalInput> terminal_input(KernelView& kernel, int fd) {
  const Layout at = TRY(Layout::of_running_kernel());
  return Reader(kernel.memory, at).input_of(TRY(terminal_of(kernel, at, fd)));
}

Result<bool> terminal_stopped_by_call(KernelView& kernel, int slave) {
  const Layout at = TRY(Layout::of_running_kernel());
  const uint64_t terminal = TRY(terminal_of(kernel, at, slave));
  return TRY(kernel.memory.read<uint8_t>(terminal + at.stopped_by_call)) != 0;
}

Result<uint8_t> terminal_untold(KernelView& kernel, int slave) {
  const Layout at = TRY(Layout::of_running_kernel());
  return kernel.memory.read<uint8_t>(TRY(terminal_of(kernel, at, slave)) + at.untold);
}

}  // namespace appshot
