#include "node/child_program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>

#include "os/file.h"

extern char** environ;

namespace appshot {
namespace {

// Descriptors are moved up here first, so that placing one in the child never overwrites another.
constexpr int kOutOfTheWay = 10;

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  void place(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void close_from(int first) { ::posix_spawn_file_actions_addclosefrom_np(&actions_, first); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// A new session, no blocked signals, every signal at its default.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

Result<UniqueFd> out_of_the_way(int fd) {
  return UniqueFd(TRY_SYS(::fcntl(fd, F_DUPFD_CLOEXEC, kOutOfTheWay)));
}

}  // namespace

Result<pid_t> start_child(const std::string& program, const std::vector<std::string>& argv,
                          const std::vector<GivenDescriptor>& given) {
  const UniqueFd null = TRY(open_file("/dev/null", O_RDWR | O_CLOEXEC));
  std::vector<GivenDescriptor> wanted = given;
  for (int standard : {STDIN_FILENO, STDOUT_FILENO})
    if (std::ranges::find(given, standard, &GivenDescriptor::place) == given.end())
      wanted.push_back({null.get(), standard});
  SpawnActions actions;
  std::vector<UniqueFd> far;
  int last = STDERR_FILENO;
  for (const auto& [fd, place] : wanted) {
    far.push_back(TRY(out_of_the_way(fd)));
    actions.place(far.back().get(), place);
    last = std::max(last, place);
  }
  actions.close_from(last + 1);
  const SpawnAttributes attributes;
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  const int failed =
      ::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), words.data(), environ);
  if (failed != 0)
    return Error::from_errno(failed, "posix_spawn " + program)
        .as(ErrorClass::other)
        .with_errno(0)
        .hint(argv.front() + " belongs beside appshotd");
  return pid;
}

std::string program_beside(const std::string& name) {
  const std::string own = read_link("/proc/self/exe").value_or("");
  return own.substr(0, own.find_last_of('/') + 1) + name;
}

}  // namespace appshot
