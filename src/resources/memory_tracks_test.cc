#include "resources/memory_tracks.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

namespace appshot {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kTable = 2 << 20;  // as much as one table of the kernel's lists
constexpr int kGuardInstall = 102;

// This process's own memory, tracked, of which everything there is kept at first.
class TrackedMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<WriteTracking> writes = WriteTracking::of_ourselves();
    if (!writes) GTEST_SKIP() << "the kernel cannot track writes";
    tracked_.emplace(TrackedMemory{1, std::move(writes).value(), {}, {}});
    Result<PageScan> scan = PageScan::open("/proc/self");
    ASSERT_TRUE(scan);
    scan_.emplace(std::move(scan).value());
    memory_ = static_cast<char*>(::mmap(nullptr, kLength, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    ASSERT_NE(memory_, MAP_FAILED);
    ::madvise(memory_, kLength, MADV_NOHUGEPAGE);
    std::memset(memory_, 1, kFilled);
    keep_all();
    EXPECT_EQ(unknown(), Pages());
  }
  void TearDown() override {
    if (memory_ != nullptr) ::munmap(memory_, kLength);
  }

  using Pages = std::vector<uint64_t>;  // numbers
  Pages unknown(Protect protect = Protect::yes) {
    Result<std::vector<PageRange>> found = tracked_->find_unknown(
        *scan_, address(0), address(kLength / kPage), Beneath::zeros, protect);
    EXPECT_TRUE(found);
    Pages pages;
    for (const PageRange& range : *found)
      for (uint64_t at = range.start; at < range.end; at += kPage)
        pages.push_back((at - address(0)) / kPage);
    return pages;
  }
  // As a snapshot does.
  void keep_all() {
    std::vector<image::PageRun> runs;
    for (uint64_t page : unknown()) runs.emplace_back(address(page), kPage, page * kPage);
    tracked_->known.add(std::move(runs));
  }
  bool knows(uint64_t page) {
    bool known = false;
    tracked_->known.visit(address(page), address(page + 1),
                          [&](const KnownPages::Part& part) { known = part.known != nullptr; });
    return known;
  }
  uint64_t address(uint64_t page) const {
    return reinterpret_cast<uint64_t>(memory_) + page * kPage;
  }
  char* at(uint64_t page) { return memory_ + page * kPage; }

  static constexpr uint64_t kLength = 256 << 20;  // in several pieces
  static constexpr uint64_t kFilled = 130 << 20;
  std::optional<TrackedMemory> tracked_;
  std::optional<PageScan> scan_;
  char* memory_ = nullptr;
};

TEST_F(TrackedMemoryTest, WrittenPagesAreUnknownUntilTheyAreKeptAgain) {
  for (uint64_t page : {3, 4, 700, 20000}) *at(page) = 2;
  EXPECT_EQ(unknown(Protect::no), (Pages{3, 4, 700, 20000}));
  EXPECT_FALSE(knows(700));
  EXPECT_TRUE(knows(701));
  EXPECT_EQ(unknown(), (Pages{3, 4, 700, 20000}));
  keep_all();
  EXPECT_EQ(unknown(), Pages());
  *at(4) = 3;
  EXPECT_EQ(unknown(), Pages{4});
}

TEST_F(TrackedMemoryTest, PagesThatWereNeverKeptAreFoundThoughProtected) {
  tracked_->known.forget(address(10), address(13));
  EXPECT_EQ(unknown(), (Pages{10, 11, 12}));
  *at(kFilled / kPage + 5) = 1;
  EXPECT_EQ(unknown(), (Pages{10, 11, 12, kFilled / kPage + 5}));
}

TEST_F(TrackedMemoryTest, WhatIsGivenUpIsNotKnownAnyMore) {
  const uint64_t table = (address(0) / kTable + 2) * kTable;  // whole tables
  const uint64_t first = (table - address(0)) / kPage;
  ::madvise(at(first), 2 * kTable, MADV_DONTNEED);
  ::madvise(at(5), kPage, MADV_DONTNEED);
  EXPECT_EQ(unknown(), Pages());
  for (uint64_t page : {uint64_t{5}, first, first + 600}) EXPECT_FALSE(knows(page));
  EXPECT_TRUE(knows(first - 1));
  *at(first + 7) = 1;
  EXPECT_EQ(unknown(), Pages{first + 7});
}

TEST_F(TrackedMemoryTest, AReadAfterGivingUpShowsZerosAndNotWhatWasKept) {
  ::madvise(at(5), 2 * kPage, MADV_DONTNEED);
  const char seen = *const_cast<volatile char*>(at(5));
  EXPECT_EQ(seen, 0);
  EXPECT_EQ(unknown(), Pages());
  EXPECT_FALSE(knows(5));
  EXPECT_FALSE(knows(6));
  *at(5) = 1;
  EXPECT_EQ(unknown(), Pages{5});
}

TEST_F(TrackedMemoryTest, AGuardedPageIsNotKnown) {
  if (::madvise(at(9), kPage, kGuardInstall) != 0) GTEST_SKIP() << "no guard regions here";
  EXPECT_EQ(unknown(), Pages());
  EXPECT_FALSE(knows(9));
  EXPECT_TRUE(knows(10));
}

TEST_F(TrackedMemoryTest, OfAMappingInTheSamePlaceNothingIsKnownAndItIsTrackedFromThenOn) {
  ASSERT_EQ(::mmap(at(0), kLength, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0),
            memory_);
  ::madvise(memory_, kLength, MADV_NOHUGEPAGE);
  *at(2) = 1;
  EXPECT_EQ(unknown(Protect::no), Pages{2});
  EXPECT_EQ(unknown(), Pages{2});
  EXPECT_FALSE(knows(1));
  keep_all();
  EXPECT_EQ(unknown(), Pages());
  *at(2) = 2;
  EXPECT_EQ(unknown(), Pages{2});
}

// It becomes one mapping with its neighbours then, which the kernel does not track any more, though
// it leaves their pages marked as protected.
TEST_F(TrackedMemoryTest, WhatIsWrittenBesideAPageThatCameBackIsFound) {
  constexpr int kFlags = MREMAP_MAYMOVE | MREMAP_FIXED;
  void* far = ::mmap(nullptr, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_EQ(::mremap(at(8), kPage, kPage, kFlags, far), far);
  ASSERT_TRUE(tracked_->find_unknown(*scan_, reinterpret_cast<uint64_t>(far),
                                     reinterpret_cast<uint64_t>(far) + kPage, Beneath::zeros,
                                     Protect::yes));
  ASSERT_EQ(::mremap(far, kPage, kPage, kFlags, at(8)), at(8));
  *at(6) = 2;
  const auto all = [] {
    Pages pages;
    for (uint64_t page = 0; page < kFilled / kPage; ++page) pages.push_back(page);
    return pages;
  };
  EXPECT_EQ(unknown(Protect::no), all());
  EXPECT_FALSE(knows(6));
  keep_all();
  EXPECT_EQ(unknown(), Pages());
  *at(6) = 3;
  EXPECT_EQ(unknown(), Pages{6});
}

TEST_F(TrackedMemoryTest, ManyGapsAreLookedAtAsAWhole) {
  for (uint64_t page = 100; page < 300; page += 2)
    tracked_->known.forget(address(page), address(page + 1));
  *at(101) = 2;
  ::madvise(at(103), kPage, MADV_DONTNEED);
  Pages expected;
  for (uint64_t page = 100; page < 300; page += 2) expected.push_back(page);
  expected.insert(expected.begin() + 1, 101);
  EXPECT_EQ(unknown(), expected);
  EXPECT_FALSE(knows(103));
  EXPECT_TRUE(knows(105));
}

}  // namespace
}  // namespace appshot
