// What has been typed into a terminal, or printed by it, and has not been read yet. The kernel lets
// nobody look at it: it is taken out and put back, by a process of its own that does so to the end
// even if the harness is killed. Where there might be no room to put it back, it is read from the
// kernel's memory instead.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "os/kernel_view.h"
#include "os/unique_fd.h"

namespace appshot::terminals {

struct WaitingBytes {
  std::vector<uint8_t> typed;    // to be read from the terminal
  std::vector<uint8_t> printed;  // to be read from its master
  bool stopped = false;          // it prints no more until it is told to (^S, TCOOFF)
  bool by_call = false;          // TCOOFF, as far as is known
};

// The application stands still meanwhile.
Result<WaitingBytes> copy_waiting(int master, std::optional<KernelLayout>* kernel_layout);
Result<> put_waiting(int master, const WaitingBytes& bytes);

// It prints no more.
Result<> stop_output(int master, int slave, bool by_call);

// The side that programs use, whatever its lock says.
Result<UniqueFd> open_slave(int master, int flags);

}  // namespace appshot::terminals
