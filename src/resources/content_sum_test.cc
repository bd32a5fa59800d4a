#include "resources/content_sum.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <xxhash.h>

#include <cstring>
#include <vector>

#include "os/file.h"
#include "resources/file_sums.h"

namespace appshot {
namespace {

// Some pieces, and a part of one.
constexpr uint64_t kSize = 3 * kSummedPiece + 1000;

class ContentSumTest : public testing::Test {
 protected:
  UniqueFd file_ = open_file(".", O_TMPFILE | O_RDWR, 0600).value();

  void write(const std::string& bytes, uint64_t offset = 0) {
    ASSERT_TRUE(write_all_at(file_.get(), bytes, offset));
  }
  image::ContentSum sum(uint64_t size = kSize) {
    Result<image::ContentSum> sum = content_sum(file_.get(), size);
    EXPECT_TRUE(sum);
    return std::move(sum).value_or(image::ContentSum());
  }
};

std::string some_bytes() {
  std::string bytes(kSize, '\0');
  for (uint64_t i = 0; i < kSize; ++i) bytes[i] = static_cast<char>(i * i / 7 + i / kSummedPiece);
  return bytes;
}

TEST_F(ContentSumTest, IsWhatTheFormatSays) {
  const std::string bytes = some_bytes();
  write(bytes);
  std::vector<uint64_t> of_pieces;
  for (uint64_t at = 0; at < kSize; at += kSummedPiece) {
    const XXH128_hash_t one = XXH3_128bits(bytes.data() + at, std::min(kSummedPiece, kSize - at));
    of_pieces.insert(of_pieces.end(), {one.low64, one.high64});
  }
  const XXH128_hash_t all = XXH3_128bits(of_pieces.data(), of_pieces.size() * sizeof(uint64_t));
  EXPECT_EQ(sum(), image::ContentSum(all.low64, all.high64));
}

TEST_F(ContentSumTest, TellsEveryByteAndTheLength) {
  std::string bytes = some_bytes();
  write(bytes);
  const image::ContentSum before = sum();
  for (const uint64_t at : {uint64_t{0}, kSummedPiece, kSize - 1}) {
    write(std::string(1, static_cast<char>(bytes[at] ^ 1)), at);
    EXPECT_NE(sum(), before) << at;
    write(bytes.substr(at, 1), at);
  }
  EXPECT_EQ(sum(), before);
  EXPECT_NE(sum(kSize - 1), before);
  write("more", kSize);
  EXPECT_EQ(sum(), before);  // so much of it is the same
}

TEST_F(ContentSumTest, HolesAreZeros) {
  ASSERT_EQ(::ftruncate(file_.get(), kSize), 0);
  const image::ContentSum hollow = sum();
  write(std::string(kSize, '\0'));
  EXPECT_EQ(sum(), hollow);
  write("x", kSummedPiece + 5);
  EXPECT_NE(sum(), hollow);
}

TEST_F(ContentSumTest, AFileThatIsShorterHasNone) {
  write("short");
  EXPECT_FALSE(content_sum(file_.get(), 6));
  EXPECT_TRUE(content_sum(file_.get(), 5));
  EXPECT_TRUE(content_sum(file_.get(), 0));
}

TEST_F(ContentSumTest, TellsOfAllThatIsDone) {
  write(some_bytes());
  uint64_t told = 0;
  ASSERT_TRUE(content_sum(file_.get(), kSize, [&](uint64_t bytes) { told += bytes; }));
  EXPECT_EQ(told, kSize);
}

TEST(FileSums, AreFoundAsLongAsTheStampIsTheSame) {
  const FileStamp stamp{1, 2, 3, 4, 5};
  FileStamp later = stamp;
  later.changed_ns = 6;
  FileSums sums;
  sums.remember(stamp, image::ContentSum(8, 9));
  EXPECT_EQ(sums.find(stamp), image::ContentSum(8, 9));
  EXPECT_FALSE(sums.find(later));
  sums.remember(later, image::ContentSum(10, 11));
  EXPECT_EQ(sums.find(later), image::ContentSum(10, 11));
  EXPECT_FALSE(sums.find(stamp));
}

TEST(FileSums, WhatNobodyAsksForIsForgotten) {
  const FileStamp one{1, 2, 3, 4, 5}, other{1, 3, 3, 4, 5};
  FileSums sums;
  sums.remember(one, image::ContentSum(1, 1));
  sums.remember(other, image::ContentSum(2, 2));
  sums.forget_unused();
  EXPECT_TRUE(sums.find(one));
  sums.forget_unused();
  EXPECT_TRUE(sums.find(one));
  EXPECT_FALSE(sums.find(other));
}

}  // namespace
}  // namespace appshot
