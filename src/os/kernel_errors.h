// Errors of a socket that its owner has not been told of yet. Every call that tells of one takes it
// away; the kernel's memory does not.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "os/kernel_view.h"

namespace appshot {

struct WaitingErrors {
  int next = 0;  // SO_ERROR, an errno
  struct Told {
    uint8_t origin = 0;           // SO_EE_ORIGIN_*
    std::vector<uint8_t> packet;  // that told of it, from its IP header on
  };
  std::vector<Told> queue;  // MSG_ERRQUEUE
};

// Of a socket that the caller has open.
Result<WaitingErrors> waiting_errors(KernelView& kernel, int socket);

}  // namespace appshot
