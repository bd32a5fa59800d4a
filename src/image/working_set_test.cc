#include "image/working_set.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "os/file.h"
#include "os/folder_for_test.h"

namespace appshot::image {
namespace {

class WorkingSetFile : public testing::Test {
 protected:
  void write(const WorkingSet& set) {
    Result<UniqueFd> fd = open_file(folder_, O_RDONLY | O_DIRECTORY);
    ASSERT_TRUE(fd);
    ASSERT_TRUE(write_working_set(fd->get(), set));
  }

  const FolderForTest own_;
  const std::string& folder_ = own_.path();
};

TEST_F(WorkingSetFile, is_read_as_it_was_written) {
  const WorkingSet set{{7, 0x2000}, {7, 0x1000}, {9, 0x1000}};
  write(set);
  EXPECT_EQ(read_working_set(folder_), set);
}

TEST_F(WorkingSetFile, without_one_nothing_is_known) {
  EXPECT_TRUE(read_working_set(folder_).empty());
}

TEST_F(WorkingSetFile, replaces_the_one_before) {
  write({{7, 0x1000}});
  write({{7, 0x3000}});
  EXPECT_EQ(read_working_set(folder_), (WorkingSet{{7, 0x3000}}));
}

TEST_F(WorkingSetFile, is_not_believed_when_it_is_damaged) {
  write({{7, 0x1000}, {1, 0x2000}});
  const std::string path = folder_ + "/" + kWorkingSetName;
  std::string text = read_file(path).value_or("");
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    ASSERT_TRUE(write_file(path, damaged, O_CREAT | O_TRUNC));
    EXPECT_TRUE(read_working_set(folder_).empty()) << "byte " << i;
  }
  ASSERT_TRUE(write_file(path, text.substr(0, text.size() - 1), O_CREAT | O_TRUNC));
  EXPECT_TRUE(read_working_set(folder_).empty());
}

TEST(MergedWorkingSet, keeps_the_order_and_takes_each_page_once) {
  EXPECT_EQ(merged_working_set({{1, 3}, {1, 2}}, {{1, 2}, {1, 9}, {1, 9}, {2, 9}}),
            (WorkingSet{{1, 3}, {1, 2}, {1, 9}, {2, 9}}));
}

TEST(MergedWorkingSet, what_is_new_displaces_the_last_of_what_was_known) {
  WorkingSet many;
  for (uint64_t i = 0; i < 5000; ++i) many.push_back({1, i});
  const WorkingSet merged = merged_working_set(many, {{2, 7}});
  EXPECT_LT(merged.size(), many.size());
  EXPECT_EQ(merged.back(), (AskedPage{2, 7}));
  EXPECT_EQ(merged[merged.size() - 2].address, merged.size() - 2);
}

}  // namespace
}  // namespace appshot::image
