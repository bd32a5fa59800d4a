#include "os/controllers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "os/file.h"

namespace appshot {
namespace {

namespace fs = std::filesystem;

constexpr char kMixed[] =
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

TEST(Controllers, AreFoundWhereTheyAre) {
  const ControllerPlaces places = controller_places(kMixed, "pids hugetlb\n");
  EXPECT_EQ(places.unified, "/sys/fs/cgroup/unified");
  EXPECT_EQ(places.own.at("memory"), "/sys/fs/cgroup/memory");
  EXPECT_EQ(places.own.at("cpuacct"), "/sys/fs/cgroup/cpu");
  EXPECT_TRUE(places.in_unified.contains("pids"));
  EXPECT_FALSE(places.own.contains("pids"));
}

TEST(Controllers, ALimitThatCannotHoldIsRefused) {
  const ControllerPlaces places = controller_places(kMixed, "");
  const std::string group = places.unified + "/appshot/web";
  EXPECT_TRUE(LimitedGroups::plan({1 << 30, 2, 0}, group, places));
  const Result<LimitedGroups> refused = LimitedGroups::plan({0, 0, 100}, group, places);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cls(), ErrorClass::unsupported);
  EXPECT_NE(refused.error().message().find("no pids controller"), std::string::npos);
}

TEST(Controllers, LimitsThatNothingCouldLiveWithAreRefused) {
  EXPECT_TRUE(check_limits({}));
  EXPECT_TRUE(check_limits({64 << 20, 0.5, 1}));
  EXPECT_FALSE(check_limits({4096, 0, 0}));
  EXPECT_FALSE(check_limits({-1, 0, 0}));
  EXPECT_FALSE(check_limits({0, 0.001, 0}));
  EXPECT_FALSE(check_limits({0, -1, 0}));
  EXPECT_FALSE(check_limits({0, 0, -5}));
}

// Folders with the files of cgroup v2, which take what is written.
class UnifiedTree : public testing::Test {
 protected:
  void SetUp() override {
    places_.unified = fs::temp_directory_path() / ("controllers-" + std::to_string(::getpid()));
    places_.in_unified = {"memory", "cpu", "pids"};
    group_ = places_.unified + "/appshot/web";
    fs::create_directories(group_);
    for (const char* folder : {"", "/appshot"})
      put(places_.unified + folder, "cgroup.subtree_control");
    for (const char* name : {"memory.max", "memory.swap.max", "cpu.max", "pids.max"})
      put(group_, name);
    put(group_, "memory.stat", "anon 4096\nfile 99999999999\nshmem 4096\nkernel 100\n");
    put(group_, "memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 0\n");
  }
  void TearDown() override { fs::remove_all(places_.unified); }

  static void put(const std::string& folder, const std::string& name,
                  const std::string& text = "") {
    ASSERT_TRUE(write_file(folder + "/" + name, text, O_CREAT | O_TRUNC));
  }
  std::string content(const std::string& name) const {
    return read_file(group_ + "/" + name).value_or("?");
  }

  ControllerPlaces places_;
  std::string group_;
};

TEST_F(UnifiedTree, TakesLimitsAndTellsOfProcessesEnded) {
  const LimitedGroups groups = *LimitedGroups::plan({64 << 20, 1.5, 20}, group_, places_);
  ASSERT_TRUE(groups.create());
  for (const char* folder : {"", "/appshot"})  // the last that was written
    EXPECT_TRUE(
        read_file(places_.unified + folder + "/cgroup.subtree_control")->starts_with("+pids"));
  EXPECT_TRUE(groups.entries()->empty());  // who is in the instance's group is a member
  ASSERT_TRUE(groups.impose());
  EXPECT_EQ(content("memory.max"), "67108864");
  EXPECT_EQ(content("memory.swap.max"), "0");
  EXPECT_EQ(content("cpu.max"), "150000 100000");
  EXPECT_EQ(content("pids.max"), "21");
  EXPECT_EQ(groups.memory_kills(), 2);
}

TEST_F(UnifiedTree, IsNotLimitedToLessMemoryThanItHas) {
  put(group_, "memory.stat", "anon 60000000\nshmem 60000000\nkernel 100\n");
  const LimitedGroups groups = *LimitedGroups::plan({64 << 20, 0, 0}, group_, places_);
  const Result<> imposed = groups.impose();
  ASSERT_FALSE(imposed);
  EXPECT_EQ(imposed.error().cls(), ErrorClass::exhausted);
  EXPECT_EQ(content("memory.max"), "");
}

TEST_F(UnifiedTree, AControllerThatCannotBeEnabledIsSaid) {
  fs::remove(places_.unified + "/cgroup.subtree_control");
  const LimitedGroups groups = *LimitedGroups::plan({64 << 20, 0, 0}, group_, places_);
  const Result<> created = groups.create();
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().cls(), ErrorClass::unsupported);
}

}  // namespace
}  // namespace appshot
