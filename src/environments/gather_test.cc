// Layers as programs of others leave them, with links where folders were.
#include "environments/gather.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/folder_for_test.h"

namespace appshot {
namespace {

class Gather : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* made : {"/lived/root/upper", "/outside/data", "/outside/appshot"})
      ASSERT_TRUE(make_folders(folder_ + made));
    for (const char* file : {"/outside/resolv.conf", "/outside/data/kept"})
      ASSERT_TRUE(write_file(folder_ + file, "", O_CREAT));
  }

  void link_outside(const std::string& at) {
    ASSERT_EQ(::symlink((folder_ + "/outside").c_str(), (upper() + at).c_str()), 0);
  }
  // The layer of a file system that was mounted below /srv/data.
  void change_mounted() {
    ASSERT_TRUE(make_folders(folder_ + "/lived/at%srv%data/upper"));
    ASSERT_TRUE(write_file(folder_ + "/lived/at%srv%data/upper/new", "new", O_CREAT));
  }
  std::string upper() const { return folder_ + "/lived/root/upper"; }
  Result<bool> gather() {
    return gather_changes(folder_ + "/lived", folder_ + "/files", {"/etc/resolv.conf"});
  }
  bool has(const std::string& path) const {
    struct stat info {};
    return ::lstat((folder_ + path).c_str(), &info) == 0;
  }

  const FolderForTest own_;
  const std::string& folder_ = own_.path();
};

TEST_F(Gather, PutsFileSystemsWhereTheyWereMounted) {
  change_mounted();
  ASSERT_TRUE(make_folders(upper() + "/srv/data"));
  ASSERT_TRUE(write_file(upper() + "/srv/data/never-seen", "", O_CREAT));
  EXPECT_TRUE(*gather());
  EXPECT_EQ(*read_file(folder_ + "/files/srv/data/new"), "new");
  EXPECT_FALSE(has("/files/srv/data/never-seen"));
}

TEST_F(Gather, MakesTheFoldersThatLeadThere) {
  change_mounted();
  EXPECT_TRUE(*gather());
  EXPECT_EQ(*read_file(folder_ + "/files/srv/data/new"), "new");
}

TEST_F(Gather, TakesEmptyPlacesOfMountsForNoChange) {
  ASSERT_TRUE(make_folders(upper() + "/etc"));
  ASSERT_TRUE(write_file(upper() + "/etc/resolv.conf", "", O_CREAT));
  ASSERT_TRUE(make_folders(upper() + "/run/appshot"));
  EXPECT_TRUE(*gather());
  EXPECT_TRUE(has("/files/etc"));
  EXPECT_FALSE(has("/files/etc/resolv.conf"));
  EXPECT_FALSE(has("/files/run"));
}

TEST_F(Gather, FollowsNoLinkToWhatIsRemoved) {
  link_outside("/etc");
  link_outside("/run");
  EXPECT_TRUE(*gather());
  EXPECT_TRUE(has("/outside/resolv.conf"));
  EXPECT_TRUE(has("/outside/appshot"));
}

TEST_F(Gather, FollowsNoLinkToWhereItMoves) {
  change_mounted();
  link_outside("/srv");
  EXPECT_FALSE(gather());
  EXPECT_TRUE(has("/outside/data/kept"));
  EXPECT_FALSE(has("/outside/data/new"));
}

}  // namespace
}  // namespace appshot
