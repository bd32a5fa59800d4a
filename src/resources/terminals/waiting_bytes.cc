#include "resources/terminals/waiting_bytes.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "os/child.h"
#include "os/kernel_terminal.h"

namespace appshot::terminals {
namespace {

constexpr size_t kMost = 128 * 1024;  // the kernel keeps less
constexpr int kWaitsMax = 2000;       // of a millisecond, for what the kernel does by the way
constexpr size_t kPiece = 1000;       // in pieces of that size the kernel takes more than in others
constexpr int kReaderMost = 4095;     // what a side can be asked for at once
constexpr int kReaderFull = 3840;
constexpr cc_t kDisabled = 0;  // _POSIX_VDISABLE

struct Buffer {
  size_t length = 0;
  uint8_t bytes[kMost];
};

struct Room {
  bool stopped;
  Buffer typed;
  Buffer printed;
};

// Everything below may run in a process that has been forked while others held locks: no
// allocation, no locks, an errno or 0.

bool is_ready(int fd, short event) {
  pollfd state{fd, event, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & event) != 0;
}

int unread(int fd) {
  int bytes = 0;
  return ::ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : 0;
}

int read_all(int fd, Buffer& into) {
  while (is_ready(fd, POLLIN) && into.length < kMost) {
    ssize_t got = ::read(fd, into.bytes + into.length, kMost - into.length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 && errno != EAGAIN && errno != EIO ? errno : 0;
    into.length += static_cast<size_t>(got);
  }
  return into.length == kMost ? EOVERFLOW : 0;
}

int write_all(int fd, const Buffer& from) {
  size_t at = 0;
  for (int waits = 0; at < from.length;) {
    ssize_t put = ::write(fd, from.bytes + at, std::min(from.length - at, kPiece));
    if (put > 0) {
      at += static_cast<size_t>(put);
    } else if (errno != EINTR && (errno != EAGAIN || ++waits > kWaitsMax)) {
      return errno;
    } else {
      const timespec a_moment{0, 1'000'000};
      ::nanosleep(&a_moment, nullptr);
    }
  }
  return 0;
}

// What is written at one side comes to the other when the kernel finds time.
int wait_for(int fd, size_t bytes) {
  for (int waits = 0; static_cast<size_t>(unread(fd)) < bytes; ++waits) {
    if (waits > kWaitsMax) return ETIMEDOUT;
    (void)is_ready(fd, POLLIN);  // which makes the kernel look as well
    const timespec a_moment{0, 1'000'000};
    ::nanosleep(&a_moment, nullptr);
  }
  return 0;
}

// Bytes go through as they are.
termios2 plain(const termios2& settings) {
  termios2 plain = settings;
  plain.c_iflag = 0;
  plain.c_oflag = 0;
  plain.c_lflag = 0;
  return plain;
}

// Lines end where they ended, and nothing else means anything.
termios2 lines_only(const termios2& settings) {
  termios2 lines = plain(settings);
  lines.c_lflag = ICANON;
  for (int i = 0; i < NCCS; ++i)
    if (i != VEOF && i != VEOL && i != VEOL2) lines.c_cc[i] = kDisabled;
  return lines;
}

// How much of it can be read: half a line cannot.
size_t whole_lines(const Buffer& typed, const termios2& settings) {
  size_t end = typed.length;
  auto ends_line = [&](uint8_t byte) {
    return byte == '\n' ||
           (byte != kDisabled && (byte == settings.c_cc[VEOL] || byte == settings.c_cc[VEOL2] ||
                                  byte == settings.c_cc[VEOF]));
  };
  while (end > 0 && !ends_line(typed.bytes[end - 1])) --end;
  return end;
}

struct Sides {
  int master;
  int slave;
};

int put_back(Sides sides, const termios2& settings, Room& room) {
  const termios2 raw = plain(settings), lines = lines_only(settings);
  if (::ioctl(sides.slave, TCSETS2, &raw) != 0) return errno;
  if (int failed = write_all(sides.slave, room.printed); failed != 0) return failed;
  const size_t shown = std::min<size_t>(room.printed.length, kReaderMost);
  if (int failed = wait_for(sides.master, shown); failed != 0) return failed;
  const bool by_line = (settings.c_lflag & ICANON) != 0;
  if (by_line) {
    if (::ioctl(sides.slave, TCSETS2, &lines) != 0) return errno;
    // The end of input was kept as a zero.
    for (size_t i = 0; i < room.typed.length; ++i)
      if (room.typed.bytes[i] == 0) room.typed.bytes[i] = settings.c_cc[VEOF];
  }
  if (int failed = write_all(sides.master, room.typed); failed != 0) return failed;
  const size_t readable = std::min<size_t>(
      by_line ? whole_lines(room.typed, settings) : room.typed.length, kReaderMost);
  if (int failed = wait_for(sides.slave, readable); failed != 0) return failed;
  (void)is_ready(sides.slave, POLLIN);
  return ::ioctl(sides.slave, TCSETS2, &settings) == 0 ? 0 : errno;
}

// As packets everything would come with a byte more.
class PacketsOff {
 public:
  explicit PacketsOff(int master) : master_(master) {
    ::ioctl(master, TIOCGPKT, &was_on_);
    set(0);
  }
  PacketsOff(const PacketsOff&) = delete;
  PacketsOff& operator=(const PacketsOff&) = delete;
  ~PacketsOff() { set(1); }

 private:
  void set(int on) const {
    if (was_on_ != 0) ::ioctl(master_, TIOCPKT, &on);
  }
  int master_;
  int was_on_ = 0;
};

int take_and_put_back(Sides sides, Room& room) {
  termios2 settings{};
  if (::ioctl(sides.slave, TCGETS2, &settings) != 0) return errno;
  const bool is_full = unread(sides.slave) >= kReaderFull || unread(sides.master) >= kReaderFull;
  room.stopped = !is_full && !is_ready(sides.slave, POLLOUT);
  // When a reader is full, more waits behind it than could surely be put back.
  if (is_full) return ENOBUFS;
  // Nor could anything to where output is stopped.
  if (room.stopped && unread(sides.master) > 0) return EBUSY;
  const PacketsOff packets(sides.master);
  const termios2 raw = plain(settings);
  int failed = read_all(sides.master, room.printed);
  if (::ioctl(sides.slave, TCSETS2, &raw) != 0) return errno;
  if (failed == 0) failed = read_all(sides.slave, room.typed);
  const Buffer typed_before = room.typed;
  const int not_put = put_back(sides, settings, room);
  room.typed = typed_before;
  return failed != 0 ? failed : not_put;
}

// Whoever stopped it by a key lets it go on by a key.
Result<> stop(int master, int slave, const termios2& settings, bool by_call) {
  if (by_call || (settings.c_iflag & IXON) == 0 || settings.c_cc[VSTOP] == kDisabled) {
    TRY_SYS(::ioctl(slave, TCXONC, TCOOFF));
    return {};
  }
  TRY_SYS(::write(master, &settings.c_cc[VSTOP], 1));
  for (int waits = 0; is_ready(slave, POLLOUT); ++waits) {
    if (waits > kWaitsMax) return Error(ErrorClass::timeout, "a terminal does not stop");
    const timespec a_moment{0, 1'000'000};
    ::nanosleep(&a_moment, nullptr);
  }
  return {};
}

Result<Room*> make_room() {
  void* at = ::mmap(nullptr, sizeof(Room), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return Error::from_errno(errno, "mmap of room for what was typed");
  return static_cast<Room*>(at);
}

// O_CLOEXEC would stay among the file's own flags, for whoever has it later.
Result<UniqueFd> open_peer(int master, int flags) {
  UniqueFd slave(TRY_SYS(::ioctl(master, TIOCGPTPEER, flags | O_NOCTTY)));
  TRY_SYS(::fcntl(slave.get(), F_SETFD, FD_CLOEXEC));
  return slave;
}

}  // namespace

Result<UniqueFd> open_slave(int master, int flags) {
  int locked = 0;
  TRY_SYS(::ioctl(master, TIOCGPTLCK, &locked));
  if (locked != 0) {
    const int open = 0;
    TRY_SYS(::ioctl(master, TIOCSPTLCK, &open));
    Result<UniqueFd> slave = open_peer(master, flags);
    TRY_SYS(::ioctl(master, TIOCSPTLCK, &locked));
    return slave;
  }
  return open_peer(master, flags);
}

namespace {

void append(std::vector<uint8_t>& to, const std::vector<uint8_t>& bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// Whether what is typed comes as it is, and means nothing else.
bool is_plain(const termios2& settings) {
  constexpr tcflag_t kChanging = ISTRIP | INLCR | IGNCR | ICRNL | IUCLC | IXON | PARMRK;
  return (settings.c_lflag & (ICANON | ISIG | ECHO)) == 0 && (settings.c_iflag & kChanging) == 0;
}

// Of one that is full, or stopped with something unread.
Result<WaitingBytes> look_at_waiting(int master, int slave, bool stopped,
                                     std::optional<KernelLayout>* layout) {
  const std::string words = stopped
                                ? "the output of a terminal is stopped (^S) with some of it unread"
                                : "a terminal is full of what nobody has read";
  Result<KernelView> kernel = KernelView::open(layout);
  if (!kernel)
    return Error(ErrorClass::refused, words + " (" + kernel.error().message() + ")")
        .hint(stopped ? "let it go on (^Q)" : "try again when some of it has been read");
  const TerminalInput typed = TRY(terminal_input(*kernel, slave));
  const TerminalInput printed = TRY(terminal_input(*kernel, master));
  termios2 settings{};
  TRY_SYS(::ioctl(slave, TCGETS2, &settings));
  // What the terminal makes of it, and whom it tells, would be another matter then.
  if (!typed.behind.empty() && !is_plain(settings))
    return Error(ErrorClass::refused, "more has been typed into a terminal than it takes")
        .hint("try again when some of it has been read");
  WaitingBytes bytes{typed.taken_in, printed.taken_in, stopped};
  append(bytes.typed, typed.behind);
  append(bytes.printed, printed.behind);
  return bytes;
}

}  // namespace

Result<WaitingBytes> copy_waiting(int master, std::optional<KernelLayout>* kernel_layout) {
  UniqueFd slave = TRY(open_slave(master, O_RDWR | O_NONBLOCK));
  Room* room = TRY(make_room());
  Result<pid_t> pid = fork_child({});
  if (pid && *pid == 0) {
    ::setsid();
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::_exit(take_and_put_back({master, slave.get()}, *room));
  }
  WaitingBytes bytes;
  int status = 0;
  if (pid) {
    while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
    }
    bytes.typed.assign(room->typed.bytes, room->typed.bytes + room->typed.length);
    bytes.stopped = room->stopped;
    bytes.printed.assign(room->printed.bytes, room->printed.bytes + room->printed.length);
  }
  ::munmap(room, sizeof *room);
  if (!pid) return pid.take_error();
  if (!WIFEXITED(status))
    return Error(ErrorClass::other, "the process that reads a terminal has died");
  if (WEXITSTATUS(status) == EBUSY || WEXITSTATUS(status) == ENOBUFS)
    return look_at_waiting(master, slave.get(), bytes.stopped, kernel_layout);
  if (WEXITSTATUS(status) != 0) return Error::from_errno(WEXITSTATUS(status), "reading a terminal");
  return bytes;
}

Result<> stop_output(int master, int slave, bool by_call) {
  termios2 settings{};
  TRY_SYS(::ioctl(slave, TCGETS2, &settings));
  return stop(master, slave, settings, by_call);
}

Result<> put_waiting(int master, const WaitingBytes& bytes) {
  if (bytes.typed.empty() && bytes.printed.empty() && !bytes.stopped) return {};
  if (bytes.typed.size() > kMost || bytes.printed.size() > kMost)
    return Error(ErrorClass::corrupt, "a terminal holds more than it can");
  UniqueFd slave = TRY(open_slave(master, O_RDWR | O_NONBLOCK));
  termios2 settings{};
  TRY_SYS(::ioctl(slave.get(), TCGETS2, &settings));
  Room* room = TRY(make_room());
  auto fill = [](Buffer& buffer, std::span<const uint8_t> from) {
    std::copy(from.begin(), from.end(), buffer.bytes);
    buffer.length = from.size();
  };
  fill(room->typed, bytes.typed);
  fill(room->printed, bytes.printed);
  // What does not fit must fail, not wait.
  const int flags = TRY_SYS(::fcntl(master, F_GETFL));
  TRY_SYS(::fcntl(master, F_SETFL, flags | O_NONBLOCK));
  const int failed = put_back({master, slave.get()}, settings, *room);
  TRY_SYS(::fcntl(master, F_SETFL, flags));
  ::munmap(room, sizeof *room);
  if (failed != 0) return Error::from_errno(failed, "filling a terminal");
  return bytes.stopped ? stop(master, slave.get(), settings, bytes.by_call) : Result<>();
}

}  // namespace appshot::terminals
