#include "os/setting_writes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cgroup.h"
#include "os/child.h"
#include "os/file.h"

namespace appshot {
namespace {

class SettingWritesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    Result<SettingWrites> prepared = SettingWrites::prepare();
    if (!prepared) GTEST_SKIP() << prepared.error().message();
    writes_ = std::move(*prepared);
    Result<std::string> root = cgroup_root();
    ASSERT_TRUE(root);
    path_ = *root + "/appshot-setting-writes-" + std::to_string(::getpid());
    ASSERT_EQ(::mkdir(path_.c_str(), 0700), 0);
    Result<UniqueFd> folder = open_file(path_, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_TRUE(folder);
    folder_ = std::move(*folder);
  }
  void TearDown() override {
    if (!path_.empty()) ::rmdir(path_.c_str());
  }

  // By a process of the cgroup, in a network namespace of its own.
  void touch(const char* file, bool writes) {
    Result<pid_t> child = fork_child({.flags = CLONE_NEWNET, .cgroup = folder_.get()});
    ASSERT_TRUE(child);
    const pid_t pid = *child;
    if (pid == 0) {
      const int fd = ::open(file, writes ? O_RDWR : O_RDONLY);
      char text[64];
      const ssize_t got = ::read(fd, text, sizeof text);
      if (writes && ::pwrite(fd, text, static_cast<size_t>(got), 0) != got) ::_exit(1);
      ::_exit(got > 0 ? 0 : 1);
    }
    int status = 1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
  }

  SettingWrites writes_;
  std::string path_;
  UniqueFd folder_;
};

TEST_F(SettingWritesTest, AreNotRuledOutBeforeAnybodyWatches) {
  EXPECT_TRUE(writes_.may_have_been());
}

TEST_F(SettingWritesTest, AreToldOfNetworksAndNothingElse) {
  ASSERT_TRUE(writes_.watch(folder_.get()));
  EXPECT_FALSE(writes_.may_have_been());
  touch("/proc/sys/net/ipv4/ip_default_ttl", false);
  touch("/proc/sys/kernel/domainname", true);
  EXPECT_FALSE(writes_.may_have_been());
  touch("/proc/sys/net/ipv4/ip_default_ttl", true);
  EXPECT_TRUE(writes_.may_have_been());
}

}  // namespace
}  // namespace appshot
