// The writer and the reader of the pages file, together.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "image/pages_reader.h"
#include "image/pages_writer.h"
#include "os/file.h"
#include "os/parallel.h"

namespace appshot::image {
namespace {

namespace fs = std::filesystem;

Result<> append(PagesWriter& writer, std::span<const char> bytes) {
  while (!bytes.empty()) {
    std::span<char> room = writer.room();
    const size_t part = std::min(room.size(), bytes.size());
    std::copy_n(bytes.begin(), part, room.begin());
    TRY(writer.commit(part));
    bytes = bytes.subspan(part);
  }
  return {};
}

class PagesTest : public testing::Test {
 protected:
  PagesTest() {
    std::string pattern = fs::temp_directory_path() / "appshot-pages-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/pages";
  }
  ~PagesTest() override { fs::remove_all(folder_); }

  // Bytes that say where they are, so that a misplaced one is seen.
  void write(size_t bytes) {
    std::mt19937_64 random(bytes);
    content_.resize(bytes);
    for (char& byte : content_) byte = static_cast<char>(random());
    std::unique_ptr<PagesFile> file = PagesFile::create(path_).value();
    PagesWriter writer(*file);
    ASSERT_TRUE(append(writer, content_));
    ASSERT_TRUE(writer.close());
    ASSERT_TRUE(file->finish());
    ASSERT_EQ(file->length(), bytes);
    part_ = file->part(kPagesName);
  }

  Result<PagesReader> open() {
    PagesParts parts;
    if (part_->length > 0) parts.push_back(std::make_unique<PagesPartT>(*part_));
    return PagesReader::open(folder_, parts);
  }
  Result<> verify_all() { return open()->verify({PageRun(0, content_.size(), 0)}); }

  void flip(uint64_t at) {
    UniqueFd file = open_file(path_, O_RDWR).value();
    char byte = static_cast<char>(content_[at] ^ 1);
    ASSERT_EQ(::pwrite(file.get(), &byte, 1, static_cast<off_t>(at)), 1);
  }

  std::string folder_, path_;
  std::vector<char> content_;
  std::unique_ptr<PagesPartT> part_;
};

TEST_F(PagesTest, EveryPieceIsReadBackWhereverItLies) {
  write(3 * kPagesBlock + 12345);
  PagesReader reader = open().value();
  struct Piece {
    uint64_t offset, length;
  };
  // Within a block, over its edge, over several, whole blocks, the very end; given out of order.
  const std::vector<Piece> pieces{{2 * kPagesBlock - 1, 2},
                                  {10, 100},
                                  {kPagesBlock - 4096, 4096},
                                  {kPagesBlock, kPagesBlock - 1},
                                  {2 * kPagesBlock + 1, kPagesBlock + 5},
                                  {3 * kPagesBlock + 12344, 1}};
  std::vector<std::vector<char>> places;
  std::vector<Placement> placements;
  for (const Piece& piece : pieces) places.emplace_back(piece.length);
  for (size_t i = 0; i < pieces.size(); ++i)
    placements.push_back({pieces[i].offset, pieces[i].length, places[i].data()});
  ASSERT_TRUE(reader.load(placements));
  for (size_t i = 0; i < pieces.size(); ++i) {
    auto from = content_.begin() + static_cast<ptrdiff_t>(pieces[i].offset);
    EXPECT_TRUE(std::equal(places[i].begin(), places[i].end(), from)) << "piece " << i;
  }
}

TEST_F(PagesTest, OnePieceMaySpanTheWholeFile) {
  write(5 * kPagesBlock);
  PagesReader reader = open().value();
  std::vector<char> place(content_.size());
  uint64_t told = 0;
  auto tell = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(done, told + kPagesBlock);
    EXPECT_EQ(total, place.size());
    told = done;
  };
  ASSERT_TRUE(reader.load({{0, place.size(), place.data()}}, tell));
  EXPECT_EQ(told, place.size());
  EXPECT_EQ(place, content_);
  EXPECT_TRUE(verify_all());
}

TEST_F(PagesTest, SizesAroundABlockHaveTheRightNumberOfChecksums) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{kPagesBlock - 1}, size_t{kPagesBlock},
                      size_t{kPagesBlock + 1}}) {
    fs::remove(path_);
    write(size);
    EXPECT_EQ(part_->checksums.size(), (size + kPagesBlock - 1) / kPagesBlock);
    ASSERT_TRUE(open()) << size;
    if (size > 0) {
      EXPECT_TRUE(verify_all()) << size;
    }
  }
}

TEST_F(PagesTest, HowMuchIsCommittedAtATimeChangesNothing) {
  write(kPagesBlock + 1000);
  std::string other = folder_ + "/other";
  std::unique_ptr<PagesFile> file = PagesFile::create(other).value();
  PagesWriter writer(*file);
  for (size_t at = 0; at < content_.size();) {
    std::span<char> room = writer.room();
    ASSERT_FALSE(room.empty());
    size_t part = std::min({room.size(), content_.size() - at, size_t{777}});
    std::copy_n(content_.begin() + static_cast<ptrdiff_t>(at), part, room.begin());
    ASSERT_TRUE(writer.commit(part));
    at += part;
  }
  ASSERT_TRUE(writer.close());
  ASSERT_TRUE(file->finish());
  EXPECT_EQ(file->part(kPagesName)->checksums, part_->checksums);
  EXPECT_EQ(read_file(other).value(), read_file(path_).value());
}

TEST_F(PagesTest, SeveralWritersShareAFile) {
  constexpr size_t kWriters = 4, kPieces = 300, kPiece = 4096;
  std::unique_ptr<PagesFile> file = PagesFile::create(path_).value();
  uint64_t told = 0;
  file->on_block([&](uint64_t bytes) {
    EXPECT_GT(bytes, told);
    told = bytes;
  });
  struct Piece {
    uint64_t offset;
    char content;
  };
  std::vector<std::vector<Piece>> pieces(kWriters);
  in_parallel(kWriters, [&](size_t w) {
    PagesWriter writer(*file);
    // Each ends in the middle of a block, so all but one leave a gap.
    for (size_t i = 0; i < kPieces + w; ++i) {
      const auto content = static_cast<char>('a' + w + 4 * (i % 5));
      pieces[w].push_back({writer.offset(), content});
      ASSERT_TRUE(append(writer, std::vector<char>(kPiece, content)));
    }
    ASSERT_TRUE(writer.close());
  });
  ASSERT_TRUE(file->finish());
  part_ = file->part(kPagesName);
  PagesReader reader = open().value();
  EXPECT_TRUE(reader.verify({PageRun(0, file->length(), 0)}));
  std::vector<Placement> placements;
  std::vector<std::vector<char>> places;
  for (const auto& of_one : pieces)
    for (size_t i = 0; i < of_one.size(); ++i) places.emplace_back(kPiece);
  size_t at = 0;
  for (const auto& of_one : pieces)
    for (const Piece& piece : of_one)
      placements.push_back({piece.offset, kPiece, places[at++].data()});
  ASSERT_TRUE(reader.load(placements));
  at = 0;
  for (const auto& of_one : pieces)
    for (const Piece& piece : of_one)
      EXPECT_EQ(places[at++], std::vector<char>(kPiece, piece.content));
  EXPECT_EQ(told, (kWriters * kPieces + 6) * kPiece);
}

TEST_F(PagesTest, AWriterThatWroteNothingLeavesNothing) {
  std::unique_ptr<PagesFile> file = PagesFile::create(path_).value();
  PagesWriter writer(*file);
  EXPECT_EQ(writer.offset(), 0u);
  ASSERT_TRUE(writer.commit(0));
  ASSERT_TRUE(writer.close());
  ASSERT_TRUE(file->finish());
  EXPECT_EQ(file->length(), 0u);
  EXPECT_TRUE(file->part(kPagesName)->checksums.empty());
}

TEST_F(PagesTest, AFileOfAnotherLengthIsRefused) {
  write(kPagesBlock + 5000);
  ASSERT_EQ(::truncate(path_.c_str(), kPagesBlock + 4999), 0);
  EXPECT_EQ(open().error().cls(), ErrorClass::corrupt);
  ASSERT_EQ(::truncate(path_.c_str(), kPagesBlock + 5001), 0);
  EXPECT_EQ(open().error().cls(), ErrorClass::corrupt);
  ASSERT_EQ(::truncate(path_.c_str(), kPagesBlock + 5000), 0);
}

TEST_F(PagesTest, AFileCutWhileItIsReadIsRefused) {
  write(2 * kPagesBlock);
  PagesReader reader = open().value();
  ASSERT_EQ(::truncate(path_.c_str(), kPagesBlock), 0);
  EXPECT_EQ(reader.verify({PageRun(0, content_.size(), 0)}).error().cls(), ErrorClass::corrupt);
}

TEST_F(PagesTest, AChangedByteIsFoundByWhoeverReadsItsBlock) {
  write(3 * kPagesBlock);
  PagesReader reader = open().value();
  char byte = 0;
  for (uint64_t at : {uint64_t{0}, uint64_t{kPagesBlock}, uint64_t{2 * kPagesBlock - 1}}) {
    flip(at);
    EXPECT_EQ(reader.verify({PageRun(0, content_.size(), 0)}).error().cls(), ErrorClass::corrupt);
    // Even when another byte of the block was asked for; other blocks stay readable.
    EXPECT_FALSE(reader.load({{at / kPagesBlock * kPagesBlock + 77, 1, &byte}}));
    EXPECT_TRUE(reader.load({{2 * kPagesBlock + 5, 1, &byte}}));
    UniqueFd file = open_file(path_, O_RDWR).value();
    ASSERT_EQ(::pwrite(file.get(), &content_[at], 1, static_cast<off_t>(at)), 1);
  }
  EXPECT_TRUE(reader.verify({PageRun(0, content_.size(), 0)}));
}

TEST_F(PagesTest, PiecesOutsideOrOverOneAnotherAreRefused) {
  write(kPagesBlock);
  PagesReader reader = open().value();
  std::vector<char> place(kPagesBlock);
  for (const std::vector<Placement>& wrong :
       std::vector<std::vector<Placement>>{{{kPagesBlock, 1, place.data()}},
                                           {{kPagesBlock - 1, 2, place.data()}},
                                           {{1, ~0ULL, place.data()}},
                                           {{0, 10, place.data()}, {9, 10, place.data() + 100}}})
    EXPECT_EQ(reader.load(wrong).error().cls(), ErrorClass::corrupt);
}

// Several snapshots of one application: each wrote what had changed.
TEST_F(PagesTest, PartsLieInSeveralFilesAndEachRunInOne) {
  write(2 * kPagesBlock + 100);
  ASSERT_EQ(::rename(path_.c_str(), (folder_ + "/" + pages_name_of("first")).c_str()), 0);
  part_->file = pages_name_of("first");
  PagesParts parts;
  parts.push_back(std::move(part_));
  const uint64_t base = next_base(parts);
  EXPECT_EQ(base, 4 * kPagesBlock);
  std::unique_ptr<PagesFile> file = PagesFile::create(path_, base).value();
  PagesWriter writer(*file);
  EXPECT_EQ(writer.offset(), base);
  ASSERT_TRUE(append(writer, std::vector<char>(5000, 'n')));
  ASSERT_TRUE(writer.close());
  ASSERT_TRUE(file->finish());
  parts.push_back(file->part(kPagesName));
  ASSERT_TRUE(verify_parts(parts));
  PagesReader reader = PagesReader::open(folder_, parts).value();
  std::vector<char> old(100), fresh(5000);
  ASSERT_TRUE(reader.load({{base, 5000, fresh.data()}, {2 * kPagesBlock, 100, old.data()}}));
  EXPECT_EQ(fresh, std::vector<char>(5000, 'n'));
  EXPECT_TRUE(std::equal(old.begin(), old.end(), content_.end() - 100));
  EXPECT_TRUE(reader.verify({PageRun(0, 5000, base), PageRun(0, 100, 5)}));
  char byte = 0;
  for (const Placement& none :
       {Placement{2 * kPagesBlock + 99, 2, &byte}, Placement{3 * kPagesBlock, 1, &byte},
        Placement{base + 5000, 1, &byte}})
    EXPECT_EQ(reader.load({none}).error().cls(), ErrorClass::corrupt);

  // What one image needs of them, as one file.
  CompactParts compacted = compact(parts, {PageRun(0, 10, base + 5), PageRun(0, 1, kPagesBlock)});
  ASSERT_TRUE(verify_parts(compacted.parts));
  ASSERT_EQ(compacted.parts.size(), 2u);
  EXPECT_EQ(compacted.parts[0]->base, kPagesBlock);
  EXPECT_EQ(compacted.parts[0]->length, kPagesBlock);
  EXPECT_EQ(compacted.taken[0]->position, kPagesBlock);
  EXPECT_EQ(compacted.parts[1]->base, base);
  EXPECT_EQ(compacted.parts[1]->position, kPagesBlock);
  EXPECT_EQ(compacted.taken[1]->file, kPagesName);
}

TEST_F(PagesTest, DamageWhereNothingIsWantedIsNobodysConcern) {
  write(3 * kPagesBlock);
  flip(kPagesBlock + 5);
  EXPECT_TRUE(open()->verify({PageRun(0, 100, 7), PageRun(0, 100, 2 * kPagesBlock)}));
  EXPECT_FALSE(open()->verify({PageRun(0, 1, kPagesBlock)}));
}

TEST_F(PagesTest, AnExistingFileIsNeverWrittenOver) {
  write(10);
  EXPECT_FALSE(PagesFile::create(path_));
}

}  // namespace
}  // namespace appshot::image
