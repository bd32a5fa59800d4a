#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

namespace appshot {
namespace {

class RemoveTree : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    outside_ = folder_ + "-outside";
    ASSERT_EQ(::mkdir(outside_.c_str(), 0700), 0);
    ASSERT_TRUE(write_file(outside_ + "/kept", "", O_CREAT));
  }
  void TearDown() override {
    EXPECT_TRUE(exists(outside_ + "/kept"));
    EXPECT_TRUE(remove_tree(outside_));
    EXPECT_FALSE(exists(outside_));
  }
  static bool exists(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0;
  }

  std::string folder_ = "/tmp/remove-tree-XXXXXX";
  std::string outside_;
};

TEST_F(RemoveTree, RemovesFilesFoldersAndLinksButNotWhatTheyLeadTo) {
  for (const char* name : {"/a", "/a/b", "/a/empty", "/c"})
    ASSERT_EQ(::mkdir((folder_ + name).c_str(), 0700), 0);
  for (const char* name : {"/a/b/file", "/c/file", "/file"})
    ASSERT_TRUE(write_file(folder_ + name, "x", O_CREAT));
  ASSERT_EQ(::symlink(outside_.c_str(), (folder_ + "/a/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((folder_ + "/c/fifo").c_str(), 0600), 0);
  EXPECT_TRUE(remove_tree(folder_));
  EXPECT_FALSE(exists(folder_));
}

TEST_F(RemoveTree, RemovesWhatLiesDeeperThanAPathCanTell) {
  const std::string name(200, 'd');
  int here = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 50; ++depth) {
    ASSERT_EQ(::mkdirat(here, name.c_str(), 0700), 0);
    ASSERT_EQ(::mkdirat(here, "beside", 0700), 0);
    const int below = ::openat(here, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(here);
    here = below;
  }
  ::close(here);
  EXPECT_TRUE(remove_tree(folder_));
  EXPECT_FALSE(exists(folder_));
}

TEST_F(RemoveTree, RemovesAFileAndMindsNothingThatIsNotThere) {
  ASSERT_EQ(::rmdir(folder_.c_str()), 0);
  EXPECT_TRUE(remove_tree(folder_));
  ASSERT_EQ(::symlink(outside_.c_str(), folder_.c_str()), 0);
  EXPECT_TRUE(remove_tree(folder_));
  EXPECT_FALSE(exists(folder_));
}

}  // namespace
}  // namespace appshot
