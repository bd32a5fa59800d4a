#include "cli/session.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "cli/terminal.h"
#include "cli/text.h"
#include "protocol/error_json.h"
#include "protocol/frames.h"

namespace appshot {
namespace {

constexpr char kCtrlP = 0x10;
constexpr char kCtrlQ = 0x11;

// Signals as a descriptor, for the session's lifetime: none of them can end this process with the
// terminal still raw.
class SignalFile {
 public:
  SignalFile() {
    sigset_t set;
    sigemptyset(&set);
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGPIPE})
      sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, &before_);
    fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~SignalFile() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalFile(const SignalFile&) = delete;

  int fd() const { return fd_.get(); }
  std::optional<int> next() {
    signalfd_siginfo info;
    if (::read(fd_.get(), &info, sizeof(info)) != sizeof(info)) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  sigset_t before_;
  UniqueFd fd_;
};

bool write_out(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) {
      // Somebody who shares this terminal has made it non-blocking.
      pollfd entry{fd, POLLOUT, 0};
      ::poll(&entry, 1, -1);
      continue;
    }
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

class Session {
 public:
  Session(HttpClient::Stream stream, const SessionWish& wish)
      : socket_(std::move(stream.socket)), wish_(wish), stdin_open_(wish.pass_stdin) {
    decoder_.feed(stream.read_ahead);
  }

  SessionEnd run() {
    for (;;) {
      if (std::optional<SessionEnd> end = show_frames()) return *end;
      pollfd entries[] = {{socket_.get(), POLLIN, 0},
                          {signals_.fd(), POLLIN, 0},
                          {stdin_open_ ? STDIN_FILENO : -1, POLLIN, 0}};
      if (::poll(entries, 3, -1) < 0 && errno != EINTR) return lost();
      if (entries[1].revents != 0)
        if (std::optional<SessionEnd> end = take_signals()) return *end;
      if (entries[2].revents != 0 && pass_input()) return {SessionEnd::Kind::detached, 0, ""};
      if (entries[0].revents != 0 && !receive()) return lost();
    }
  }

 private:
  SessionEnd lost() const {
    return {SessionEnd::Kind::lost, 125, "lost the connection to " + wish_.aid};
  }

  bool receive() {
    std::array<char, 65536> bytes;
    ssize_t got = ::read(socket_.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    decoder_.feed({bytes.data(), static_cast<size_t>(got)});
    return true;
  }

  // Everything that has come whole; the session's end, if that is in it.
  std::optional<SessionEnd> show_frames() {
    for (;;) {
      Result<std::optional<Frame>> frame = decoder_.next();
      if (!frame) return lost();
      if (!frame->has_value()) return std::nullopt;
      const auto& [type, payload] = **frame;
      if (type == FrameType::stdout_bytes || type == FrameType::stderr_bytes) {
        int fd = type == FrameType::stdout_bytes ? STDOUT_FILENO : STDERR_FILENO;
        // Nobody reads our output any more: the same to us as SIGPIPE.
        if (!write_out(fd, payload)) return SessionEnd{SessionEnd::Kind::lost, 128 + SIGPIPE, ""};
      } else if (type == FrameType::exit) {
        Result<int> status = decode_exit(payload);
        if (!status) return lost();
        return SessionEnd{SessionEnd::Kind::exited, shell_status(*status), ""};
      } else if (type == FrameType::detach) {
        return farewell(payload);
      }
    }
  }

  SessionEnd farewell(const std::string& payload) const {
    Result<Json> document = parse_json(payload);
    if (!document || !field(*document, "error").is_object())
      return {SessionEnd::Kind::let_go, 0, payload};
    int status = static_cast<int>(int_at(*document, "program_status", 125));
    return {SessionEnd::Kind::failed, status, error_text(error_from_json((*document)["error"]))};
  }

  std::optional<SessionEnd> take_signals() {
    while (std::optional<int> signal = signals_.next()) {
      if (*signal == SIGWINCH) {
        std::optional<WindowSize> size = window_size();
        if (wish_.tty && size) (void)send_all(socket_.get(), encode_window(*size));
      } else if (*signal == SIGPIPE) {
        continue;
      } else if (!wish_.tty && wish_.forward_signal && *signal != SIGHUP) {
        wish_.forward_signal(*signal);
      } else {
        return SessionEnd{SessionEnd::Kind::detached, 128 + *signal, ""};
      }
    }
    return std::nullopt;
  }

  // True: the user has let go.
  bool pass_input() {
    std::array<char, 65536> bytes;
    ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
    if (got <= 0) {
      stdin_open_ = false;
      (void)send_all(socket_.get(), encode_frame(FrameType::stdin_bytes, ""));
      return false;
    }
    std::string_view typed(bytes.data(), static_cast<size_t>(got));
    bool detach = false;
    std::string kept;
    if (wish_.tty) {
      kept = keys_.filter(typed, detach);
      typed = kept;
    }
    // A harness that has gone shows when its stream is read.
    if (!typed.empty()) (void)send_all(socket_.get(), encode_frame(FrameType::stdin_bytes, typed));
    if (detach) (void)send_all(socket_.get(), encode_frame(FrameType::detach, ""));
    return detach;
  }

  SignalFile signals_;
  UniqueFd socket_;
  const SessionWish& wish_;
  FrameDecoder decoder_;
  DetachKeys keys_;
  bool stdin_open_;
};

}  // namespace

int shell_status(int wait_status) {
  if (WIFSIGNALED(wait_status)) return 128 + WTERMSIG(wait_status);
  return WEXITSTATUS(wait_status);
}

std::string DetachKeys::filter(std::string_view typed, bool& detach) {
  std::string kept;
  for (char c : typed) {
    if (pending_ && c == kCtrlQ) {
      detach = true;
      pending_ = false;
      return kept;
    }
    if (pending_) kept.push_back(kCtrlP);
    pending_ = c == kCtrlP;
    if (!pending_) kept.push_back(c);
  }
  return kept;
}

SessionEnd run_session(HttpClient::Stream stream, const SessionWish& wish) {
  // Signals are taken before the terminal is made raw and given back after it is restored.
  Session session(std::move(stream), wish);
  std::optional<RawTerminal> raw;
  if (wish.tty && wish.pass_stdin) raw.emplace(STDIN_FILENO);
  return session.run();
}

}  // namespace appshot
