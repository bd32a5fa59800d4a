#include "resources/socket_errors.h"

#include <poll.h>

#include "resources/sockets.h"

namespace appshot {

std::string why_errors_are_hidden(int socket) {
  if (!has_event(socket, POLLERR)) return "";
  Result<KernelMemory> memory = KernelMemory::open();
  return memory ? "" : memory.error().message();
}

Result<WaitingErrors> errors_of(CaptureContext& context, int socket) {
  if (!has_event(socket, POLLERR)) return WaitingErrors();
  KernelView kernel = TRY(KernelView::open(context.instance.kernel_layout));
  return waiting_errors(kernel, socket);
}

}  // namespace appshot
