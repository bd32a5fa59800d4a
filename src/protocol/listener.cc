#include "protocol/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/unix_address.h"

namespace appshot {

Result<Listener> Listener::at(const std::string& path) {
  UniqueFd socket(TRY_SYS(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
  ::unlink(path.c_str());
  // Before bind nobody can connect, and the mode is that of the socket file from its first moment.
  TRY_SYS(::fchmod(socket.get(), 0600));
  TRY(bind_unix(socket.get(), path));
  TRY_SYS(::listen(socket.get(), 16));
  return Listener(std::move(socket), path);
}

Listener::~Listener() {
  if (socket_) ::unlink(path_.c_str());
}

Result<Channel> Listener::accept() {
  for (;;) {
    int fd = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) return Channel(UniqueFd(fd));
    if (errno != EINTR) return Error::from_errno(errno, "accept4");
  }
}

}  // namespace appshot
