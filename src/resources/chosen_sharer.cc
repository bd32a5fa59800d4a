#include "resources/chosen_sharer.h"

#include <linux/filter.h>
#include <sys/socket.h>

namespace appshot {
namespace {

constexpr int kDetachReusePort = 68;  // newer than the C library's headers

}  // namespace

Result<ChosenSharer> ChosenSharer::among(int socket, uint32_t index) {
  sock_filter choice{BPF_RET | BPF_K, 0, 0, index};
  sock_fprog program{1, &choice};
  TRY_SYS(::setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program));
  return ChosenSharer(socket);
}

ChosenSharer::~ChosenSharer() {
  const int none = 0;
  if (socket_ >= 0) ::setsockopt(socket_, SOL_SOCKET, kDetachReusePort, &none, sizeof none);
}

}  // namespace appshot
