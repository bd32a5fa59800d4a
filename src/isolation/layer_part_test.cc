#include "isolation/layer_part.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "os/file.h"
#include "os/folder_for_test.h"

namespace appshot {
namespace {

class LayerParts : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_folders(layer_ + "/merged/folder"));
    ASSERT_TRUE(make_folders(layer_ + "/opaque/folder"));
    ASSERT_TRUE(write_file(layer_ + "/merged/file", "", O_CREAT));
    ASSERT_EQ(::symlink("/", (layer_ + "/link").c_str()), 0);
    ASSERT_EQ(::mknod((layer_ + "/gone").c_str(), S_IFCHR, 0), 0);
    ASSERT_EQ(::setxattr((layer_ + "/opaque").c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
  }

  // "folder" or "file" where it has one, and whether it hides what is below.
  std::string told(const std::string& path) const {
    const Result<LayerPart> part = part_of_layer(layer_, path);
    if (!part) return "error";
    std::string text = part->there ? part->is_folder ? "folder" : "file" : "";
    return text + (part->hides_below ? " hides" : "") + (part->behind_link ? " by link" : "");
  }

  const FolderForTest own_;
  const std::string& layer_ = own_.path();
};

TEST_F(LayerParts, ShowWhatIsBelowThroughFolders) {
  EXPECT_EQ(told("/"), "folder");
  EXPECT_EQ(told("/merged/folder"), "folder");
  EXPECT_EQ(told("/merged/other"), "");
  EXPECT_EQ(told("/other/folder"), "");
}

TEST_F(LayerParts, HideWhatIsBelowOpaqueFolders) {
  EXPECT_EQ(told("/opaque"), "folder hides");
  EXPECT_EQ(told("/opaque/folder"), "folder hides");
  EXPECT_EQ(told("/opaque/other"), " hides");
  EXPECT_EQ(told("/opaque/folder/other"), " hides");
}

TEST_F(LayerParts, HideWhatIsBelowFilesWhiteoutsAndLinks) {
  EXPECT_EQ(told("/merged/file"), "file hides");
  EXPECT_EQ(told("/merged/file/x"), " hides");
  EXPECT_EQ(told("/gone"), " hides");
  EXPECT_EQ(told("/gone/x"), " hides");
  EXPECT_EQ(told("/link"), "file hides");
  EXPECT_EQ(told("/link/etc"), " hides by link");
}

}  // namespace
}  // namespace appshot
