#include "node/process_identity.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace appshot {
namespace {

TEST(ProcessIdentity, IsLostWithTheProcessEvenAsAZombie) {
  pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  ProcessIdentity identity = identify_process(child);
  EXPECT_NE(identity.start_time, 0u);
  EXPECT_TRUE(is_running(identity));
  ProcessIdentity other_life{child, identity.start_time + 1};
  EXPECT_FALSE(is_running(other_life));
  ::kill(child, SIGKILL);
  siginfo_t info;
  ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  EXPECT_FALSE(is_running(identity));
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(is_running(identity));
  EXPECT_FALSE(is_running(ProcessIdentity()));
}

}  // namespace
}  // namespace appshot
