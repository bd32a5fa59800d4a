#include "harness/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace appshot {
namespace {

// A client that does not read is let go when this much waits for it: the program must not stop.
constexpr size_t kUnsentMax = 8 << 20;
// A program that does not read its input stops those who feed it, not us.
constexpr size_t kInputMax = 1 << 20;
constexpr size_t kReadBytes = 64 * 1024;

}  // namespace

Session::Session(Ends ends, OutputLog* log) : ends_(std::move(ends)), log_(log) {
  (void)hold_terminal();
}

// While nobody has a terminal's slave side open, its master tells of a hang-up again and again and
// reads as EIO, though the next process may open it at any time. So we have it open ourselves.
bool Session::hold_terminal() {
  if (!ends_.tty || !ends_.output) return false;
  slave_.reset(::ioctl(ends_.output.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  return static_cast<bool>(slave_);
}

void Session::add_waits(std::vector<pollfd>& waits) const {
  if (ends_.output) {
    bool feeding = ends_.tty && !input_.empty();
    waits.push_back({ends_.output.get(), static_cast<short>(POLLIN | (feeding ? POLLOUT : 0)), 0});
  }
  if (ends_.error) waits.push_back({ends_.error.get(), POLLIN, 0});
  if (ends_.input && !input_.empty()) waits.push_back({ends_.input.get(), POLLOUT, 0});
  for (const Client& client : clients_) {
    short events = client.unsent.empty() ? 0 : POLLOUT;
    if (input_.size() < kInputMax) events |= POLLIN;
    waits.push_back({client.stream.get(), events, 0});
  }
}

void Session::handle(const pollfd& ready) {
  if (ends_.output && ready.fd == ends_.output.get()) {
    if ((ready.revents & POLLOUT) != 0) write_input();
    if ((ready.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
      read_output(ends_.output, FrameType::stdout_bytes, ends_.tty ? "tty" : "stdout");
  } else if (ends_.error && ready.fd == ends_.error.get()) {
    read_output(ends_.error, FrameType::stderr_bytes, "stderr");
  } else if (ends_.input && ready.fd == ends_.input.get()) {
    write_input();
  } else {
    for (Client& client : clients_) {
      if (client.stream.get() != ready.fd) continue;
      if ((ready.revents & POLLOUT) != 0) flush(client);
      if (client.stream && (ready.revents & (POLLIN | POLLHUP | POLLERR)) != 0) read_client(client);
    }
    std::erase_if(clients_, [](const Client& client) { return !client.stream; });
  }
}

void Session::attach(UniqueFd stream) {
  int flags = ::fcntl(stream.get(), F_GETFL);
  ::fcntl(stream.get(), F_SETFL, flags | O_NONBLOCK);
  Client client;
  client.stream = std::move(stream);
  clients_.push_back(std::move(client));
}

// False when nothing more is there for now.
bool Session::read_output(UniqueFd& from, FrameType type, const char* name) {
  std::array<char, kReadBytes> buffer;
  ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  // The end of a session takes a terminal away from all who have it open, us too; it is there for
  // the next one. A pipe's end is its end.
  if (got < 0 && errno == EIO && hold_terminal()) return false;
  if (got <= 0) {
    from.reset();
    return false;
  }
  std::string_view bytes(buffer.data(), static_cast<size_t>(got));
  if (log_ != nullptr) log_->add(name, bytes);
  std::string frame = encode_frame(type, bytes);
  for (Client& client : clients_) send(client, frame);
  return true;
}

void Session::drain() {
  for (int rounds = 0; rounds < 1024 && ends_.output; ++rounds)
    if (!read_output(ends_.output, FrameType::stdout_bytes, ends_.tty ? "tty" : "stdout")) break;
  for (int rounds = 0; rounds < 1024 && ends_.error; ++rounds)
    if (!read_output(ends_.error, FrameType::stderr_bytes, "stderr")) break;
}

void Session::send(Client& client, const std::string& frame) {
  client.unsent += frame;
  flush(client);
  if (client.unsent.size() > kUnsentMax) client.stream.reset();
}

void Session::flush(Client& client) {
  while (client.stream && !client.unsent.empty()) {
    ssize_t put =
        ::send(client.stream.get(), client.unsent.data(), client.unsent.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return;
    if (put < 0) return client.stream.reset();
    client.unsent.erase(0, static_cast<size_t>(put));
  }
}

void Session::read_client(Client& client) {
  std::array<char, kReadBytes> buffer;
  ssize_t got = ::read(client.stream.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return client.stream.reset();
  client.decoder.feed({buffer.data(), static_cast<size_t>(got)});
  for (;;) {
    Result<std::optional<Frame>> frame = client.decoder.next();
    if (!frame) return client.stream.reset();
    if (!*frame) return;
    take(client, **frame);
    if (!client.stream) return;
  }
}

void Session::take(Client& client, const Frame& frame) {
  switch (frame.type) {
    case FrameType::stdin_bytes:
      if (frame.payload.empty()) input_ends_ = true;
      input_ += frame.payload;
      write_input();
      return;
    case FrameType::window:
      if (Result<WindowSize> size = decode_window(frame.payload)) (void)!set_window(*size);
      return;
    case FrameType::detach:
      return client.stream.reset();
    default:
      return;
  }
}

void Session::write_input() {
  UniqueFd& to = ends_.tty ? ends_.output : ends_.input;
  while (to && !input_.empty()) {
    ssize_t put = ::write(to.get(), input_.data(), input_.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return;
    if (put < 0) return input_.clear();
    input_.erase(0, static_cast<size_t>(put));
  }
  if (!input_ends_ || !input_.empty()) return;
  input_ends_ = false;
  if (ends_.tty || !ends_.input) return;
  ends_.input.reset();
  if (input_ended_) input_ended_();
}

Result<> Session::set_window(WindowSize size) {
  if (!ends_.tty || !ends_.output) return {};
  winsize window{};
  window.ws_row = size.rows;
  window.ws_col = size.cols;
  TRY_SYS(::ioctl(ends_.output.get(), TIOCSWINSZ, &window));
  return {};
}

void Session::finish_with_exit(int wait_status) {
  drain();
  for (Client& client : clients_) send(client, encode_exit(wait_status));
}

void Session::finish_with_reason(const std::string& why) {
  drain();
  for (Client& client : clients_) send(client, encode_frame(FrameType::detach, why));
}

}  // namespace appshot
