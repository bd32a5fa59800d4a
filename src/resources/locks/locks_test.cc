#include "resources/locks/locks.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace appshot::locks {
namespace {

TEST(Locks, ReadsEachKind) {
  auto locks = parse(
      "pos:\t0\nflags:\t0100002\nmnt_id:\t29\nino:\t5678\n"
      "lock:\t1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF\n"
      "lock:\t2: POSIX  ADVISORY  READ  1234 fe:00:5678 100 199\n"
      "lock:\t3: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF\n"
      "lock:\t4: OFDLCK ADVISORY  READ  -1 fe:00:5678 9223372036854775806 EOF\n"
      "lock:\t5: LEASE  ACTIVE    READ  1234 fe:00:5678 0 EOF\n");
  ASSERT_EQ(locks.size(), 5u);
  EXPECT_EQ(locks[0]->kind, image::LockKind::posix);
  EXPECT_EQ(locks[0]->type, F_WRLCK);
  EXPECT_EQ(locks[0]->start, 0);
  EXPECT_EQ(locks[0]->end, -1);
  EXPECT_EQ(locks[1]->type, F_RDLCK);
  EXPECT_EQ(locks[1]->start, 100);
  EXPECT_EQ(locks[1]->end, 199);
  EXPECT_EQ(locks[2]->kind, image::LockKind::flock);
  EXPECT_EQ(locks[3]->kind, image::LockKind::open_file);
  EXPECT_EQ(locks[3]->start, INT64_MAX - 1);
  EXPECT_EQ(locks[4]->kind, image::LockKind::lease);
  EXPECT_TRUE(belongs_to_process(*locks[0]));
  EXPECT_FALSE(belongs_to_process(*locks[3]));
}

TEST(Locks, OtherLinesAreNone) {
  EXPECT_TRUE(parse("").empty());
  EXPECT_TRUE(parse("pos:\t0\nlock:\ttorn\n").empty());
}

}  // namespace
}  // namespace appshot::locks
