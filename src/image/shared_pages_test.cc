#include "image/shared_pages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "image/format.h"
#include "image/manifest.h"
#include "image/pages_file.h"
#include "image/pages_reader.h"
#include "image/rich_image_for_test.h"
#include "os/file.h"

namespace appshot::image {
namespace {

namespace fs = std::filesystem;

// Two images with one file of pages: the first needs all of it, the second what a test says.
class SharedPagesTest : public testing::Test {
 protected:
  SharedPagesTest() {
    std::string pattern = fs::temp_directory_path() / "appshot-shared-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    for (const char* folder : {"first", "second"}) fs::create_directories(root_ + "/" + folder);
    auto file = PagesFile::create(root_ + "/first/pages").value();
    const std::string block(kPagesBlock, 'p');
    for (size_t i = 0; i < kBlocks; ++i) EXPECT_TRUE(file->write(file->next_block(), block));
    EXPECT_TRUE(file->finish());
    part_ = file->part(kPagesName);
    EXPECT_EQ(::link((root_ + "/first/pages").c_str(), (root_ + "/second/pages.f").c_str()), 0);
  }
  ~SharedPagesTest() override { fs::remove_all(root_); }

  void second_needs(std::vector<PageRun> runs) {
    ImageT image = rich_image();
    for (auto& process : image.processes)
      if (process->address_space)
        for (auto& mapping : process->address_space->mappings) mapping->pages.clear();
    for (auto& memory : image.shared_memory) memory->pages.clear();
    for (auto& ghost : image.ghosts) ghost->pages.clear();
    image.ghosts[0]->size = kBlocks * kPagesBlock;
    image.ghosts[0]->pages = std::move(runs);
    image.pages.clear();
    image.pages.push_back(std::make_unique<PagesPartT>(*part_));
    image.pages[0]->file = "pages.f";
    needed_ = std::make_unique<PagesPartT>(*image.pages[0]);
    ASSERT_TRUE(write_manifest(root_ + "/second", image));
  }
  void remove_first() { fs::remove_all(root_ + "/first"); }
  Result<uint64_t> give_back() { return give_back_unneeded({{root_ + "/second", "pages.f"}}); }
  Result<> verify(uint64_t block) {
    PagesParts parts;
    parts.push_back(std::make_unique<PagesPartT>(*needed_));
    EXPECT_TRUE(write_file(root_ + "/second/pages", "", O_CREAT));
    PagesReader reader = PagesReader::open(root_ + "/second", parts).value();
    return reader.verify({PageRun(0, kPageSize, block * kPagesBlock)});
  }

  static constexpr size_t kBlocks = 6;
  std::string root_;
  std::unique_ptr<PagesPartT> part_, needed_;
};

TEST_F(SharedPagesTest, BlocksThatNobodyNeedsGiveTheirRoomBack) {
  second_needs({PageRun(0, kPageSize, kPagesBlock + 8 * kPageSize),
                PageRun(kPageSize, 2 * kPageSize, 4 * kPagesBlock - kPageSize)});
  remove_first();
  Result<uint64_t> given = give_back();
  ASSERT_TRUE(given) << given.error().message();
  EXPECT_EQ(*given, 3 * kPagesBlock);
  for (uint64_t block : {1, 3, 4}) EXPECT_TRUE(verify(block));
  for (uint64_t block : {0, 2, 5}) EXPECT_FALSE(verify(block));
  EXPECT_EQ(give_back().value(), 0u);
}

TEST_F(SharedPagesTest, NothingIsGivenBackWhileThereIsANameOfWhichNothingIsKnown) {
  second_needs({PageRun(0, kPageSize, 0)});
  EXPECT_EQ(give_back().value(), 0u);
  EXPECT_TRUE(verify(5));
}

TEST_F(SharedPagesTest, NothingIsGivenBackWhileSomebodyReads) {
  second_needs({PageRun(0, kPageSize, 0)});
  UniqueFd reader = open_pages_file(root_ + "/first/pages").value();
  const UniqueFd copy(::fcntl(reader.get(), F_DUPFD_CLOEXEC, 0));
  remove_first();
  reader.reset();
  EXPECT_EQ(give_back().value(), 0u);
  EXPECT_TRUE(verify(5));
}

TEST_F(SharedPagesTest, NothingIsGivenBackThatADamagedManifestMayNeed) {
  ASSERT_TRUE(write_file(root_ + "/second/manifest", "?", O_CREAT));
  remove_first();
  EXPECT_FALSE(give_back());
  struct stat info {};
  ASSERT_EQ(::stat((root_ + "/second/pages.f").c_str(), &info), 0);
  EXPECT_GE(static_cast<uint64_t>(info.st_blocks) * 512, kBlocks * kPagesBlock);
}

}  // namespace
}  // namespace appshot::image
