#include "image/working_set.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "image/format.h"
#include "os/file.h"

namespace appshot::image {
namespace {

class WorkingSet : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/appshot-working-set-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { (void)!remove_tree(folder_); }

  void write(const std::vector<uint32_t>& blocks) {
    Result<UniqueFd> fd = open_file(folder_, O_RDONLY | O_DIRECTORY);
    ASSERT_TRUE(fd);
    ASSERT_TRUE(write_working_set(fd->get(), blocks));
  }

  std::string folder_;
};

TEST_F(WorkingSet, is_read_as_it_was_written) {
  write({7, 1, 900});
  EXPECT_EQ(read_working_set(folder_, 1000), (std::vector<uint32_t>{7, 1, 900}));
}

TEST_F(WorkingSet, without_one_nothing_is_known) {
  EXPECT_TRUE(read_working_set(folder_, 1000).empty());
}

TEST_F(WorkingSet, holds_no_blocks_that_the_image_lacks) {
  write({7, 1000});
  EXPECT_EQ(read_working_set(folder_, 1000), (std::vector<uint32_t>{7}));
}

TEST_F(WorkingSet, is_not_believed_when_it_is_damaged) {
  write({7, 1});
  const std::string path = folder_ + "/" + kWorkingSetName;
  std::string text = read_file(path).value_or("");
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    ASSERT_TRUE(write_file(path, damaged, O_CREAT | O_TRUNC));
    EXPECT_TRUE(read_working_set(folder_, 1000).empty()) << "byte " << i;
  }
  ASSERT_TRUE(write_file(path, text.substr(0, text.size() - 1), O_CREAT | O_TRUNC));
  EXPECT_TRUE(read_working_set(folder_, 1000).empty());
}

TEST(MergedWorkingSet, keeps_the_order_and_takes_each_block_once) {
  EXPECT_EQ(merged_working_set({3, 1}, {1, 9, 9, 3, 2}), (std::vector<uint32_t>{3, 1, 9, 2}));
}

}  // namespace
}  // namespace appshot::image
