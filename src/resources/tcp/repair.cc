#include "resources/tcp/repair.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/child.h"

namespace appshot::tcp {
namespace {

Result<> set(int socket, int name, int value) {
  TRY_SYS(::setsockopt(socket, IPPROTO_TCP, name, &value, sizeof value));
  return {};
}

Result<> choose(int socket, Queue queue) {
  return set(socket, TCP_REPAIR_QUEUE, static_cast<int>(queue));
}

}  // namespace

Result<> enter_repair(int socket) { return set(socket, TCP_REPAIR, TCP_REPAIR_ON); }
Result<> leave_repair(int socket) { return set(socket, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP); }

Result<uint32_t> sequence_of(int socket, Queue queue) {
  TRY(choose(socket, queue));
  uint32_t sequence = 0;
  socklen_t length = sizeof sequence;
  TRY_SYS(::getsockopt(socket, IPPROTO_TCP, TCP_QUEUE_SEQ, &sequence, &length));
  return sequence;
}

Result<> set_sequence(int socket, Queue queue, uint32_t sequence) {
  TRY(choose(socket, queue));
  return set(socket, TCP_QUEUE_SEQ, static_cast<int>(sequence));
}

Result<uint32_t> kernel_time() {
  UniqueFd fresh(TRY_SYS(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  uint32_t time = 0;
  socklen_t length = sizeof time;
  TRY_SYS(::getsockopt(fresh.get(), IPPROTO_TCP, TCP_TIMESTAMP, &time, &length));
  return time;
}

Result<std::vector<uint8_t>> content_of(int socket, Queue queue, size_t bytes) {
  std::vector<uint8_t> content(bytes);
  if (bytes == 0) return content;
  TRY(choose(socket, queue));
  ssize_t got = ::recv(socket, content.data(), bytes, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && errno != EAGAIN) return Error::from_errno(errno, "recv(MSG_PEEK)");
  content.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return content;
}

Result<> put_in(int socket, Queue queue, std::span<const uint8_t> bytes) {
  if (bytes.empty()) return {};
  TRY(choose(socket, queue));
  // What is to be read is taken in pieces of a segment, which must not need much memory in a row.
  constexpr size_t kPiece = 16 * 1024;
  while (!bytes.empty()) {
    ssize_t put = TRY_SYS(
        ::send(socket, bytes.data(), std::min(bytes.size(), kPiece), MSG_DONTWAIT | MSG_NOSIGNAL));
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return {};
}

Result<Repaired> Repaired::enter(std::span<const int> fds) {
  std::vector<Socket> sockets;
  for (int fd : fds) {
    Socket socket{fd, 0};
    socklen_t length = sizeof socket.reuse_address;
    TRY_SYS(::getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &socket.reuse_address, &length));
    sockets.push_back(socket);
  }
  Repaired repaired(std::move(sockets));
  if (repaired.sockets_.empty()) return repaired;
  TRY(repaired.start_guard());
  for (const Socket& socket : repaired.sockets_) TRY(enter_repair(socket.fd));
  return repaired;
}

Result<> Repaired::start_guard() {
  int ends[2];
  TRY_SYS(::pipe2(ends, O_CLOEXEC));
  UniqueFd watched(ends[0]);
  lifeline_.reset(ends[1]);
  guard_ = TRY(fork_child({}));
  if (guard_ != 0) return {};
  // What ends the caller's group does not end this.
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::close(ends[1]);
  char none;
  while (::read(ends[0], &none, 1) < 0 && errno == EINTR) {
  }
  put_back(sockets_);
  ::_exit(0);
}

void Repaired::put_back(std::span<const Socket> sockets) {
  for (const Socket& socket : sockets) {
    int on = 0;
    socklen_t length = sizeof on;
    if (::getsockopt(socket.fd, IPPROTO_TCP, TCP_REPAIR, &on, &length) != 0 || on == 0) continue;
    (void)leave_repair(socket.fd);
    ::setsockopt(socket.fd, SOL_SOCKET, SO_REUSEADDR, &socket.reuse_address,
                 sizeof socket.reuse_address);
  }
}

Repaired::~Repaired() {
  if (!lifeline_) return;  // moved from, or nothing to do
  put_back(sockets_);
  lifeline_.reset();
  while (::waitpid(guard_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace appshot::tcp
