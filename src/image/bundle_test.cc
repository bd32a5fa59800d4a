#include "image/bundle.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

#include "image/format.h"
#include "image/manifest.h"
#include "image/rich_image_for_test.h"
#include "image/summary.h"
#include "image/tar.h"
#include "os/file.h"
#include "tar/header.h"

namespace appshot::image {
namespace {

namespace fs = std::filesystem;

class BundleTest : public testing::Test {
 protected:
  BundleTest() {
    root_ = fs::temp_directory_path() / ("appshot-bundle-" + std::to_string(::getpid()));
    for (const char* folder : {"from", "to"}) fs::create_directories(root_ + "/" + folder);
    make_image();
  }
  ~BundleTest() override { fs::remove_all(root_); }

  void make_image() {
    std::string pages(kPagesBlock + 0x6001, 'p');
    EXPECT_TRUE(write_file(root_ + "/from/pages", pages, O_CREAT));
    ImageT image = rich_image(pages);
    image.ghosts[0]->pages = {PageRun(0, 0x2000, kPagesBlock + 0x4000)};
    EXPECT_TRUE(write_manifest(root_ + "/from", image));
  }

  std::string exported() {
    std::string bundle;
    Result<> done = export_bundle(root_ + "/from", [&](std::span<const char> bytes) -> Result<> {
      bundle.append(bytes.data(), bytes.size());
      return {};
    });
    EXPECT_TRUE(done) << done.error().message();
    return bundle;
  }

  Result<> imported(std::string_view bundle) {
    fs::remove_all(root_ + "/to");
    fs::create_directories(root_ + "/to");
    return import_bundle(root_ + "/to", [&](std::span<char> bytes) -> Result<size_t> {
      size_t got = std::min<size_t>({bundle.size(), bytes.size(), 5000});
      std::memcpy(bytes.data(), bundle.data(), got);
      bundle.remove_prefix(got);
      return got;
    });
  }

  std::string root_;
};

TEST_F(BundleTest, CarriesAnImageWhole) {
  Result<> done = imported(exported());
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(read_file(root_ + "/from/pages").value() == read_file(root_ + "/to/pages").value());
  EXPECT_EQ(read_manifest(root_ + "/to").value().aid, "web");
}

TEST_F(BundleTest, LeavesOutWhatTheImageDoesNotNeedAndTakesInWhatItShares) {
  fs::rename(root_ + "/from/pages", root_ + "/from/pages.s-0");
  ASSERT_TRUE(write_file(root_ + "/from/pages", "", O_CREAT));
  ImageT image = read_manifest(root_ + "/from").value();
  image.pages[0]->file = "pages.s-0";
  image.ghosts[0]->pages.clear();
  fs::remove(root_ + "/from/manifest");
  ASSERT_TRUE(write_manifest(root_ + "/from", image));
  Result<> done = imported(exported());
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(fs::file_size(root_ + "/to/pages"), kPagesBlock);
  EXPECT_FALSE(fs::exists(root_ + "/to/pages.s-0"));
}

TEST_F(BundleTest, RefusesEveryTornOrChangedExport) {
  std::string bundle = exported();
  for (size_t length = 0; length < bundle.size(); length += 997)
    EXPECT_FALSE(imported(std::string_view(bundle).substr(0, length))) << length;
  for (size_t at = 0; at < bundle.size(); at += 4999) {
    std::string changed = bundle;
    changed[at] ^= 1;
    EXPECT_FALSE(imported(changed)) << at;
  }
  EXPECT_FALSE(imported(bundle + "x"));
}

TEST_F(BundleTest, RefusesNamesFromOutside) {
  std::string bundle = exported();
  std::string header = tar_header({"../../ma", fs::file_size(root_ + "/from/manifest"), 0});
  Result<> done = imported(bundle.replace(0, header.size(), header));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().cls(), ErrorClass::corrupt);
  EXPECT_FALSE(fs::exists(root_ + "/../ma"));
}

TEST_F(BundleTest, RefusesFurtherFiles) {
  std::string bundle = exported();
  std::string more = tar_header({"more", 0, 0});
  EXPECT_FALSE(imported(bundle.insert(bundle.size() - tar::end_of_archive().size(), more)));
  EXPECT_FALSE(imported(more + exported()));
}

TEST_F(BundleTest, TarCanLookIntoIt) {
  EXPECT_TRUE(write_file(root_ + "/x.tar", exported(), O_CREAT));
  std::unique_ptr<FILE, int (*)(FILE*)> tar(
      ::popen(("tar tvf " + root_ + "/x.tar 2>&1").c_str(), "r"), ::pclose);
  std::string listing(4096, '\0');
  listing.resize(::fread(listing.data(), 1, listing.size(), tar.get()));
  EXPECT_NE(listing.find(" manifest\n"), std::string::npos) << listing;
  EXPECT_NE(listing.find(std::to_string(kPagesBlock + 0x6001)), std::string::npos) << listing;
  EXPECT_EQ(std::count(listing.begin(), listing.end(), '\n'), 2) << listing;
}

TEST_F(BundleTest, AppearsWholeOrNotAtAll) {
  UniqueFd file = open_file(root_ + "/x.tar", O_RDWR | O_CREAT, 0600).value();
  ASSERT_TRUE(write_bundle(root_ + "/from", file.get()));
  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  ASSERT_TRUE(read_bundle(file.get(), root_ + "/new"));
  Result<ImageSummary> summary = verify_image(root_ + "/new");
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->aid, "web");
  EXPECT_EQ(summary->parent, "s-0");
  EXPECT_EQ(summary->processes, 4u);
  EXPECT_EQ(summary->pages_bytes, kPagesBlock + 0x6001);

  ASSERT_EQ(::ftruncate(file.get(), 100000), 0);
  ASSERT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  EXPECT_FALSE(read_bundle(file.get(), root_ + "/torn"));
  EXPECT_FALSE(fs::exists(root_ + "/torn"));
  EXPECT_FALSE(fs::exists(root_ + "/torn.partial"));
}

TEST_F(BundleTest, DoesNotPassDamageOn) {
  UniqueFd pages = open_file(root_ + "/from/pages", O_WRONLY).value();
  ASSERT_EQ(::pwrite(pages.get(), "x", 1, kPagesBlock + 7), 1);
  bool written = false;
  Result<> done = export_bundle(root_ + "/from", [&](std::span<const char>) -> Result<> {
    written = true;
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().cls(), ErrorClass::corrupt);
  EXPECT_FALSE(written);
}

}  // namespace
}  // namespace appshot::image
