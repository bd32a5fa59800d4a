#include "cli/text.h"

#include <gtest/gtest.h>

#include <csignal>

namespace appshot {
namespace {

TEST(Text, SizesAndTimesAreShort) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(int64_t{300} << 30), "300 GiB");
  EXPECT_EQ(human_duration(850), "850 ms");
  EXPECT_EQ(human_duration(61'000), "61 s");
  EXPECT_EQ(human_duration(7'200'000), "2 h");
  EXPECT_EQ(human_duration(864'000'000), "10 d");
}

TEST(Text, SignalsHaveNamesAndNumbers) {
  EXPECT_EQ(signal_number("TERM").value(), SIGTERM);
  EXPECT_EQ(signal_number("SIGHUP").value(), SIGHUP);
  EXPECT_EQ(signal_number("9").value(), SIGKILL);
  EXPECT_FALSE(signal_number("NONSENSE"));
  EXPECT_FALSE(signal_number("0"));
}

TEST(Text, TablesAlignAndTrailNoSpaces) {
  Table table({"AID", "STATE"});
  table.add({"brave-otter", "running"});
  EXPECT_EQ(table.text(), "AID          STATE\nbrave-otter  running\n");
}

TEST(Text, OfALongNameTheEndIsShown) {
  EXPECT_EQ(end_of("/srv/data", 9), "/srv/data");
  EXPECT_EQ(end_of("/srv/data", 6), "\u2026/data");
  EXPECT_EQ(end_of("/s/\u00e4\u00f6\u00fc", 4), "\u2026\u00e4\u00f6\u00fc");
  EXPECT_EQ(plain_text("a\033[2Jb\n"), "a [2Jb ");
}

TEST(Text, AnErrorNamesItsOnlyObstacleOnOneLine) {
  Error one = Error(ErrorClass::refused, "cannot snapshot web")
                  .with_obstacles({{"process 12 has /dev/kvm open", "close it"}});
  EXPECT_EQ(error_text(one),
            "appshot: cannot snapshot web: process 12 has /dev/kvm open\n  hint: close it\n");
}

TEST(Text, AnErrorListsAllItsObstacles) {
  Error two = Error(ErrorClass::refused, "cannot snapshot web: 2 obstacles")
                  .with_obstacles({{"a", "do b"}, {"c", ""}});
  EXPECT_EQ(error_text(two),
            "appshot: cannot snapshot web: 2 obstacles\n  a\n    hint: do b\n  c\n");
}

}  // namespace
}  // namespace appshot
