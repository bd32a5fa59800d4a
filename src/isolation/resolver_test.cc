#include "isolation/resolver.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

TEST(Resolver, IsLocalWhenAllServersAre) {
  EXPECT_TRUE(names_only_loopback("# comment\nnameserver 127.0.0.53\noptions edns0\n"));
  EXPECT_TRUE(names_only_loopback("nameserver ::1\nnameserver 127.0.0.1"));
  EXPECT_FALSE(names_only_loopback("nameserver 127.0.0.1\nnameserver 10.0.0.1\n"));
  EXPECT_FALSE(names_only_loopback("search example.org\n#nameserver 127.0.0.1\n"));
  EXPECT_FALSE(names_only_loopback(""));
}

}  // namespace
}  // namespace appshot
