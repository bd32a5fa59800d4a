#include "node/packer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "node/child_program.h"
#include "os/file.h"
#include "os/pidfd.h"
#include "protocol/error_json.h"

namespace appshot {
namespace {

constexpr char kName[] = "appshot-packer";
constexpr size_t kPieceBytes = 64 * 1024;

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  TRY_SYS(::pipe2(ends, O_CLOEXEC));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// What it says, in lines; the last is its result or error.
class Report {
 public:
  explicit Report(ProgressListener progress = {}, Packer::Listener listener = {})
      : progress_(std::move(progress)), listener_(std::move(listener)) {}

  Result<> take(std::string_view bytes) {
    text_.append(bytes);
    for (size_t end; (end = text_.find('\n')) != std::string::npos; text_.erase(0, end + 1)) {
      const Json line = TRY(parse_json(text_.substr(0, end)));
      if (const Json& told = field(line, "progress"); !told.is_null()) {
        if (progress_) progress_(told);
      } else if (line.contains("result") || line.contains("error")) {
        last_ = line;
      } else if (listener_) {
        listener_(line);
      }
    }
    return {};
  }

  Result<Json> outcome() const {
    if (!last_)
      return Error(ErrorClass::other, "appshot-packer has ended without a result")
          .hint("it was killed, or out of memory; the daemon's log may tell more");
    if (const Json& error = field(*last_, "error"); !error.is_null()) return error_from_json(error);
    return field(*last_, "result");
  }

 private:
  const ProgressListener progress_;
  const Packer::Listener listener_;
  std::string text_;
  std::optional<Json> last_;
};

// Ends it, should we leave before it does.
class Child {
 public:
  static Result<Child> start(const Packer::Words& words,
                             const std::vector<GivenDescriptor>& given) {
    Packer::Words argv{kName};
    argv.insert(argv.end(), words.begin(), words.end());
    const pid_t pid = TRY(start_child(program_beside(kName), argv, given));
    // The daemon's main thread reaps it, maybe before we come here: then it has ended.
    Result<Pidfd> pidfd = Pidfd::open(HostPid{pid});
    Child child;
    if (pidfd) child.pidfd_.emplace(std::move(*pidfd));
    return child;
  }
  Child(Child&&) = default;
  ~Child() {
    if (pidfd_) pidfd_->send(SIGKILL);
  }

 private:
  Child() = default;
  std::optional<Pidfd> pidfd_;
};

// To its end, or until `stop` says so.
Result<> drain(int fd, const std::function<Result<>(std::string_view bytes)>& take) {
  std::array<char, kPieceBytes> bytes;
  for (;;) {
    const ssize_t got = ::read(fd, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(errno, "read from appshot-packer");
    if (got == 0) return {};
    TRY(take({bytes.data(), static_cast<size_t>(got)}));
  }
}

}  // namespace

Result<Json> Packer::run(const Words& words, const ProgressListener& progress,
                         const Listener& listener) {
  Pipe told = TRY(make_pipe());
  const Child child = TRY(Child::start(words, {{told.write.get(), STDOUT_FILENO}}));
  told.write.reset();
  Report report(progress, listener);
  TRY(drain(told.read.get(), [&](std::string_view bytes) { return report.take(bytes); }));
  return report.outcome();
}

// The archive comes by standard output, and what it tells by standard error: little, which waits in
// the pipe until the archive is whole.
Result<> Packer::write(const Words& words, const WriteAll& write) {
  Pipe archive = TRY(make_pipe()), told = TRY(make_pipe());
  const Child child = TRY(Child::start(
      words, {{archive.write.get(), STDOUT_FILENO}, {told.write.get(), STDERR_FILENO}}));
  archive.write.reset();
  told.write.reset();
  Report report;
  pollfd ends[] = {{archive.read.get(), POLLIN, 0}, {told.read.get(), POLLIN, 0}};
  std::array<char, kPieceBytes> bytes;
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (::poll(ends, 2, -1) < 0 && errno != EINTR) return Error::from_errno(errno, "poll");
    for (pollfd& end : ends) {
      if (end.fd < 0 || end.revents == 0) continue;
      const ssize_t got = ::read(end.fd, bytes.data(), bytes.size());
      if (got < 0 && errno != EINTR) return Error::from_errno(errno, "read");
      const std::string_view piece(bytes.data(), static_cast<size_t>(std::max<ssize_t>(got, 0)));
      if (got > 0) TRY(&end == &ends[0] ? write(piece) : report.take(piece));
      if (got == 0) end.fd = -1;
    }
  }
  TRY(report.outcome());
  return {};
}

// What it tells meanwhile must not wait until nobody can write any more.
Result<Json> Packer::read(const Words& words, const ReadSome& read) {
  Pipe archive = TRY(make_pipe()), told = TRY(make_pipe());
  const Child child = TRY(
      Child::start(words, {{archive.read.get(), STDIN_FILENO}, {told.write.get(), STDOUT_FILENO}}));
  archive.read.reset();
  told.write.reset();
  std::array<char, kPieceBytes> bytes;
  Report report;
  for (bool wanted = true; wanted;) {
    const size_t got = TRY(read(bytes));
    if (got == 0) break;
    wanted = static_cast<bool>(write_all(archive.write.get(), {bytes.data(), got}));
    for (pollfd more{told.read.get(), POLLIN, 0}; ::poll(&more, 1, 0) > 0;) {
      const ssize_t said = ::read(told.read.get(), bytes.data(), bytes.size());
      if (said <= 0) break;
      TRY(report.take({bytes.data(), static_cast<size_t>(said)}));
    }
  }
  archive.write.reset();
  TRY(drain(told.read.get(), [&](std::string_view piece) { return report.take(piece); }));
  return report.outcome();
}

}  // namespace appshot
