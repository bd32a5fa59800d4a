#include "os/whole_packets.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <sys/socket.h>

#include <cstring>
#include <limits>

#include "os/nftables.h"
#include "os/packet_bytes.h"
#include "os/unique_fd.h"

namespace appshot {
namespace {

constexpr char kTable[] = "appshot-silence";
constexpr char kChain[] = "output";

}  // namespace

Result<> send_whole_packet(std::span<const uint8_t> packet, uint32_t mark) {
  const bool is_v4 = !packet.empty() && packet[0] >> 4 == 4;
  if (packet.size() < (is_v4 ? sizeof(iphdr) : sizeof(ip6_hdr)))
    return Error(ErrorClass::corrupt, "a packet without its header");
  UniqueFd raw(TRY_SYS(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)));
  constexpr char kLoopback[] = "lo";
  TRY_SYS(::setsockopt(raw.get(), SOL_SOCKET, SO_BINDTODEVICE, kLoopback, sizeof kLoopback));
  if (mark != 0) TRY_SYS(::setsockopt(raw.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  if (is_v4)
    std::memcpy(&v4.sin_addr, packet.data() + offsetof(iphdr, daddr), sizeof v4.sin_addr);
  else
    std::memcpy(&v6.sin6_addr, packet.data() + offsetof(ip6_hdr, ip6_dst), sizeof v6.sin6_addr);
  const auto* to =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  TRY_SYS(::sendto(raw.get(), packet.data(), packet.size(), 0, to, is_v4 ? sizeof v4 : sizeof v6));
  return {};
}

Result<Silence> Silence::begin(uint32_t but_for_mark) {
  NetlinkSocket kernel = TRY(NetlinkSocket::open(NETLINK_NETFILTER));
  nft::Transaction all(kTable);
  all.add_table().delete_table().add_table();
  all.add_chain({kChain, "filter", NF_INET_LOCAL_OUT, std::numeric_limits<int32_t>::min()});
  nft::Rule others;
  others.meta(NFT_META_MARK, 0).compare(0, NFT_CMP_NEQ, bytes_of(but_for_mark)).verdict(NF_DROP);
  TRY(all.add_rule(kChain, others).commit(kernel));
  return Silence();
}

Silence::~Silence() {
  if (!is_ours_) return;
  Result<NetlinkSocket> kernel = NetlinkSocket::open(NETLINK_NETFILTER);
  if (kernel) (void)!nft::Transaction(kTable).delete_table().commit(*kernel);
}

}  // namespace appshot
