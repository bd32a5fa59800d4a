#include "os/kernel_features.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "os/cgroup.h"
#include "os/file.h"
#include "os/folder_for_test.h"

namespace appshot {
namespace {

class KernelFeatures : public testing::Test {
 protected:
  const FolderForTest own_;
  const std::string& folder_ = own_.path();
};

TEST_F(KernelFeatures, EachIsNamedOnceWithWhatItIsFor) {
  std::set<std::string> names;
  for (const KernelFeature& feature : probe_kernel_features(folder_)) {
    EXPECT_TRUE(names.insert(feature.name).second) << feature.name;
    EXPECT_FALSE(feature.needed_for.empty()) << feature.name;
    EXPECT_EQ(feature.present, feature.detail.empty()) << feature.name << ": " << feature.detail;
  }
  EXPECT_GT(names.size(), 20U);
}

TEST_F(KernelFeatures, ProbingLeavesNothingBehind) {
  probe_kernel_features(folder_);
  EXPECT_TRUE(list_folder(folder_).value().empty());
  EXPECT_EQ(::waitpid(-1, nullptr, __WALL | WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  Result<std::string> root = cgroup_root();
  Result<std::vector<std::string>> groups =
      root ? list_folder(*root + "/appshot") : root.take_error();
  if (!groups) return;  // the common parent has gone with the last of them
  std::string ours = "probe-" + std::to_string(::getpid());
  for (const std::string& name : *groups) EXPECT_FALSE(name.starts_with(ours)) << name;
}

TEST_F(KernelFeatures, WhatIsNotPermittedIsMissing) {
  pid_t child = ::fork();
  if (child == 0) {
    // As an ordinary user: nothing of it can be made.
    if (::chmod(folder_.c_str(), 0777) != 0 || ::setuid(65534) != 0) ::_exit(2);
    std::vector<KernelFeature> features = probe_kernel_features(folder_);
    bool told = false;
    for (const KernelFeature& feature : features)
      told = told || (feature.name == "mount namespaces" && !feature.present);
    ::_exit(told && !able(features) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (::getuid() != 0) GTEST_SKIP() << "needs root to give it up";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace appshot
