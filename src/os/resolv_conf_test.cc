#include "os/resolv_conf.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

TEST(ResolvConf, IsLocalWhenAllServersAre) {
  EXPECT_TRUE(names_only_loopback("# comment\nnameserver 127.0.0.53\noptions edns0\n"));
  EXPECT_TRUE(names_only_loopback("nameserver ::1\nnameserver 127.0.0.1"));
  EXPECT_FALSE(names_only_loopback("nameserver 127.0.0.1\nnameserver 10.0.0.1\n"));
  EXPECT_FALSE(names_only_loopback("search example.org\n#nameserver 127.0.0.1\n"));
  EXPECT_FALSE(names_only_loopback(""));
}

TEST(ResolvConf, NamesServersInTheirOrder) {
  const std::vector<IpAddress> servers = name_servers_in(
      "search a.example\nnameserver ::1\n nameserver 127.0.0.11 # Docker's\nnameserver "
      "fe80::1%eth0\n"
      "nameserver\nnameserver nonsense\n");
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_EQ(servers[0].text(), "::1");
  EXPECT_EQ(servers[1].text(), "127.0.0.11");
}

TEST(ResolvConf, AnotherServerKeepsTheRest) {
  EXPECT_EQ(
      with_name_server("search a.example\nnameserver ::1\nnameserver 127.0.0.1\noptions ndots:0",
                       IpAddress::v4(0xc6120001)),
      "nameserver 198.18.0.1\nsearch a.example\noptions ndots:0\n");
}

}  // namespace
}  // namespace appshot
