#include "os/whole_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/folder_for_test.h"

namespace appshot {
namespace {

class WholeFiles : public ::testing::Test {
 protected:
  void SetUp() override { path_ = folder_ + "/file"; }
  std::vector<std::string> names() const { return *list_folder(folder_); }

  const FolderForTest own_;
  const std::string& folder_ = own_.path();
  std::string path_;
};

TEST_F(WholeFiles, HaveTheirNameWhenTheyArePublished) {
  ASSERT_TRUE(write_file(path_, "before", O_CREAT));
  Result<WholeFile> file = WholeFile::create(path_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(write_all(file->fd(), std::string_view("after")));
  EXPECT_EQ(*read_file(path_), "before");
  ASSERT_TRUE(file->publish());
  EXPECT_EQ(*read_file(path_), "after");
  EXPECT_EQ(names().size(), 1u);
}

TEST_F(WholeFiles, LeaveNothingWhenTheyAreGivenUp) {
  { ASSERT_TRUE(WholeFile::create(path_)); }
  EXPECT_TRUE(names().empty());
}

TEST_F(WholeFiles, AreNeverWrittenThroughALink) {
  ASSERT_TRUE(write_file(folder_ + "/precious", "kept", O_CREAT));
  ASSERT_EQ(::symlink("precious", (path_ + ".partial").c_str()), 0);
  Result<WholeFile> file = WholeFile::create(path_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->publish());
  EXPECT_EQ(*read_file(folder_ + "/precious"), "kept");
  struct stat info {};
  ASSERT_EQ(::lstat(path_.c_str(), &info), 0);
  EXPECT_TRUE(S_ISREG(info.st_mode));
}

}  // namespace
}  // namespace appshot
