#include "resources/page_copies.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "image/pages_reader.h"
#include "os/file.h"

namespace appshot {
namespace {

namespace fs = std::filesystem;
using image::kPageSize;

class PageCopiesTest : public testing::Test {
 protected:
  PageCopiesTest() {
    std::string pattern = fs::temp_directory_path() / "appshot-copies-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    pages_ = image::PagesFile::create(folder_ + "/pages").value();
  }
  ~PageCopiesTest() override { fs::remove_all(folder_); }

  // What is neither zeros nor a hole: two of three pages. Several threads' worth.
  static bool is_there(size_t page) { return page % 3 != 1; }
  static constexpr size_t kPages = 2000;

  static std::vector<char> content() {
    std::vector<char> bytes(kPages * kPageSize);
    for (size_t page = 0; page < kPages; ++page)
      if (is_there(page))
        std::memset(bytes.data() + page * kPageSize, static_cast<int>('a' + page % 26), kPageSize);
    return bytes;
  }

  // As a restore would: into fresh memory.
  std::vector<char> read_back(const std::vector<image::PageRun>& runs, uint64_t base) {
    std::vector<char> bytes(kPages * kPageSize);
    std::vector<image::Placement> placements;
    uint64_t last_end = 0;
    for (const image::PageRun& run : runs) {
      EXPECT_GE(run.address(), last_end);  // in the order of the memory
      last_end = run.address() + run.length();
      placements.push_back({run.offset(), run.length(), bytes.data() + (run.address() - base)});
    }
    image::PagesParts parts;
    parts.push_back(pages_->part(image::kPagesName));
    image::PagesReader reader = image::PagesReader::open(folder_, parts).value();
    EXPECT_TRUE(reader.verify(runs));
    EXPECT_TRUE(reader.load(placements));
    return bytes;
  }

  static uint64_t bytes_of(const std::vector<image::PageRun>& runs) {
    uint64_t sum = 0;
    for (const image::PageRun& run : runs) sum += run.length();
    return sum;
  }

  std::string folder_;
  std::unique_ptr<image::PagesFile> pages_;
};

TEST_F(PageCopiesTest, AFileComesBackWithoutItsZeros) {
  const std::vector<char> bytes = content();
  const std::string path = folder_ + "/file";
  UniqueFd file = open_file(path, O_RDWR | O_CREAT, 0600).value();
  ASSERT_TRUE(write_all(file.get(), bytes));
  ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(bytes.size() - 100)), 0);
  PageCopies copies(*pages_);
  std::vector<image::PageRun> runs;
  ASSERT_TRUE(copies.add_file(std::move(file), path, bytes.size() - 100, runs));
  ASSERT_TRUE(copies.close());
  ASSERT_TRUE(pages_->finish());
  std::vector<char> expected = bytes;
  std::memset(expected.data() + expected.size() - 100, 0, 100);
  EXPECT_EQ(read_back(runs, 0), expected);
  EXPECT_LT(bytes_of(runs), bytes.size() * 2 / 3 + kPageSize);
}

TEST_F(PageCopiesTest, MemoryIsReadThroughItsProtection) {
  const std::vector<char> bytes = content();
  auto* memory = static_cast<char*>(
      ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  std::memcpy(memory, bytes.data(), bytes.size());
  ASSERT_EQ(::mprotect(memory + 700 * kPageSize, 3 * kPageSize, PROT_NONE), 0);
  const auto start = reinterpret_cast<uint64_t>(memory);
  auto source = std::make_shared<const ProcessPages>(
      RemoteMemory::open(HostPid{::getpid()}).value(), "this process");
  for (ZeroPages zeros : {ZeroPages::dropped, ZeroPages::kept}) {
    PageCopies copies(*pages_);
    std::vector<image::PageRun> runs;
    copies.add(source, start, start + bytes.size(), runs, zeros);
    ASSERT_TRUE(copies.close());
    ASSERT_TRUE(pages_->finish());
    EXPECT_EQ(read_back(runs, start), bytes);
    EXPECT_EQ(bytes_of(runs) == bytes.size(), zeros == ZeroPages::kept);
    fs::remove(folder_ + "/pages");
    pages_ = image::PagesFile::create(folder_ + "/pages").value();
  }
  ::munmap(memory, bytes.size());
}

// With sums of what it was, as between two snapshots, and without, as after a restore.
TEST_F(PageCopiesTest, OfAKnownFileOnlyWhatHasChangedIsKeptAgain) {
  std::vector<char> bytes = content();
  const std::string path = folder_ + "/file";
  ASSERT_TRUE(write_all(open_file(path, O_RDWR | O_CREAT, 0600).value().get(), bytes));
  KnownContent known(4711);
  std::vector<image::PageRun> first;
  {
    PageCopies copies(*pages_);
    UniqueFd file = open_file(path, O_RDONLY).value();
    ASSERT_TRUE(copies.add_file(std::move(file), path, bytes.size(), first, &known));
    ASSERT_TRUE(copies.close());
    ASSERT_TRUE(pages_->finish());
  }
  image::PagesParts earlier;
  earlier.push_back(pages_->part(image::kPagesName));
  std::memset(bytes.data() + 500 * kPageSize, 'Z', kPageSize);
  std::memset(bytes.data() + 503 * kPageSize, 0, kPageSize);
  std::memset(bytes.data() + 1999 * kPageSize, 'Z', kPageSize);
  ASSERT_TRUE(write_all(open_file(path, O_RDWR).value().get(), bytes));
  KnownContent from_image(4711);
  from_image.pages = known.pages;
  for (KnownContent* one : {&known, &from_image}) {
    auto later = image::PagesFile::create(folder_ + "/later", pages_->next_base()).value();
    PageCopies copies(*later, EarlierBytes(folder_, earlier));
    std::vector<image::PageRun> runs;
    UniqueFd file = open_file(path, O_RDONLY).value();
    ASSERT_TRUE(copies.add_file(std::move(file), path, bytes.size(), runs, one));
    ASSERT_TRUE(copies.close());
    ASSERT_TRUE(later->finish());
    uint64_t stored = 0;
    for (const image::PageRun& run : runs)
      stored += run.offset() >= later->base() ? run.length() : 0;
    EXPECT_EQ(stored, 2 * kPageSize);
    image::PagesParts parts;
    parts.push_back(pages_->part(image::kPagesName));
    parts.push_back(later->part("later"));
    std::vector<char> there(bytes.size());
    std::vector<image::Placement> placements;
    for (const image::PageRun& run : runs)
      placements.push_back({run.offset(), run.length(), there.data() + run.address()});
    EXPECT_EQ(one->pages.runs().size(), runs.size());
    EarlierBytes all(folder_, parts);
    for (const image::Placement& one_place : placements)
      EXPECT_TRUE(all.read(one_place.offset, {one_place.to, one_place.length}));
    EXPECT_EQ(there, bytes);
    fs::remove(folder_ + "/later");
  }
}

TEST_F(PageCopiesTest, WhatCannotBeReadIsNamed) {
  auto source = std::make_shared<const ProcessPages>(
      RemoteMemory::open(HostPid{::getpid()}).value(), "process 7 (sleep)");
  PageCopies copies(*pages_);
  std::vector<image::PageRun> runs;
  copies.add(source, 0x1000, 0x1000 + (8 << 20), runs, ZeroPages::dropped);
  Result<> copied = copies.complete();
  ASSERT_FALSE(copied);
  EXPECT_NE(copied.error().message().find("process 7 (sleep)"), std::string::npos);
}

}  // namespace
}  // namespace appshot
