#include "resources/acting.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "os/child.h"
#include "os/file.h"

namespace appshot {
namespace {

Result<> wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return Error::from_errno(errno, "waitpid");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (!WIFEXITED(status)) return Error(ErrorClass::other, "a helper process has died");
  return Error::from_errno(WEXITSTATUS(status), "call of a helper process");
}

// A child of ours lands in the instance's pid namespace; we ourselves stay where we are.
Result<pid_t> fork_inside(HostPid init) {
  UniqueFd home = TRY(open_file("/proc/self/ns/pid_for_children", O_RDONLY));
  UniqueFd there = TRY(open_file("/proc/" + std::to_string(init.value) + "/ns/pid", O_RDONLY));
  TRY_SYS(::setns(there.get(), CLONE_NEWPID));
  Result<pid_t> pid = fork_child({});
  if (pid && *pid == 0) return pid;
  CHECK(::setns(home.get(), CLONE_NEWPID) == 0);
  return pid;
}

// How it went in a process that shares our descriptors.
struct MadeAside {
  int fd = -1;
  int err = 0;
  char text[500] = {};
};

MadeAside told(Result<UniqueFd> made) {
  MadeAside answer;
  if (made) {
    answer.fd = made->release();
    return answer;
  }
  answer.err = made.error().err();
  made.error().message().copy(answer.text, sizeof answer.text - 1);
  return answer;
}

}  // namespace

Result<UniqueFd> make_aside(const std::function<Result<UniqueFd>()>& make, int cgroup) {
  int pipe[2];
  TRY_SYS(::pipe2(pipe, O_CLOEXEC));
  const UniqueFd reads(pipe[0]), writes(pipe[1]);
  const pid_t child = TRY(fork_child({.flags = CLONE_FILES, .cgroup = cgroup}));
  if (child == 0) {
    const MadeAside answer = told(make());
    ::_exit(::write(writes.get(), &answer, sizeof answer) == sizeof answer ? 0 : EIO);
  }
  TRY(wait_for(child));
  MadeAside answer;
  if (::read(reads.get(), &answer, sizeof answer) != sizeof answer)
    return Error(ErrorClass::gone, "a helper process has told nothing");
  if (answer.fd >= 0) return UniqueFd(answer.fd);
  return Error(classify_errno(answer.err), answer.text).with_errno(answer.err);
}

Result<std::vector<int>> ask_inside(HostPid init, size_t count,
                                    const std::function<void(int*)>& ask) {
  if (count == 0) return std::vector<int>();
  void* shared = ::mmap(nullptr, count * sizeof(int), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return Error::from_errno(errno, "mmap");
  int* answers = static_cast<int*>(shared);
  Result<pid_t> pid = fork_inside(init);
  if (pid && *pid == 0) {
    ask(answers);
    ::_exit(0);
  }
  Result<> done = pid ? wait_for(*pid) : Result<>(pid.take_error());
  std::vector<int> out(answers, answers + count);
  ::munmap(shared, count * sizeof(int));
  if (!done) return std::move(done).within("asking inside the instance").take_error();
  return out;
}

Result<> act_as(pid_t pid, const std::function<int()>& work, uint64_t flags) {
  Result<pid_t> child = fork_child({.flags = flags, .pid = pid > 1 ? pid : 0});
  if (!child) child = fork_child({.flags = flags});
  if (!child) return child.take_error();
  if (*child == 0) ::_exit(work());
  return wait_for(*child);
}

}  // namespace appshot
