#include "pager/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "os/child.h"

namespace appshot {
namespace {

constexpr char kExitRecord[] = "exit.json";
constexpr char kPartialRecord[] = "exit.json.partial";

void wait_for(int pidfd) {
  pollfd ended{pidfd, POLLIN, 0};
  while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void guard(int pager, const SharedPagerPage& page, const EndOfInstance& end,
                        const std::string& record) {
  ::prctl(PR_SET_NAME, "appshot-guard", 0, 0, 0);
  pollfd ends[] = {{pager, POLLIN, 0}, {end.init.get(), POLLIN, 0}};
  while (::poll(ends, 2, -1) < 0 && errno == EINTR) {
  }
  if (page->over == 0 && ends[1].revents == 0) end.bring_about(record);
  ::_exit(0);
}

}  // namespace

void EndOfInstance::bring_about(const std::string& record) const {
  const int fd =
      ::openat(folder.get(), kPartialRecord, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd >= 0) {
    const bool whole =
        ::write(fd, record.data(), record.size()) == static_cast<ssize_t>(record.size());
    if (whole) (void)!::renameat(folder.get(), kPartialRecord, folder.get(), kExitRecord);
    ::close(fd);
  }
  (void)!::write(kill.get(), "1", 1);
  wait_for(init.get());
}

Result<Guard> start_guard(int pager, const SharedPagerPage& page, const EndOfInstance& end,
                          const std::string& record) {
  Guard started;
  started.pid = TRY(fork_child({.flags = CLONE_FILES, .pidfd = &started.process}));
  if (started.pid == 0) guard(pager, page, end, record);
  return started;
}

}  // namespace appshot
