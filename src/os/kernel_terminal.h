// What waits to be read at one side of a pseudo terminal, without taking it: the other ways to know
// it put it back afterwards, for which there must be room.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "os/kernel_view.h"

namespace appshot {

struct TerminalInput {
  std::vector<uint8_t> taken_in;  // and looked at: a line that has ended can be read
  std::vector<uint8_t> behind;    // for which the reader has had no room yet
};

// Of the side whose descriptor it is; nobody may write to it meanwhile.
Result<TerminalInput> terminal_input(KernelView& kernel, int fd);

// Whether it prints nothing because a call has said so (TCOOFF), not a key.
Result<bool> terminal_stopped_by_call(KernelView& kernel, int slave);

// What has happened that its master, in packet mode, has not been told yet (TIOCPKT_*).
// `slave` is a descriptor of the side that programs use.
Result<uint8_t> terminal_untold(KernelView& kernel, int slave);

}  // namespace appshot
