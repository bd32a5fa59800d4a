#include "node/log_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "os/unique_fd.h"

namespace appshot {
namespace {

using Write = std::function<Result<>(std::string_view)>;

// Reads from where it stopped; keeps back a line that is not whole yet. When the harness has begun
// a new file, the old one (now log.1) is read to its end first.
class LogReader {
 public:
  explicit LogReader(std::string path) : path_(std::move(path)) {
    file_.reset(::open((path_ + ".1").c_str(), O_RDONLY | O_CLOEXEC));
  }

  Result<> pump(const Write& write) {
    for (;;) {
      if (file_) TRY(read_rest(write));
      UniqueFd current(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
      if (!current) return errno == ENOENT ? Result<>() : Error::from_errno(errno, "open " + path_);
      if (TRY(same_file(current.get()))) return {};
      // What was written to the old one between our reading and its renaming.
      if (file_) TRY(read_rest(write));
      file_ = std::move(current);
    }
  }

 private:
  Result<bool> same_file(int other) {
    if (!file_) return false;
    struct stat ours;
    struct stat theirs;
    TRY_SYS(::fstat(file_.get(), &ours));
    TRY_SYS(::fstat(other, &theirs));
    return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
  }

  Result<> read_rest(const Write& write) {
    std::array<char, 65536> bytes;
    for (;;) {
      ssize_t got = TRY_SYS(::read(file_.get(), bytes.data(), bytes.size()));
      if (got == 0) return {};
      rest_.append(bytes.data(), static_cast<size_t>(got));
      size_t end = rest_.rfind('\n');
      if (end == std::string::npos) continue;
      TRY(write(std::string_view(rest_).substr(0, end + 1)));
      rest_.erase(0, end + 1);
    }
  }

  std::string path_;
  UniqueFd file_;
  std::string rest_;
};

}  // namespace

Result<> stream_log(const LogWish& wish, EventLog& events, const Write& write) {
  LogReader reader(wish.folder + "/log");
  if (!wish.follow) return reader.pump(write);
  // Watches first, then reads: nothing falls between.
  std::shared_ptr<EventSubscription> news = events.subscribe();
  UniqueFd changes(TRY_SYS(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)));
  if (::inotify_add_watch(changes.get(), wish.folder.c_str(), IN_MODIFY | IN_CREATE) < 0 &&
      errno != ENOENT)
    return Error::from_errno(errno, "inotify_add_watch " + wish.folder);
  for (bool ended = false; !ended;) {
    ended = wish.ended();
    TRY(reader.pump(write));
    if (ended) break;
    pollfd entries[] = {
        {changes.get(), POLLIN, 0}, {news->fd(), POLLIN, 0}, {wish.client, POLLIN | POLLRDHUP, 0}};
    if (::poll(entries, 3, -1) < 0 && errno != EINTR) return Error::from_errno(errno, "poll");
    if (entries[2].revents != 0) return {};
    std::array<char, 4096> drained;
    while (::read(changes.get(), drained.data(), drained.size()) > 0) continue;
    (void)news->take();
  }
  return {};
}

}  // namespace appshot
