#include "os/network_look.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace appshot {
namespace {

class ALook : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

struct Look {
  NetworkObjects objects;
  NetworkSettings settings;
};

Look at_new_network(bool loopback_up) {
  Look look;
  Result<> done = in_new_network(loopback_up, [&]() -> Result<> {
    EXPECT_EQ(TRY(is_loopback_up()), loopback_up);
    look.objects = TRY(list_network_objects());
    look.settings = read_network_settings();
    return {};
  });
  EXPECT_TRUE(done);
  return look;
}

TEST_F(ALook, AtANewNetworkIsTheSameEachTime) {
  for (bool up : {false, true}) {
    const Look one = at_new_network(up), other = at_new_network(up);
    EXPECT_EQ(one.objects, other.objects);
    EXPECT_EQ(one.settings, other.settings);
    EXPECT_FALSE(one.settings.empty());
  }
}

TEST_F(ALook, TellsThatLoopbackIsUp) {
  EXPECT_NE(at_new_network(true).objects, at_new_network(false).objects);
}

}  // namespace
}  // namespace appshot
