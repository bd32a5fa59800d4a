#include "os/proc/mountinfo.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

namespace appshot::proc {
namespace {

Mount only(const std::string& text) {
  Result<std::vector<Mount>> mounts = parse_mountinfo(text);
  EXPECT_TRUE(mounts);
  EXPECT_EQ(mounts->size(), 1U);
  return mounts->at(0);
}

TEST(Mountinfo, TellsAllOfAMount) {
  const Mount mount =
      only("36 35 98:1 /a\\040b /mnt\\134x rw,noatime shared:4 master:7 - ext3 /dev/r rw,e=c\n");
  EXPECT_EQ(mount.id, 36U);
  EXPECT_EQ(mount.parent, 35U);
  EXPECT_EQ(mount.device, makedev(98, 1));
  EXPECT_EQ(mount.root, "/a b");
  EXPECT_EQ(mount.point, "/mnt\\x");
  EXPECT_EQ(mount.options, "rw,noatime");
  EXPECT_EQ(mount.group, 4);
  EXPECT_EQ(mount.master, 7);
  EXPECT_FALSE(mount.unbindable);
  EXPECT_EQ(mount.type, "ext3");
  EXPECT_EQ(mount.source, "/dev/r");
  EXPECT_EQ(mount.system_options, "rw,e=c");
}

TEST(Mountinfo, WithoutPropagationOrSource) {
  const Mount mount = only("36 35 0:5 / /x rw unbindable - tmpfs  rw\n");
  EXPECT_EQ(mount.group, 0);
  EXPECT_TRUE(mount.unbindable);
  EXPECT_EQ(mount.source, "");
  EXPECT_EQ(mount.system_options, "rw");
}

TEST(Mountinfo, ALineThatIsNone) {
  EXPECT_FALSE(parse_mountinfo("36 35 / /x rw - tmpfs none rw\n"));
  EXPECT_FALSE(parse_mountinfo("36 35 0:5 / /x rw\n"));
}

TEST(Mountinfo, Attributes) {
  EXPECT_EQ(mount_attributes("rw,relatime").value(), 0U);
  EXPECT_EQ(mount_attributes("ro,nosuid,nodev,noexec,noatime,nodiratime").value(),
            uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
                     MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME});
  EXPECT_EQ(mount_attributes("rw").value(), uint64_t{MOUNT_ATTR_STRICTATIME});
  EXPECT_FALSE(mount_attributes("rw,relatime,idmapped"));
}

TEST(Mountinfo, PointsFromTheirParents) {
  EXPECT_EQ(point_below("/", "/a/b"), "a/b");
  EXPECT_EQ(point_below("/", "/"), "");
  EXPECT_EQ(point_below("/a", "/a/b"), "b");
  EXPECT_EQ(point_below("/a", "/a"), "");
}

}  // namespace
}  // namespace appshot::proc
