#include "packing/contents.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/file.h"
#include "os/unique_fd.h"

namespace appshot::packing {
namespace {

using Pieces = std::vector<std::pair<uint64_t, std::string>>;

std::optional<std::vector<Extent>> extents(const Pieces& pieces, uint64_t size) {
  const UniqueFd fd(::memfd_create("contents", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(size)), 0);
  for (const auto& [offset, bytes] : pieces) EXPECT_TRUE(write_all_at(fd.get(), bytes, offset));
  return *extents_of(fd.get(), size);
}

constexpr uint64_t kKiB = 1024;

TEST(Extents, AreAbsentWithoutLongRunsOfZeros) {
  EXPECT_EQ(extents({}, 0), std::nullopt);
  EXPECT_EQ(extents({}, 60 * kKiB), std::nullopt);
  EXPECT_EQ(extents({{0, std::string(200 * kKiB, 'x')}}, 200 * kKiB), std::nullopt);
  // 15 blocks, and two in which some is no zero.
  EXPECT_EQ(extents({{0, "x"}, {64 * kKiB, "x"}}, 64 * kKiB + 1), std::nullopt);
}

TEST(Extents, LeaveOutHolesWhereverTheyAre) {
  EXPECT_EQ(extents({}, 64 * kKiB), std::vector<Extent>{});
  EXPECT_EQ(extents({{0, "x"}}, 100 * kKiB), (std::vector<Extent>{{0, 4096}}));
  EXPECT_EQ(extents({{99 * kKiB, "x"}}, 100 * kKiB), (std::vector<Extent>{{96 * kKiB, 4096}}));
  EXPECT_EQ(extents({{0, "x"}, {68 * kKiB, "x"}}, 69 * kKiB),
            (std::vector<Extent>{{0, 4096}, {68 * kKiB, kKiB}}));
  EXPECT_EQ(extents({{0, "x"}, {5000, "x"}, {300 * kKiB, "y"}, {310 * kKiB, "y"}}, 500 * kKiB),
            (std::vector<Extent>{{0, 8192}, {300 * kKiB, 12 * kKiB}}));
}

TEST(Extents, DoNotDependOnWhatTheFileSystemKnows) {
  const Pieces bytes{{0, "x"}, {400 * kKiB, "y"}};
  Pieces zeros = bytes;
  zeros.insert(zeros.begin(), {0, std::string(500 * kKiB, '\0')});
  EXPECT_EQ(extents(bytes, 500 * kKiB), extents(zeros, 500 * kKiB));
}

TEST(Extents, AreTheSameInWhateverPiecesTheFileIsTold) {
  std::string bytes(300 * kKiB + 77, '\0');
  for (size_t at :
       {size_t{5000}, size_t{100 * kKiB}, size_t{101 * kKiB}, size_t{220 * kKiB + 4095}})
    bytes[at] = 'x';
  const std::optional<std::vector<Extent>> expected = extents({{0, bytes}}, bytes.size());
  ASSERT_EQ(expected->size(), 3);
  for (size_t piece : {1, 7, 4096, 5000, 100'000}) {
    HoleFinder content, holes;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      const std::string part = bytes.substr(at, piece);
      content.content(part);
      const bool empty = part.find_first_not_of('\0') == std::string::npos;
      empty ? holes.hole_until(at + part.size()) : holes.content(part);
    }
    EXPECT_EQ(content.finish(), expected) << piece;
    EXPECT_EQ(holes.finish(), expected) << piece;
  }
}

TEST(Contents, OfAFileThatIsShorterMeanwhileAreAnError) {
  const UniqueFd fd(::memfd_create("contents", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(fd.get(), 100), 0);
  Entry entry;
  entry.size = 101;
  EXPECT_FALSE(read_content(fd.get(), entry, [](std::span<const char>) { return Result<>(); }));
}

}  // namespace
}  // namespace appshot::packing
