#include "rules/path.h"

#include <gtest/gtest.h>

#include "rules/quote.h"
#include "rules/words.h"

namespace appshot::rules {
namespace {

TEST(Path, LiesWithinFoldersByWholeNames) {
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/a", "/a/b"));
  EXPECT_FALSE(is_within("/", "/a"));
}

TEST(Path, IsNormalOrRefused) {
  auto normal = [](std::string_view path) {
    Result<std::string> result = normal_path(path);
    return result ? *result : result.error().message();
  };
  EXPECT_EQ(normal("/"), "/");
  EXPECT_EQ(normal("///"), "/");
  EXPECT_EQ(normal("//a//b/"), "/a/b");
  EXPECT_EQ(normal("a"), "\"a\": a path must be absolute: begin with /");
  EXPECT_EQ(normal(""), "\"\": a path cannot be empty");
  EXPECT_EQ(
      normal("/a/../b"),
      "\"/a/../b\": a path cannot hold \"..\": where it leads would depend on symbolic links");
  EXPECT_EQ(normal("/" + std::string(4094, 'x')).size(), 4095U);
  EXPECT_EQ(normal("/" + std::string(4095, 'x')),
            "\"/" + std::string(99, 'x') + "\"... has 4096 bytes; a path can have at most 4095");
}

TEST(Quote, ShowsEveryByteAsItIsWritten) {
  EXPECT_EQ(in_quotes("a\"\\\n\t\x1b\x7f"), R"("a\"\\\n\t\x1b\x7f")");
  EXPECT_EQ(in_quotes("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

TEST(Quote, EscapesWhatIsNoUtf8) {
  for (auto [bytes, shown] : {
           std::pair{"\xc3", R"("\xc3")"},
           {"\xc3(", R"("\xc3(")"},
           {"\xc0\xaf", R"("\xc0\xaf")"},          // two bytes for one
           {"\xe0\x80\xaf", R"("\xe0\x80\xaf")"},  // three
           {"\xf0\x80\x80\xaf", R"("\xf0\x80\x80\xaf")"},
           {"\xed\xa0\x80", R"("\xed\xa0\x80")"},          // half of a pair
           {"\xf4\x90\x80\x80", R"("\xf4\x90\x80\x80")"},  // beyond the last
           {"\xf5\x80\x80\x80", R"("\xf5\x80\x80\x80")"},
           {"\xc2\x9b", R"("\xc2\x9b")"},  // a control character
           {"\x80", R"("\x80")"},
       })
    EXPECT_EQ(in_quotes(bytes), shown);
}

TEST(Quote, CutsBetweenCharacters) {
  const std::string text = std::string(99, 'x') + "\xc3\xa9";
  EXPECT_EQ(in_quotes(text), '"' + std::string(99, 'x') + "\"...");
  EXPECT_EQ(beginning(text, 101), text);
}

TEST(Words, AreListedAsInASentence) {
  std::vector<std::string_view> words{"a", "b", "c"};
  EXPECT_EQ(listed(std::span(words).first(1)), "a");
  EXPECT_EQ(listed(std::span(words).first(2)), "a or b");
  EXPECT_EQ(listed(words), "a, b or c");
}

TEST(Words, AreSuggestedWhenTheyAreNear) {
  std::vector<std::string_view> known{"virtualise", "duplicate", "cow", "share"};
  EXPECT_EQ(nearest("virtualize", known), "virtualise");
  EXPECT_EQ(nearest("DUPL", known), "duplicate");
  EXPECT_EQ(nearest("cows", known), "cow");
  EXPECT_EQ(nearest("xyz", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest(std::string(1000, 'c'), known), "");
}

}  // namespace
}  // namespace appshot::rules
