#include "isolation/host_mounts.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

std::string line(const std::string& point, const std::string& type) {
  return "36 35 98:0 / " + point + " rw,noatime shared:1 master:2 - " + type + " /dev/x rw\n";
}

std::vector<std::string> points(const std::string& mountinfo) {
  std::vector<std::string> found;
  for (const HostMount& mount : parse_host_mounts(mountinfo)) found.push_back(mount.point);
  return found;
}

using Points = std::vector<std::string>;

TEST(HostMounts, KeepsFilesAndDropsTheKernelsViews) {
  std::string text = line("/", "ext4") + line("/proc", "proc") + line("/sys", "sysfs") +
                     line("/sys/fs/cgroup", "cgroup2") + line("/dev", "devtmpfs") +
                     line("/dev/shm", "tmpfs") + line("/tmp", "tmpfs") + line("/home", "xfs");
  EXPECT_EQ(points(text), (Points{"/", "/home", "/tmp"}));
  EXPECT_EQ(parse_host_mounts(text)[1].type, "xfs");
}

TEST(HostMounts, AreReadOnlyByTheirOwnOptionOrTheirFileSystems) {
  std::string text = line("/", "ext4") + "2 1 8:1 / /a ro,nosuid - ext4 x rw\n" +
                     "3 1 8:1 / /b rw shared:1 - ext4 x ro,relatime\n";
  std::vector<HostMount> mounts = parse_host_mounts(text);
  ASSERT_EQ(mounts.size(), 3u);
  EXPECT_FALSE(mounts[0].read_only);
  EXPECT_TRUE(mounts[1].read_only);
  EXPECT_TRUE(mounts[2].read_only);
}

TEST(HostMounts, OptionalFieldsMayBeManyOrNone) {
  EXPECT_EQ(points("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"), Points{"/"});
  EXPECT_EQ(points("1 0 8:1 / / rw shared:1 master:2 propagate_from:3 unbindable - ext4 x rw\n"),
            Points{"/"});
}

TEST(HostMounts, PointsMayHoldBlanksAndBackslashes) {
  EXPECT_EQ(points(line("/", "ext4") + line("/mnt/a\\040b\\134c\\011d", "ext4")),
            (Points{"/", "/mnt/a b\\c\td"}));
}

TEST(HostMounts, ABackslashThatEscapesNothingIsKept) {
  EXPECT_EQ(points(line("/", "ext4") + line("/mnt/x\\yz9", "ext4")), (Points{"/", "/mnt/x\\yz9"}));
}

TEST(HostMounts, ALaterMountHidesWhatIsBelowIt) {
  std::string text = line("/", "ext4") + line("/mnt", "ext4") + line("/mnt/deep", "ext4") +
                     line("/mntx", "ext4") + line("/mnt", "xfs");
  EXPECT_EQ(points(text), (Points{"/", "/mnt", "/mntx"}));
  EXPECT_EQ(parse_host_mounts(text)[1].type, "xfs");
}

TEST(HostMounts, ALaterRootHidesEverything) {
  EXPECT_EQ(points(line("/", "rootfs") + line("/old", "ext4") + line("/", "ext4")), Points{"/"});
}

TEST(HostMounts, AViewOfTheKernelHidesFilesBelowIt) {
  EXPECT_EQ(points(line("/", "ext4") + line("/x", "ext4") + line("/x", "proc")), Points{"/"});
}

TEST(HostMounts, TornLinesAreNone) { EXPECT_TRUE(parse_host_mounts("36 35 98:0\n\n").empty()); }

TEST(LayerName, LeadsBackToItsMount) {
  for (const char* point : {"/", "/home", "/srv/data", "/a.b/c d"})
    EXPECT_EQ(layer_mount_point(layer_name(point)), point);
  EXPECT_EQ(layer_name("/srv/data").find('/'), std::string::npos);
  EXPECT_NE(layer_name("/root"), layer_name("/"));
}

TEST(LayerName, APercentSignInAPointIsNotASlash) {
  EXPECT_EQ(layer_mount_point(layer_name("/srv/50%")), "/srv/50%");
  EXPECT_EQ(layer_mount_point(layer_name("/a=25/%=3d%/b")), "/a=25/%=3d%/b");
  EXPECT_NE(layer_name("/a%b"), layer_name("/a/b"));
}

}  // namespace
}  // namespace appshot
