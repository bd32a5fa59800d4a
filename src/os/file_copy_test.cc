#include "os/file_copy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "os/file.h"
#include "os/folder_for_test.h"

namespace appshot {
namespace {

class FileCopy : public ::testing::Test {
 protected:
  void SetUp() override {
    from_ = UniqueFd(::open((folder_ + "/from").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    to_ = UniqueFd(::open((folder_ + "/to").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  }
  struct stat about_copy() const {
    struct stat info {};
    EXPECT_EQ(::fstat(to_.get(), &info), 0);
    return info;
  }

  const FolderForTest own_;
  const std::string& folder_ = own_.path();
  UniqueFd from_, to_;
};

TEST_F(FileCopy, HasTheContentAndItsHoles) {
  ASSERT_EQ(::ftruncate(from_.get(), off_t{1} << 40), 0);
  ASSERT_TRUE(write_all_at(from_.get(), std::string_view("begin"), 0));
  ASSERT_TRUE(write_all_at(from_.get(), std::string_view("middle"), uint64_t{1} << 39));
  ASSERT_TRUE(copy_file(from_.get(), to_.get()));
  EXPECT_EQ(about_copy().st_size, off_t{1} << 40);
  EXPECT_LT(about_copy().st_blocks, 1000);
  char bytes[6];
  ASSERT_EQ(::pread(to_.get(), bytes, 6, off_t{1} << 39), 6);
  EXPECT_EQ(std::string_view(bytes, 6), "middle");
}

TEST_F(FileCopy, BelongsToTheSameWithTheSameRights) {
  ASSERT_TRUE(write_all(from_.get(), std::string_view("x")));
  ASSERT_EQ(::fchown(from_.get(), 1234, 2345), 0);
  ASSERT_EQ(::fchmod(from_.get(), 04755), 0);
  ASSERT_EQ(::fsetxattr(from_.get(), "trusted.note", "n", 1, 0), 0);
  const timespec times[2] = {{.tv_sec = 5, .tv_nsec = 6}, {.tv_sec = 7, .tv_nsec = 8}};
  ASSERT_EQ(::futimens(from_.get(), times), 0);
  ASSERT_TRUE(copy_file(from_.get(), to_.get()));
  const struct stat copy = about_copy();
  EXPECT_EQ(copy.st_mode & 07777, 04755u);
  EXPECT_EQ(copy.st_uid, 1234u);
  EXPECT_EQ(copy.st_gid, 2345u);
  EXPECT_EQ(copy.st_mtim.tv_sec, 7);
  EXPECT_EQ(copy.st_mtim.tv_nsec, 8);
  char note = 0;
  EXPECT_EQ(::fgetxattr(to_.get(), "trusted.note", &note, 1), 1);
  EXPECT_EQ(note, 'n');
}

}  // namespace
}  // namespace appshot
