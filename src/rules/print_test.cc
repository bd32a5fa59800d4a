#include <gtest/gtest.h>

#include "rules/parse.h"

namespace appshot::rules {
namespace {

TEST(Print, WritesOneFormThatParsesToTheSame) {
  constexpr std::string_view kWritten = R"(
resource shm key 255 on destroy, read do duplicate   # a comment
RESOURCE port PORT 80-90 ON create,read,write,destroy DO multiplex
RESOURCE file PATH "/a/*<<?" DO cow
RESOURCE sem KEY * DO refuse
RESOURCE sem KEY 0 DO refuse
DEFINE <X> AS "a<<b"
DEFINE <Y> AS property TEMPLATE
DEFINE <Z> AS PROPERTY ENV:Home
SET ENV "A<<" = "\x01\"\\\n\t<<\xc3\xa9\xc3<INSTANCE>é"
SET ENV "B"=""
LINK"/l"TO"/m/"CREATE
REDIR PATH "/c" TO "/<X>"
  COPY READONLY CREATE
EXCEPT PATH "/a//b/"
EXCEPT PATH "/q" readonly
)";
  constexpr std::string_view kCanonical = R"(DEFINE <X> AS "a<<b"
DEFINE <Y> AS PROPERTY template
DEFINE <Z> AS PROPERTY env:Home
EXCEPT PATH "/a/b"
EXCEPT PATH "/q" READONLY
REDIR PATH "/c" TO "/<X>" CREATE READONLY COPY
LINK "/l" TO "/m" CREATE
SET ENV "A<<" = "\x01\"\\\n\t<<é\xc3<INSTANCE>é"
SET ENV "B" = ""
RESOURCE shm KEY 0xff ON read,destroy DO duplicate
RESOURCE port PORT 80-90 DO multiplex
RESOURCE file PATH "/a/*<<?" DO cow
RESOURCE sem KEY * DO refuse
RESOURCE sem KEY 0x0 DO refuse
)";
  Result<Rules> rules = parse(kWritten, "rules");
  ASSERT_TRUE(rules) << rules.error().message();
  EXPECT_EQ(print(*rules), kCanonical);
  Result<Rules> again = parse(print(*rules), "again");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, *rules);
}

TEST(Print, WritesNothingForNoRules) { EXPECT_EQ(print(Rules()), ""); }

TEST(Rules, AreEqualWhereverTheyStand) {
  Result<Rules> one = parse("LINK \"/a\" TO \"/b\"", "one");
  Result<Rules> other = parse("\n\n   LINK \"/a\" TO \"/b\"", "other");
  Result<Rules> different = parse("LINK \"/a\" TO \"/b\" CREATE", "one");
  ASSERT_TRUE(one && other && different);
  EXPECT_EQ(*one, *other);
  EXPECT_NE(*one, *different);
}

}  // namespace
}  // namespace appshot::rules
