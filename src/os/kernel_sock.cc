#include "os/kernel_sock.h"

#include "os/kernel_files.h"

namespace appshot {

Result<uint64_t> sock_address(KernelView& kernel, int fd) {
  const uint64_t file = TRY(file_address(kernel, fd));
  const auto socket = TRY(kernel.memory.read<uint64_t>(file + kernel.layout.file_private));
  return kernel.memory.read<uint64_t>(socket + kernel.layout.socket_sock);
}

}  // namespace appshot
