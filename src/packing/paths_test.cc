#include "packing/paths.h"

#include <gtest/gtest.h>

#include "packing/entry.h"

namespace appshot::packing {
namespace {

TEST(PlainPath, IsWithoutWhatMeansNothing) {
  for (const char* name :
       {"etc/passwd", "./etc/passwd", "/etc/passwd", "etc//passwd/", "/./etc/./passwd/."})
    EXPECT_EQ(*plain_path(name), "etc/passwd") << name;
  for (const char* name : {"", ".", "/", "./", "/././"}) EXPECT_EQ(*plain_path(name), "") << name;
  EXPECT_EQ(*plain_path("..a/b..c/..."), "..a/b..c/...");
}

TEST(PlainPath, NeverLeadsUpwards) {
  for (const char* name : {"..", "../a", "a/..", "a/../b", "/..", "a/./../b"})
    EXPECT_EQ(plain_path(name).error().cls(), ErrorClass::corrupt) << name;
  EXPECT_FALSE(plain_path(std::string_view("a\0b", 3)));
}

TEST(PlainPath, IsNotLongerThanPathsCanBe) {
  EXPECT_TRUE(plain_path(std::string(kNameBytesMax, 'n')));
  EXPECT_FALSE(plain_path(std::string(kNameBytesMax + 1, 'n')));
  std::string deep;
  for (size_t i = 0; i < kPathDepthMax; ++i) deep += "d/";
  EXPECT_TRUE(plain_path(deep));
  EXPECT_FALSE(plain_path(deep + "d"));
  std::string wide;
  for (int i = 0; i < 16; ++i) wide += std::string(kNameBytesMax, 'n') + "/";
  EXPECT_TRUE(plain_path(wide));  // 4095 bytes, and a slash that does not count
  EXPECT_FALSE(plain_path(wide + "n"));
}

TEST(ComparePaths, PutsFoldersBeforeWhatIsInThem) {
  const char* const ordered[] = {"",      "a",   "a/a", "a/a/b", "a/b",
                                 "a\x01", "a b", "a.b", "b",     "\xff"};
  for (size_t i = 0; i < std::size(ordered); ++i)
    for (size_t j = 0; j < std::size(ordered); ++j)
      EXPECT_EQ(compare_paths(ordered[i], ordered[j]), i < j    ? -1
                                                       : i == j ? 0
                                                                : 1)
          << ordered[i] << " and " << ordered[j];
}

TEST(Paths, FallIntoFolderAndName) {
  EXPECT_EQ(folder_of("a/b/c"), "a/b");
  EXPECT_EQ(name_of("a/b/c"), "c");
  EXPECT_EQ(folder_of("a"), "");
  EXPECT_EQ(name_of("a"), "a");
  EXPECT_EQ(components_of("a/b/c"), (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_TRUE(components_of("").empty());
}

TEST(Paths, AreShownWithoutWhatTerminalsObey) {
  EXPECT_EQ(shown("a\x1b[31m\n\x7f"), "a?[31m??");
  EXPECT_EQ(shown("\xc2\x9b"
                  "31m\xc2\xa0\xc3\x9b"),
            "?31m\xc2\xa0\xc3\x9b");
}

}  // namespace
}  // namespace appshot::packing
