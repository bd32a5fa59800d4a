#include "resources/epoll/epoll.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

namespace appshot::epolls {
namespace {

TEST(EpollTargets, AreReadInTheKernelsOrder) {
  auto targets = parse_targets(
      "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t1057\n"
      "tfd:        5 events:       19 data:                5  pos:0 ino:421 sdev:d\n"
      "tfd:      700 events: c0002019 data: ffffffffffffffff  pos:0 ino:9 sdev:f\n"
      "tfd:        5 events:        0 data:     7f0000001000  pos:0 ino:a3 sdev:8\n");
  ASSERT_EQ(targets.size(), 3u);
  EXPECT_EQ(targets[0].fd, 5);
  EXPECT_EQ(targets[0].events, uint32_t{EPOLLIN | EPOLLERR | EPOLLHUP});
  EXPECT_EQ(targets[0].data, 5u);
  EXPECT_EQ(targets[1].fd, 700);
  EXPECT_EQ(targets[1].events, 0xc0002019u);
  EXPECT_EQ(targets[1].data, ~uint64_t{0});
  EXPECT_EQ(targets[2].events, 0u);
  EXPECT_EQ(targets[2].data, 0x7f0000001000u);
}

TEST(EpollTargets, AnEmptySetHasNone) {
  EXPECT_TRUE(parse_targets("pos:\t0\nflags:\t02\n").empty());
}

}  // namespace
}  // namespace appshot::epolls
