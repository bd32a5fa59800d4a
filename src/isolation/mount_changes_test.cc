#include "isolation/mount_changes.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

constexpr char kBefore[] =
    "92 66 0:40 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/\n"
    "97 92 0:44 / /proc rw,nosuid - proc proc rw\n";

TEST(MountChanges, NothingWasMounted) { EXPECT_TRUE(mount_changes(kBefore, kBefore).empty()); }

TEST(MountChanges, WhatOthersDoIsNone) {
  EXPECT_TRUE(mount_changes(kBefore,
                            "92 66 0:40 / / rw,relatime master:3 - overlay overlay ro\n"
                            "97 92 0:44 / /proc rw,nosuid - proc proc rw\n")
                  .empty());
}

TEST(MountChanges, NamesWhatWasMounted) {
  const std::string now = std::string(kBefore) + "67 92 0:51 / /mnt/a rw - tmpfs x rw\n";
  EXPECT_EQ(mount_changes(kBefore, now), (std::vector<MountChange>{{"/mnt/a", "tmpfs", true}}));
}

TEST(MountChanges, NamesWhatIsThereNoMore) {
  EXPECT_EQ(mount_changes(kBefore, "92 66 0:40 / / rw,relatime - overlay overlay rw\n"),
            (std::vector<MountChange>{{"/proc", "proc", false}}));
}

TEST(MountChanges, ADifferentOptionIsBoth) {
  EXPECT_EQ(mount_changes(kBefore,
                          "92 66 0:40 / / ro,relatime - overlay overlay rw\n"
                          "97 92 0:44 / /proc rw,nosuid - proc proc rw\n")
                .size(),
            2U);
}

TEST(MountChanges, APartOfTheCgroupsLooksDifferentFromOutside) {
  EXPECT_TRUE(mount_changes("118 108 0:38 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
                            "118 108 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
                  .empty());
}

}  // namespace
}  // namespace appshot
