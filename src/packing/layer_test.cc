// What layers and their exports are made of, but for files: tests/e2e/test_packing.py has those.
#include "packing/layer.h"

#include <gtest/gtest.h>

#include "packing/budget.h"
#include "packing/export_format.h"
#include "packing/oci_layout.h"
#include "packing/overlay_marks.h"

namespace appshot::packing {
namespace {

TEST(OverlayMarks, OfALayerAreWhiteoutsAndOpaqueFolders) {
  Entry folder;
  folder.path = "root/d";
  folder.kind = Kind::folder;
  folder.xattrs = {{kOpaque, "y"}, {"trusted.overlay.origin", "x"}, {"user.note", "n"}};
  ASSERT_TRUE(keep_only_marks_of_layers(folder));
  EXPECT_EQ(folder.xattrs.size(), 2u);
  EXPECT_TRUE(is_opaque(folder));
  EXPECT_TRUE(check_marks_of_layers(folder));

  Entry gone;
  gone.path = "root/gone";
  gone.kind = Kind::character;
  gone.uid = 5;
  EXPECT_FALSE(check_marks_of_layers(gone));
  ASSERT_TRUE(keep_only_marks_of_layers(gone));
  EXPECT_TRUE(check_marks_of_layers(gone));
}

TEST(OverlayMarks, ByWhichAFileIsElsewhereAreRefused) {
  for (const char* mark :
       {"redirect", "metacopy", "whiteout", "whiteouts", "overlay.opaque", "later"}) {
    Entry entry;
    entry.kind = Kind::folder;
    entry.xattrs[std::string(kOverlayMarks) + mark] = "y";
    EXPECT_EQ(keep_only_marks_of_layers(entry).error().cls(), ErrorClass::refused) << mark;
    EXPECT_EQ(check_marks_of_layers(entry).error().cls(), ErrorClass::corrupt) << mark;
  }
}

TEST(Budgets, AreAskedBeforeAnythingIsMade) {
  Budget budget(10'000, 3);
  Entry entry;
  entry.path = "file";
  entry.size = 5'000;
  EXPECT_TRUE(budget.take(entry));
  EXPECT_EQ(budget.take(entry).error().cls(), ErrorClass::exhausted);
  entry.size = UINT64_MAX / 2;
  entry.extents.emplace();
  EXPECT_TRUE(budget.take(entry)) << "holes take no room";
  EXPECT_FALSE(budget.take(entry)) << "the fourth";
  Budget small(100, 3);
  entry.extents = {{{0, UINT64_MAX / 2}}};
  EXPECT_FALSE(small.take(entry));
}

TEST(ExportFormat, HeadAndEndComeBack) {
  const ExportHead head{{{"name", "demo"}}, 3};
  const ExportHead read = *parse_head(head_text(head));
  EXPECT_EQ(read.document, head.document);
  EXPECT_EQ(read.layers, 3u);
  const ExportEnd end{digest_of("head"), {{digest_of("a"), 1, 2}, {digest_of("b"), 3, 1ULL << 60}}};
  EXPECT_EQ(parse_end(end_text(end))->layers, end.layers);
  EXPECT_EQ(parse_end(end_text(end))->head_digest, end.head_digest);
}

TEST(ExportFormat, OfOthersIsRefused) {
  for (const char* text : {"", "{}", "[]", "5", R"({"format": "appshot environment"})",
                           R"({"format": "appshot environment", "version": 1, "layers": -1})",
                           R"({"format": "appshot environment", "version": 1, "layers": 501})",
                           R"({"format": "appshot environment", "version": 2, "layers": 1})"})
    EXPECT_FALSE(parse_head(text)) << text;
  for (const char* text :
       {"", "{}", R"({"layers": [5]})", R"({"layers": [{"entries": -1, "bytes": 1}]})"})
    EXPECT_FALSE(parse_end(text)) << text;
}

TEST(ExportFormat, HasPathsOfOneForm) {
  const LayerPath path = *parse_layer_path("layers/12/at%home/user/file");
  EXPECT_EQ(path.number, 12u);
  EXPECT_EQ(path.path, "at%home/user/file");
  EXPECT_EQ(parse_layer_path("layers/0/root/")->path, "root");
  for (const char* text :
       {"", "layers", "layers/0", "layers/0/", "layers/0/etc", "layers/00/root", "layers/0//root",
        "/layers/0/root", "./layers/0/root", "layers/0/root/../x", "layers/500/root",
        "layers/x/root", "layers/0/at%", "layers/0/root//"})
    EXPECT_FALSE(parse_layer_path(text)) << text;
}

TEST(OciReferences, AreAFolderAndATag) {
  EXPECT_EQ(parse_oci_reference("/nowhere/image:v1").folder, "/nowhere/image");
  EXPECT_EQ(parse_oci_reference("/nowhere/image:v1").tag, "v1");
  EXPECT_EQ(parse_oci_reference("/nowhere").tag, "");
}

}  // namespace
}  // namespace appshot::packing
