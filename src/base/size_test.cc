#include "base/size.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

TEST(Size, IsReadAsPeopleWriteIt) {
  EXPECT_EQ(*parse_size("1048576"), 1048576);
  EXPECT_EQ(*parse_size("64k"), 64 << 10);
  EXPECT_EQ(*parse_size("512M"), 512 << 20);
  EXPECT_EQ(*parse_size("2G"), 2LL << 30);
  EXPECT_EQ(*parse_size("2gb"), 2LL << 30);
  EXPECT_EQ(*parse_size("1.5GiB"), 3LL << 29);
  EXPECT_EQ(*parse_size("7B"), 7);
}

TEST(Size, RefusesWhatIsNone) {
  for (const char* text :
       {"", "M", "0", "0.5", "-1", "12X", "1.2.3", "1 G", "GiB", "5Gi", "nan", "99999999999G"})
    EXPECT_FALSE(parse_size(text)) << text;
}

}  // namespace
}  // namespace appshot
