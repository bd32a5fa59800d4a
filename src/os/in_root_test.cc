#include "os/in_root.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/folder_for_test.h"

namespace appshot {
namespace {

class ARoot : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_folders(folder_ + "/root/srv"));
    ASSERT_TRUE(write_file(folder_ + "/outside", "secret", O_CREAT));
    ASSERT_EQ(::symlink("../../../..", (folder_ + "/root/up").c_str()), 0);
    ASSERT_EQ(::symlink((folder_ + "/outside").c_str(), (folder_ + "/root/out").c_str()), 0);
    ASSERT_EQ(::symlink("/srv", (folder_ + "/root/absolute").c_str()), 0);
    root_ = std::move(open_file(folder_ + "/root", O_PATH | O_DIRECTORY | O_CLOEXEC)).value();
  }

  std::string path_of(const UniqueFd& fd) {
    return *read_link("/proc/self/fd/" + std::to_string(fd.get()));
  }

  const FolderForTest own_;
  const std::string& folder_ = own_.path();
  UniqueFd root_;
};

TEST_F(ARoot, IsNotLeftByLinksOrDots) {
  EXPECT_EQ(open_in_root(root_.get(), "/out", O_RDONLY).error().err(), ENOENT);
  EXPECT_EQ(path_of(*open_in_root(root_.get(), "/up", O_PATH)), folder_ + "/root");
  EXPECT_EQ(path_of(*open_in_root(root_.get(), "/../../srv", O_PATH)), folder_ + "/root/srv");
  EXPECT_EQ(path_of(*open_in_root(root_.get(), "/absolute", O_PATH)), folder_ + "/root/srv");
}

TEST_F(ARoot, GetsPlacesWhereTheyAreMissing) {
  EXPECT_EQ(path_of(*make_place_in_root(root_.get(), "/a/b/c", PlaceKind::folder)),
            folder_ + "/root/a/b/c");
  EXPECT_EQ(path_of(*make_place_in_root(root_.get(), "/absolute/d/e", PlaceKind::file)),
            folder_ + "/root/srv/d/e");
  struct stat made {};
  ASSERT_EQ(::stat((folder_ + "/root/srv/d/e").c_str(), &made), 0);
  EXPECT_TRUE(S_ISREG(made.st_mode));
  // What is there stays what it is.
  EXPECT_TRUE(make_place_in_root(root_.get(), "/a", PlaceKind::file));
  ASSERT_EQ(::stat((folder_ + "/root/a").c_str(), &made), 0);
  EXPECT_TRUE(S_ISDIR(made.st_mode));
}

TEST_F(ARoot, GetsNothingMadeOutsideOfIt) {
  EXPECT_EQ(path_of(*make_place_in_root(root_.get(), "/up/new", PlaceKind::folder)),
            folder_ + "/root/new");
  EXPECT_FALSE(make_place_in_root(root_.get(), "/out", PlaceKind::file));  // a link to nowhere
  EXPECT_EQ(*read_file(folder_ + "/outside"), "secret");
}

}  // namespace
}  // namespace appshot
