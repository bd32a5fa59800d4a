// Each in a process of its own, as there is no way back.
#include "packing/jail.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <functional>

#include "os/file.h"

namespace appshot::packing {
namespace {

class Jail : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "makes a mount namespace";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { EXPECT_TRUE(remove_tree(folder_)); }

  // What holds inside, where nothing can be printed: the number of the first thing that does not.
  int first_wrong(const std::vector<std::function<bool()>>& facts) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (!enter_jail(folder_)) ::_exit(100);
      for (size_t i = 0; i < facts.size(); ++i)
        if (!facts[i]()) ::_exit(static_cast<int>(i) + 1);
      ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string folder_ = "/tmp/jail-test-XXXXXX";
};

TEST_F(Jail, HoldsNothingButTheFolder) {
  ASSERT_EQ(first_wrong({
                [] { return ::access("/tmp", F_OK) != 0 && ::access("/proc", F_OK) != 0; },
                [] { return ::access("../../../etc", F_OK) != 0; },
                [] { return list_folder("/")->empty(); },
                [] { return ::mkdir("/made", 0700) == 0; },
            }),
            0);
  EXPECT_EQ(::access((folder_ + "/made").c_str(), F_OK), 0);
  EXPECT_EQ(*list_folder(folder_), std::vector<std::string>{"made"});
}

TEST_F(Jail, LeavesOnlyTheRightsToMakeFiles) {
  EXPECT_EQ(first_wrong({
                [] { return ::mknod("device", S_IFCHR, 0) == 0; },
                [] { return ::lsetxattr(".", "trusted.overlay.opaque", "y", 1, 0) == 0; },
                [] { return ::chown("device", 5, 6) == 0 && ::chmod("device", 04755) == 0; },
                // Neither now nor after any exec.
                [] { return ::prctl(PR_CAPBSET_READ, CAP_SYS_PTRACE) == 0; },
                [] { return ::prctl(PR_CAPBSET_READ, CAP_DAC_READ_SEARCH) == 0; },
                [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; },
                [] { return ::chroot(".") != 0; },
                [] { return ::setuid(5) != 0; },
            }),
            0);
}

TEST_F(Jail, IsOnlyMadeOfEmptyFolders) {
  EXPECT_TRUE(make_target(folder_));
  EXPECT_TRUE(make_target(folder_ + "/new"));
  EXPECT_EQ(make_target(folder_).error().cls(), ErrorClass::conflict);
  EXPECT_FALSE(make_target(folder_ + "/missing/new"));
}

}  // namespace
}  // namespace appshot::packing
