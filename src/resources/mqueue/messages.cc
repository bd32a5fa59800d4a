#include "resources/mqueue/messages.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/child.h"

namespace appshot::mqueues {
namespace {

struct Slot {
  unsigned priority;
  size_t length;
};

// Shared with the helper: it lives as long as either of us does.
class Room {
 public:
  static Result<Room> make(const mq_attr& attributes, size_t bytes) {
    auto count = static_cast<size_t>(attributes.mq_curmsgs);
    // The kernel receives only into room for the largest message a queue can hold.
    size_t size = count * sizeof(Slot) + bytes + static_cast<size_t>(attributes.mq_msgsize);
    void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return Error::from_errno(errno, "mmap of room for messages");
    return Room(static_cast<char*>(at), size, count);
  }
  Room(Room&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(other.size_), count_(other.count_) {}
  Room& operator=(Room&&) = delete;
  ~Room() {
    if (at_ != nullptr) ::munmap(at_, size_);
  }
  size_t count() const { return count_; }
  Slot* slots() const { return reinterpret_cast<Slot*>(at_); }
  char* data() const { return at_ + count_ * sizeof(Slot); }
  size_t data_size() const { return size_ - count_ * sizeof(Slot); }

 private:
  Room(char* at, size_t size, size_t count) : at_(at), size_(size), count_(count) {}
  char* at_;
  size_t size_, count_;
};

template <typename Call>
auto uninterrupted(Call call) {
  decltype(call()) result;
  do result = call();
  while (result < 0 && errno == EINTR);
  return result;
}

// In the helper: no allocation, no locks. Returns 0 or an errno.
int copy_child(int fd, size_t message_size, const Room& room) {
  ::setsid();
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  size_t received = 0, at = 0;
  int failed = 0;
  for (; received < room.count() && failed == 0; ++received) {
    Slot& slot = room.slots()[received];
    if (room.data_size() - at < message_size) {
      failed = EOVERFLOW;
      break;
    }
    ssize_t got = uninterrupted(
        [&] { return ::mq_receive(fd, room.data() + at, message_size, &slot.priority); });
    if (got < 0) {
      failed = errno;
      break;
    }
    slot.length = static_cast<size_t>(got);
    at += slot.length;
  }
  at = 0;
  for (size_t i = 0; i < received; ++i) {
    const Slot& slot = room.slots()[i];
    if (uninterrupted(
            [&] { return ::mq_send(fd, room.data() + at, slot.length, slot.priority); }) != 0)
      failed = errno;
    at += slot.length;
  }
  return failed;
}

}  // namespace

Result<> copy_messages(int fd, const mq_attr& attributes, size_t bytes,
                       std::vector<std::unique_ptr<image::PosixMessageT>>& messages) {
  Room room = TRY(Room::make(attributes, bytes));
  pid_t pid = TRY(fork_child({}));
  if (pid == 0) ::_exit(copy_child(fd, static_cast<size_t>(attributes.mq_msgsize), room));
  int status = 0;
  TRY_SYS(uninterrupted([&] { return ::waitpid(pid, &status, 0); }));
  if (!WIFEXITED(status))
    return Error(ErrorClass::other, "the process that reads a message queue has died");
  if (WEXITSTATUS(status) != 0)
    return Error::from_errno(WEXITSTATUS(status), "reading a message queue");
  const char* at = room.data();
  for (size_t i = 0; i < room.count(); ++i) {
    auto message = std::make_unique<image::PosixMessageT>();
    message->priority = room.slots()[i].priority;
    message->data.assign(at, at + room.slots()[i].length);
    at += room.slots()[i].length;
    messages.push_back(std::move(message));
  }
  return {};
}

}  // namespace appshot::mqueues
