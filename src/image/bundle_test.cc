#include "image/bundle.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <xxhash.h>

#include <cstring>
#include <filesystem>

#include "image/format.h"
#include "image/manifest.h"
#include "os/file.h"

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

  // The smallest image there is: one zombie, and pages that nobody refers to.
  void make_image() {
    std::string pages(kPagesBlock + 4096, 'p');
    EXPECT_TRUE(write_file(root_ + "/from/pages", pages, O_CREAT));
    ImageT image;
    image.aid = "web";
    image.machine = std::make_unique<MachineT>();
    image.machine->page_size = kPageSize;
    image.pages_block = kPagesBlock;
    image.pages_length = pages.size();
    image.pages_checksums = {XXH3_64bits(pages.data(), kPagesBlock),
                             XXH3_64bits(pages.data(), 4096)};
    auto zombie = std::make_unique<ProcessT>();
    zombie->pid = 2;
    zombie->parent = 1;
    zombie->state = ProcessState::zombie;
    image.processes.push_back(std::move(zombie));
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
  EXPECT_EQ(read_file(root_ + "/from/pages").value(), read_file(root_ + "/to/pages").value());
  EXPECT_EQ(read_manifest(root_ + "/to").value().aid, "web");
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
  size_t name = bundle.find("manifest");
  std::memcpy(bundle.data() + name, "../../ma", 8);
  Result<> done = imported(bundle);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().cls(), ErrorClass::corrupt);
  EXPECT_FALSE(fs::exists(root_ + "/../ma"));
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
