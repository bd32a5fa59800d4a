// What an application has put into the network it runs in: devices of each kind, addresses, routes,
// rules, neighbours and settings.
#include "subject_tools.h"

static void expect_setting(const char* path, const char* value) {
  char text[64];
  read_text(path, text, sizeof text);
  CHECK_STR(text, value);
}

static void make_devices(void) {
  tool("ip link add v0 type veth peer name v1");
  tool("ip link set v0 mtu 1400 address 02:00:00:00:00:10 alias 'one end'");
  tool("ip link property add dev v0 altname another-name");
  tool("ip link add br0 type bridge forward_delay 0 ageing_time 12300");
  tool("ip link set v1 master br0");
  tool("bridge link set dev v1 hairpin on cost 7");
  tool("ip link add f0 type ifb");
  tool("ip link add m0 link v0 type macvlan mode bridge");
  tool("ip link set v0 up; ip link set v1 up; ip link set br0 up");
  tool("ip link set m0 up promisc on");
}

static void make_objects(void) {
  tool("ip addr add 10.71.0.1/24 dev v0");
  tool("ip addr add 10.71.0.2/24 dev v0");  // a second one
  tool("ip addr add 10.72.0.1/24 brd + dev br0 label br0:x");
  tool("ip addr add fd71::1/64 dev v0 nodad");
  tool("ip addr add 10.79.0.1/32 dev lo");
  tool("ip addr add 10.80.0.1/32 dev v0 valid_lft 5000 preferred_lft 4000");
  tool("ip route add 10.73.0.0/16 via 10.71.0.7 dev v0 metric 50 mtu 1300");
  tool("ip route add 10.74.0.0/16 via 10.73.0.9 dev v0 onlink table 77");
  tool("ip route add 10.75.0.0/16 nexthop via 10.71.0.8 dev v0 weight 2 nexthop via 10.72.0.8");
  tool("ip route add blackhole 10.76.0.0/16");
  tool("ip -6 route add fd72::/64 via fd71::2 dev v0");
  tool("ip rule add from 10.71.0.0/24 fwmark 0x10/0xff lookup 77 priority 100");
  tool("ip -6 rule add to fd73::/64 lookup 78 priority 101");
  tool("ip neigh add 10.71.0.9 lladdr 02:00:00:00:00:99 dev v0 nud permanent");
  tool("ip -6 neigh add fd71::9 lladdr 02:00:00:00:00:98 dev v0 nud permanent");
  tool("bridge fdb add 02:00:00:00:00:97 dev v1 master static");
}

static void make_settings(void) {
  write_text("/proc/sys/net/ipv4/ip_default_ttl", "77\n");
  write_text("/proc/sys/net/ipv4/conf/all/forwarding", "1\n");
  write_text("/proc/sys/net/ipv4/conf/v0/forwarding", "0\n");
  write_text("/proc/sys/net/ipv4/conf/v0/rp_filter", "2\n");
  write_text("/proc/sys/net/ipv6/conf/br0/hop_limit", "33\n");
  write_text("/proc/sys/net/ipv4/neigh/v0/ucast_solicit", "5\n");
}

static void check_settings(void) {
  expect_setting("/proc/sys/net/ipv4/ip_default_ttl", "77\n");
  expect_setting("/proc/sys/net/ipv4/conf/all/forwarding", "1\n");
  expect_setting("/proc/sys/net/ipv4/conf/v0/forwarding", "0\n");
  expect_setting("/proc/sys/net/ipv4/conf/br0/forwarding", "1\n");
  expect_setting("/proc/sys/net/ipv4/conf/v0/rp_filter", "2\n");
  expect_setting("/proc/sys/net/ipv6/conf/br0/hop_limit", "33\n");
  expect_setting("/proc/sys/net/ipv4/neigh/v0/ucast_solicit", "5\n");
}

static void check_bridge(void) {
  char* entries = told_by("bridge fdb show br br0");
  CHECK(strstr(entries, "02:00:00:00:00:97 dev v1 master br0 static") != NULL);
  char* link = told_by("bridge -d link show dev v1");
  CHECK(strstr(link, "hairpin on") != NULL && strstr(link, "cost 7") != NULL);
  free(entries), free(link);
}

// The instance's own cable is appshot's; what else it is told is the application's.
static const char kCable[] = "eth0";

static bool has_cable(void) { return if_nametoindex(kCable) != 0; }

static void check_cable(void) {
  if (!has_cable()) return;
  char* addresses = told_by("ip -o addr show dev eth0");
  CHECK(strstr(addresses, "10.90.0.1/32") != NULL);
  char* routes = told_by("ip -o route show dev eth0");
  CHECK(strstr(routes, "10.90.1.0/24 scope link") != NULL);
  CHECK(strstr(routes, "default") != NULL);
  free(addresses), free(routes);
  expect_setting("/proc/sys/net/ipv4/conf/eth0/rp_filter", "2\n");
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() == 0) CHECK_OK(unshare(CLONE_NEWNET)), tool("ip link set lo up");
  make_devices();
  make_settings();
  make_objects();
  if (has_cable()) {
    tool("ip addr add 10.90.0.1/32 dev eth0; ip route add 10.90.1.0/24 dev eth0");
    write_text("/proc/sys/net/ipv4/conf/eth0/rp_filter", "2\n");
  }
  struct looks before = look();
  STEP("made");
  check_looks(&before);
  check_cable();
  check_settings();
  check_bridge();
  // What the kernel would have made by itself, and default rules.
  tool("ip rule del priority 32767; ip route add unreachable default metric 9999");
  tool("ip link del m0; ip link del f0; ip link set v1 nomaster");
  tool("ip addr add 10.71.1.1/24 dev v1; ip addr flush dev v0 scope link");
  before = look();
  STEP("changed");
  check_looks(&before);
  check_settings();
  check_cable();
  subject_done();
}
