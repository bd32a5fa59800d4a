#include "cli/session.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace appshot {
namespace {

TEST(DetachKeys, AreFoundEvenWhenTypedOneByOne) {
  DetachKeys keys;
  bool detach = false;
  EXPECT_EQ(keys.filter("ab\x10", detach), "ab");
  EXPECT_FALSE(detach);
  EXPECT_EQ(keys.filter("\x11", detach), "");
  EXPECT_TRUE(detach);
}

TEST(DetachKeys, PassALoneControlPOn) {
  DetachKeys keys;
  bool detach = false;
  EXPECT_EQ(keys.filter("\x10", detach), "");
  EXPECT_EQ(keys.filter("x", detach), "\x10x");
  EXPECT_EQ(keys.filter("\x10\x10\x11", detach), "\x10");
  EXPECT_TRUE(detach);
}

TEST(ShellStatus, IsThatOfAShell) {
  EXPECT_EQ(shell_status(0), 0);
  EXPECT_EQ(shell_status(3 << 8), 3);
  EXPECT_EQ(shell_status(SIGKILL), 137);
}

}  // namespace
}  // namespace appshot
