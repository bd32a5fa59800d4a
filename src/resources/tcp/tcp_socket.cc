#include "resources/tcp/tcp_socket.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "resources/inet.h"
#include "resources/socket_errors.h"
#include "resources/tcp/options.h"
#include "resources/tcp/states.h"

namespace appshot::tcp {
namespace {

bool has_urgent_byte(int socket) {
  char byte;
  return ::recv(socket, &byte, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT) == 1 || errno == EAGAIN;
}

// Encryption in the kernel, which keeps its keys to itself.
bool has_upper_protocol(int socket) {
  std::array<char, 16> name{};
  socklen_t length = name.size();
  return ::getsockopt(socket, IPPROTO_TCP, TCP_ULP, name.data(), &length) == 0 && length > 0 &&
         name[0] != 0;
}

// What they are and hold shows in the kernel's memory alone.
std::string obstacle_of_waiting(uint32_t count) {
  const std::string words =
      "a TCP socket with " + std::to_string(count) + " connections that wait to be accepted";
  Result<KernelMemory> memory = KernelMemory::open();
  return memory ? "" : words + " (" + memory.error().message() + ")";
}

std::string obstacle_of(int socket) {
  Result<tcp_info> info = info_of(socket);
  if (!info) return "";
  if (info->tcpi_state == TCP_LISTEN)
    return info->tcpi_unacked == 0 ? "" : obstacle_of_waiting(info->tcpi_unacked);
  if (info->tcpi_state == TCP_SYN_RECV) return "a TCP socket that is just being connected";
  if (has_upper_protocol(socket)) return "a TCP socket that the kernel encrypts";
  if (is_connected(info->tcpi_state) && has_urgent_byte(socket)) {
    Result<KernelMemory> memory = KernelMemory::open();
    if (!memory) return "a TCP socket that holds urgent data (" + memory.error().message() + ")";
  }
  if (info->tcpi_state != TCP_CLOSE) return "";
  const std::string hidden = why_errors_are_hidden(socket);
  return hidden.empty() ? ""
                        : "a TCP socket whose connection has failed, of which the program has not "
                          "heard yet (" +
                              hidden + ")";
}

// A socket that has been connected and is no more, as opposed to one that never was.
uint8_t shut_of(int socket, int state) {
  constexpr uint8_t kReading = 1;
  pollfd events{socket, POLLRDHUP, 0};
  if (state == TCP_LISTEN || was_finished(state) || ::poll(&events, 1, 0) != 1) return 0;
  return (events.revents & POLLRDHUP) != 0 ? kReading : 0;
}

Result<int> untold_error(CaptureContext& context, int socket) {
  const int error = TRY(errors_of(context, socket)).next;
  if (error == 0 || error == ECONNRESET || error == EPIPE || error == ECONNREFUSED) return error;
  return Error(ErrorClass::refused, "a TCP socket's connection has failed (" +
                                        std::string(strerrorname_np(error)) +
                                        "), of which the program has not heard yet")
      .hint("let it look at the connection, or close it");
}

// Of a connection that is no more. What there is comes before an error: it is not taken by a look.
Result<std::vector<uint8_t>> left_to_read(int socket) {
  int bytes = 0;
  TRY_SYS(::ioctl(socket, FIONREAD, &bytes));
  std::vector<uint8_t> left(static_cast<size_t>(bytes));
  if (bytes == 0) return left;
  ssize_t got = TRY_SYS(::recv(socket, left.data(), left.size(), MSG_PEEK | MSG_DONTWAIT));
  left.resize(static_cast<size_t>(got));
  return left;
}

}  // namespace

Result<tcp_info> info_of(int socket) {
  tcp_info info{};
  socklen_t length = sizeof info;
  TRY_SYS(::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length));
  return info;
}

bool has_outside_peer(const image::TcpSocketT& socket) {
  return !is_loopback(socket.peer_name) && !same_address(socket.peer_name, socket.name);
}

bool TcpSocket::recognises(const DescriptorRef& ref) const {
  const std::string protocol = protocol_of(ref);
  return protocol == "TCP" || protocol == "TCPv6";
}

std::string TcpSocket::obstacle(const DescriptorRef& ref) const {
  Result<UniqueFd> copy = ref.process.pidfd.take_copy(ref.descriptor.fd);
  return copy ? obstacle_of(copy->get()) : "";  // closed since
}

Result<image::FileKindUnion> TcpSocket::capture(CaptureContext& context,
                                                const DescriptorRef& ref) const {
  UniqueFd copy = TRY(ref.process.pidfd.take_copy(ref.descriptor.fd));
  image::TcpSocketT socket;
  socket.domain = TRY(number_of(copy.get(), SO_DOMAIN));
  const tcp_info info = TRY(info_of(copy.get()));
  socket.state = info.tcpi_state;
  socket.name = TRY(name_of(copy.get()));
  if (info.tcpi_state == TCP_LISTEN) socket.backlog = static_cast<int>(info.tcpi_sacked);
  socket.shut = shut_of(copy.get(), info.tcpi_state);
  const bool was_connected =
      is_connected(info.tcpi_state) || (info.tcpi_state == TCP_CLOSE && socket.shut != 0);
  socket.options = TRY(options_of(copy.get(), socket.domain, was_connected));
  if (info.tcpi_state == TCP_CLOSE && was_connected) {
    socket.error = TRY(untold_error(context, copy.get()));
    socket.to_read = TRY(left_to_read(copy.get()));
  }
  socket.uid = ref.descriptor.info.st_uid;
  socket.gid = ref.descriptor.info.st_gid;
  context.sockets[ref.descriptor.info.st_ino] = {static_cast<int>(context.image.open_files.size()),
                                                 std::move(copy)};
  image::FileKindUnion kind;
  kind.Set(std::move(socket));
  return kind;
}

Result<UniqueFd> TcpSocket::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  return take_made(context, file);
}

}  // namespace appshot::tcp
