#include "os/in_root.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/folder_for_test.h"

namespace appshot {
namespace {

class OpenBelow : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_folders(path_ + "/in/folder"));
    for (const char* name : {"/file", "/in/file", "/in/folder/file"})
      ASSERT_TRUE(write_file(path_ + name, name, O_CREAT));
    folder_ = open_file(path_ + "/in", O_PATH | O_DIRECTORY).value();
  }

  std::string content(const std::string& path) {
    Result<UniqueFd> fd = open_below(folder_.get(), path, O_RDONLY);
    return fd ? read_whole(fd->get()).value_or("?") : "";
  }
  int error(const std::string& path) {
    return open_below(folder_.get(), path, O_RDONLY).error().err();
  }

  const FolderForTest own_;
  const std::string& path_ = own_.path();
  UniqueFd folder_;
};

TEST_F(OpenBelow, FindsWhatIsThere) {
  EXPECT_EQ(content("file"), "/in/file");
  EXPECT_EQ(content("folder/file"), "/in/folder/file");
  EXPECT_EQ(error("missing"), ENOENT);
}

TEST_F(OpenBelow, NeverLeavesTheFolder) {
  for (const char* path : {"../file", "/file", "folder/../../file", "/../../file"})
    EXPECT_EQ(content(path), "/in/file") << path;
  EXPECT_EQ(error(path_ + "/file"), ENOENT);
}

TEST_F(OpenBelow, FollowsNoSymbolicLink) {
  for (const std::string& target :
       {std::string("folder"), std::string("/"), path_, std::string("..")}) {
    ASSERT_EQ(::symlink(target.c_str(), (path_ + "/in/link").c_str()), 0);
    EXPECT_EQ(error("link"), ELOOP) << target;
    EXPECT_EQ(error("link/file"), ELOOP) << target;
    ASSERT_EQ(::unlink((path_ + "/in/link").c_str()), 0);
  }
}

}  // namespace
}  // namespace appshot
