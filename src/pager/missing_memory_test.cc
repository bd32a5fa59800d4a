#include "pager/missing_memory.h"

#include <gtest/gtest.h>

#include "image/format.h"

namespace appshot {
namespace {

using Piece = MissingMemory::Piece;
using Pieces = std::vector<Piece>;

constexpr uint64_t kBlock = image::kPagesBlock;
constexpr uint64_t kPage = 4096;

TEST(MissingMemory, gives_out_pieces_of_one_block_of_the_image) {
  MissingMemory missing;
  missing.add({0x10000, 2 * kBlock, kBlock - kPage});
  EXPECT_EQ(missing.next(0), (Piece{0x10000, kPage, kBlock - kPage}));
  EXPECT_EQ(missing.next(0x11000), (Piece{0x11000, kBlock, kBlock}));
  EXPECT_EQ(missing.next(0x12000), (Piece{0x12000, kBlock - kPage, kBlock + kPage}));
}

TEST(MissingMemory, goes_on_with_the_first_behind_the_last) {
  MissingMemory missing;
  missing.add({0x10000, kPage, 0});
  EXPECT_EQ(missing.next(0x20000), (Piece{0x10000, kPage, 0}));
  EXPECT_EQ(MissingMemory().next(0), std::nullopt);
}

TEST(MissingMemory, finds_the_block_around_an_address) {
  MissingMemory missing;
  missing.add({0x100000, 3 * kBlock, kBlock / 2});
  EXPECT_EQ(missing.around(0x100000 + kPage), (Piece{0x100000, kBlock / 2, kBlock / 2}));
  EXPECT_EQ(missing.around(0x100000 + kBlock), (Piece{0x100000 + kBlock / 2, kBlock, kBlock}));
  EXPECT_EQ(missing.around(0x100000 - 1), std::nullopt);
  EXPECT_EQ(missing.around(0x100000 + 3 * kBlock), std::nullopt);
}

TEST(MissingMemory, forgets_the_middle_of_a_run) {
  MissingMemory missing;
  missing.add({0x10000, 4 * kPage, 0});
  missing.erase(0x11000, 0x13000);
  EXPECT_EQ(missing.all(), (Pieces{{0x10000, kPage, 0}, {0x13000, kPage, 3 * kPage}}));
  EXPECT_EQ(missing.bytes(), 2 * kPage);
  missing.erase(0, 0x20000);
  EXPECT_TRUE(missing.empty());
  EXPECT_EQ(missing.bytes(), 0U);
}

TEST(MissingMemory, follows_what_is_moved_and_drops_what_was_there) {
  MissingMemory missing;
  missing.add({0x10000, 4 * kPage, 0});
  missing.add({0x30000, 4 * kPage, 0x8000});
  missing.move(0x11000, 0x31000, 2 * kPage);
  EXPECT_EQ(missing.all(), (Pieces{{0x10000, kPage, 0},
                                   {0x13000, kPage, 3 * kPage},
                                   {0x30000, kPage, 0x8000},
                                   {0x31000, 2 * kPage, kPage},
                                   {0x33000, kPage, 0xb000}}));
  EXPECT_EQ(missing.bytes(), 6 * kPage);
}

TEST(MissingMemory, knows_what_of_a_piece_is_still_missing_where_it_was) {
  MissingMemory missing;
  missing.add({0x10000, 4 * kPage, 0});
  const Piece piece = *missing.next(0);
  missing.erase(0x11000, 0x12000);
  EXPECT_EQ(missing.still(piece), (Pieces{{0x10000, kPage, 0}, {0x12000, 2 * kPage, 2 * kPage}}));
  missing.add({0x40000, kPage, 0x9000});
  missing.move(0x40000, 0x10000, kPage);
  EXPECT_EQ(missing.still(piece), (Pieces{{0x12000, 2 * kPage, 2 * kPage}}));
}

}  // namespace
}  // namespace appshot
