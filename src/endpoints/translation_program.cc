#include "endpoints/translation_program.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "os/bpf_steps.h"

namespace appshot {
namespace {

using bpf::Steps;

enum Verdict { kNext = -1, kDrop = 2 };  // TCX_*

// What registers hold; but for the first of these, calls leave them alone.
constexpr int kEtherType = 2;
constexpr int kPacket = 6;
constexpr int kTransport = 7;  // where what the IP packet carries begins; then its checksum
constexpr int kProtocol = 8;   // of that; then how its checksum is to be corrected
constexpr int kHeaderAt = 9;   // where the IP header begins that is looked at
constexpr int kStack = 10;

// On the program's stack.
constexpr int kHeader = -40;          // a copy of the IP header
constexpr int kAddress = -56;         // the new address
constexpr int kPiece = -64;           // of the packet
constexpr int kChecksumBefore = -72;  // of what an error quotes
constexpr int kMessage = -80;         // where that of ICMP begins

constexpr int kNoProtocol = 256;  // what an IP packet carries cannot be told, or has no beginning

constexpr int kUdpLite = 136, kDccp = 33;
// What may stand between IPv6 and what it carries; a bit for each. (Whoever signs addresses, AH,
// cannot have them exchanged.)
constexpr uint64_t kExtensions = uint64_t{1} << IPPROTO_HOPOPTS | uint64_t{1} << IPPROTO_ROUTING |
                                 uint64_t{1} << IPPROTO_FRAGMENT | uint64_t{1} << IPPROTO_DSTOPTS;
// No packet has more that is not made to annoy: options, a route, options again, and a fragment.
constexpr int kExtensionsMax = 4;
constexpr int kIcmpErrors[] = {ICMP_DEST_UNREACH, ICMP_SOURCE_QUENCH, ICMP_REDIRECT,
                               ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB};
constexpr int kIcmpV6NoError = 128;  // and all above
constexpr int kIcmpChecksumAt = 2, kIcmpQuoteAt = 8;

struct Checksum {
  int protocol;
  int at;
  int how;  // BPF_F_*
};
// Those that cover the addresses. One of 0 says that there is none.
constexpr Checksum kChecksums[] = {{IPPROTO_TCP, 16, 0},
                                   {IPPROTO_UDP, 6, BPF_F_MARK_MANGLED_0},
                                   {kUdpLite, 6, BPF_F_MARK_MANGLED_0},
                                   {kDccp, 6, 0}};

struct Family {
  uint16_t ether_type;
  int header_bytes;
  int source_at, destination_at, address_bytes;
  int icmp;
};
constexpr Family kV4{ETH_P_IP, 20, 12, 16, 4, IPPROTO_ICMP};
constexpr Family kV6{ETH_P_IPV6, 40, 8, 24, 16, IPPROTO_ICMPV6};
constexpr int kV4ChecksumAt = 10;

// By how much the sum of a packet's words grows.
int difference(const IpAddress& from, const IpAddress& to) {
  uint64_t sum = 0;
  for (size_t at = 0; at < to.bytes().size(); at += sizeof(uint32_t)) {
    uint32_t gone, come;
    std::memcpy(&gone, from.bytes().data() + at, sizeof gone);
    std::memcpy(&come, to.bytes().data() + at, sizeof come);
    sum += uint64_t{come} + ~gone;
  }
  while (sum >> 32 != 0) sum = (sum & UINT32_MAX) + (sum >> 32);
  return static_cast<int>(static_cast<uint32_t>(sum));
}

int word(const IpAddress& address, int at) {
  int word;
  std::memcpy(&word, address.bytes().data() + at, sizeof word);
  return word;
}

// The part of the program that makes one exchange, in packets of its family.
class Part {
 public:
  Part(Steps& steps, const Exchange& exchange)
      : steps_(steps),
        exchange_(exchange),
        is_v4_(exchange.from.is_v4()),
        family_(is_v4_ ? kV4 : kV6),
        difference_(difference(exchange.from, exchange.to)),
        at_(exchange.which == Exchange::Which::source ? family_.source_at : family_.destination_at),
        quoted_at_(exchange.which == Exchange::Which::source ? family_.destination_at
                                                             : family_.source_at) {}

  // The packet's header, for all that follows.
  void look_at_packet(Steps::Place& otherwise) {
    steps_.add({bpf::set(kHeaderAt, ETH_HLEN)});
    load_header(otherwise);
  }

  // Goes on when that is done or there is nothing to do, with the header's copy as it was.
  // Where it cannot begin it leaves for `pass`; when a change has failed in the middle, for `drop`.
  void write(Steps::Place& pass, Steps::Place& drop) {
    Steps::Place is_icmp, covered, corrected, next;
    find_carried();
    steps_.leave_if(is_icmp, BPF_JEQ, kProtocol, family_.icmp);
    const size_t itself = steps_.now();
    leave_unless_at(at_, next);
    find_checksum(covered, BPF_F_PSEUDO_HDR);
    steps_.leave(corrected);
    steps_.here(covered);
    correct_carried(pass);
    steps_.here(corrected);
    exchange(at_, drop);
    steps_.leave(next);
    // What it quotes comes first, then the message itself. This stands behind what it leads back
    // to: so the kernel, when it verifies the program, has seen that with any protocol already.
    steps_.here(is_icmp);
    write_quoted(drop);
    steps_.leave_back(itself);
    steps_.here(next);
  }

 private:
  void load_piece(int at_register, int ahead, int to, int bytes) {
    steps_.add({bpf::copy(1, kPacket), bpf::copy(2, at_register), bpf::add(2, ahead),
                bpf::copy(3, kStack), bpf::add(3, to), bpf::set(4, bytes),
                bpf::call(BPF_FUNC_skb_load_bytes)});
  }

  void load_header(Steps::Place& otherwise) {
    load_piece(kHeaderAt, 0, kHeader, family_.header_bytes);
    steps_.leave_if(otherwise, BPF_JNE, 0, 0);
  }

  // In the header that is looked at.
  void leave_unless_at(int address_at, Steps::Place& otherwise) {
    for (int at = 0; at < family_.address_bytes; at += 4) {
      steps_.add({bpf::read(BPF_W, 1, kStack, kHeader + address_at + at)});
      steps_.leave_if_half(otherwise, BPF_JNE, 1, word(exchange_.from, at));
    }
  }

  void find_carried() {
    if (is_v4_)
      find_in_v4();
    else
      find_in_v6();
  }

  void find_in_v4() {
    steps_.add({bpf::read(BPF_B, kProtocol, kStack, kHeader + 9),
                bpf::read(BPF_B, kTransport, kStack, kHeader), bpf::mask(kTransport, 15),
                bpf::shift_left(kTransport, 2), bpf::add_register(kTransport, kHeaderAt),
                bpf::read(BPF_H, 1, kStack, kHeader + 6), bpf::mask(1, htons(0x1fff)),
                bpf::skip_if_zero(1, 1), bpf::set(kProtocol, kNoProtocol)});
  }

  void find_in_v6() {
    steps_.add({bpf::read(BPF_B, kProtocol, kStack, kHeader + 6), bpf::copy(kTransport, kHeaderAt),
                bpf::add(kTransport, family_.header_bytes)});
    Steps::Place found;
    for (int i = 0; i < kExtensionsMax; ++i) pass_extension(found);
    steps_.here(found);
  }

  // Leaves when what is there is none. Each begins with the number of what follows it and, but for
  // fragments, with its own length beyond 8 bytes, in units of 8.
  void pass_extension(Steps::Place& found) {
    Steps::Place is_whole, is_no_fragment, has_no_beginning, is_extension;
    steps_.leave_if(found, BPF_JGT, kProtocol, 63);
    steps_.add(bpf::set_long(1, kExtensions));
    steps_.add({bpf::shift_right_by(1, kProtocol), bpf::mask(1, 1)});
    steps_.leave_if(found, BPF_JEQ, 1, 0);
    load_piece(kTransport, 0, kPiece, 4);
    steps_.leave_if(has_no_beginning, BPF_JNE, 0, 0);
    steps_.add({bpf::add(kTransport, 8), bpf::read(BPF_B, 1, kStack, kPiece + 1)});
    steps_.leave_if(is_no_fragment, BPF_JNE, kProtocol, IPPROTO_FRAGMENT);
    steps_.add({bpf::read(BPF_H, 1, kStack, kPiece + 2), bpf::mask(1, htons(0xfff8))});
    steps_.leave_if(is_extension, BPF_JEQ, 1, 0);
    steps_.here(has_no_beginning);
    steps_.add({bpf::set(kProtocol, kNoProtocol)});
    steps_.leave(found);
    steps_.here(is_no_fragment);
    steps_.add({bpf::shift_left(1, 3), bpf::add_register(kTransport, 1)});
    steps_.here(is_extension);
    steps_.add({bpf::read(BPF_B, kProtocol, kStack, kPiece)});
  }

  // Leaves when there is one that covers the addresses, with its place and how it is corrected.
  void find_checksum(Steps::Place& covered, int how) {
    auto add = [&](const Checksum& one) {
      Steps::Place another;
      steps_.leave_if(another, BPF_JNE, kProtocol, one.protocol);
      steps_.add({bpf::add(kTransport, one.at), bpf::set(kProtocol, one.how | how)});
      steps_.leave(covered);
      steps_.here(another);
    };
    for (const Checksum& one : kChecksums) add(one);
    if (!is_v4_) add({IPPROTO_ICMPV6, kIcmpChecksumAt, 0});  // that of IPv4 does not cover them
  }

  void correct_carried(Steps::Place& failed) {
    steps_.add({bpf::copy(1, kPacket), bpf::copy(2, kTransport), bpf::set(3, 0),
                bpf::set(4, difference_), bpf::copy(5, kProtocol),
                bpf::call(BPF_FUNC_l4_csum_replace)});
    steps_.leave_if(failed, BPF_JNE, 0, 0);
  }

  // Of a message of ICMP.
  void write_quoted(Steps::Place& drop) {
    Steps::Place none, covered, corrected;
    steps_.add({bpf::store(kStack, kMessage, kTransport)});
    load_piece(kTransport, 0, kPiece, 1);
    steps_.leave_if(none, BPF_JNE, 0, 0);
    steps_.add({bpf::read(BPF_B, 1, kStack, kPiece)});
    look_for_error(none);
    steps_.add({bpf::copy(kHeaderAt, kTransport), bpf::add(kHeaderAt, kIcmpQuoteAt)});
    load_header(none);
    leave_unless_at(quoted_at_, none);
    find_carried();
    find_checksum(covered, 0);
    steps_.leave(corrected);
    steps_.here(covered);
    correct_quoted(corrected, drop);
    steps_.here(corrected);
    exchange(quoted_at_, drop);
    // That of IPv4 has a checksum of its own, which takes back what the address has added.
    if (!is_v4_) correct_message({bpf::set(3, 0), bpf::set(4, difference_), bpf::set(5, 0)}, drop);
    steps_.here(none);
    look_at_packet(drop);
    steps_.add(
        {bpf::read(BPF_DW, kTransport, kStack, kMessage), bpf::set(kProtocol, family_.icmp)});
  }

  void look_for_error(Steps::Place& otherwise) {
    if (!is_v4_) {
      steps_.leave_if(otherwise, BPF_JGE, 1, kIcmpV6NoError);
      return;
    }
    Steps::Place is_error;
    for (const int type : kIcmpErrors) steps_.leave_if(is_error, BPF_JEQ, 1, type);
    steps_.leave(otherwise);
    steps_.here(is_error);
  }

  // Leaves when so much is not quoted.
  void correct_quoted(Steps::Place& otherwise, Steps::Place& drop) {
    load_piece(kTransport, 0, kChecksumBefore, sizeof(uint16_t));
    steps_.leave_if(otherwise, BPF_JNE, 0, 0);
    correct_carried(drop);
    load_piece(kTransport, 0, kPiece, sizeof(uint16_t));
    steps_.leave_if(drop, BPF_JNE, 0, 0);
    correct_message({bpf::read(BPF_H, 3, kStack, kChecksumBefore),
                     bpf::read(BPF_H, 4, kStack, kPiece), bpf::set(5, sizeof(uint16_t))},
                    drop);
  }

  void correct_message(std::initializer_list<bpf_insn> from_to_how, Steps::Place& drop) {
    steps_.add({bpf::copy(1, kPacket), bpf::read(BPF_DW, 2, kStack, kMessage),
                bpf::add(2, kIcmpChecksumAt)});
    steps_.add(from_to_how);
    steps_.add({bpf::call(BPF_FUNC_l4_csum_replace)});
    steps_.leave_if(drop, BPF_JNE, 0, 0);
  }

  // In the header that is looked at.
  void exchange(int at, Steps::Place& failed) {
    if (is_v4_) {
      steps_.add({bpf::copy(1, kPacket), bpf::copy(2, kHeaderAt), bpf::add(2, kV4ChecksumAt),
                  bpf::set(3, 0), bpf::set(4, difference_), bpf::set(5, 0),
                  bpf::call(BPF_FUNC_l3_csum_replace)});
      steps_.leave_if(failed, BPF_JNE, 0, 0);
    }
    for (int piece = 0; piece < family_.address_bytes; piece += 4)
      steps_.add({bpf::put(BPF_W, kStack, kAddress + piece, word(exchange_.to, piece))});
    // Where the kernel has summed up the packet, the new address is a part of the sum; that of IPv4
    // is taken back by the header's own checksum.
    steps_.add({bpf::copy(1, kPacket), bpf::copy(2, kHeaderAt), bpf::add(2, at),
                bpf::copy(3, kStack), bpf::add(3, kAddress), bpf::set(4, family_.address_bytes),
                bpf::set(5, is_v4_ ? 0 : BPF_F_RECOMPUTE_CSUM),
                bpf::call(BPF_FUNC_skb_store_bytes)});
    steps_.leave_if(failed, BPF_JNE, 0, 0);
  }

  Steps& steps_;
  const Exchange& exchange_;
  const bool is_v4_;
  const Family& family_;
  const int difference_;
  const int at_, quoted_at_;
};

// One exchange after the other, in packets of one family.
void write(Steps& steps, std::span<const Exchange> exchanges, const Family& family,
           Steps::Place& pass, Steps::Place& drop) {
  Steps::Place others;
  steps.leave_if(others, BPF_JNE, kEtherType, htons(family.ether_type));
  bool has_header = false;
  for (const Exchange& exchange : exchanges) {
    if (exchange.from.is_v4() != (&family == &kV4)) continue;
    Part part(steps, exchange);
    if (!std::exchange(has_header, true)) part.look_at_packet(pass);
    part.write(pass, drop);
  }
  steps.leave(pass);
  steps.here(others);
}

}  // namespace

std::vector<bpf_insn> translation_program(std::span<const Exchange> exchanges) {
  Steps steps;
  Steps::Place pass, drop;
  steps.add(
      {bpf::copy(kPacket, 1), bpf::read(BPF_W, kEtherType, 1, offsetof(__sk_buff, protocol))});
  // Whatever way has led to a place, the kernel finds these there, so it looks at that once.
  for (int at : {kAddress, kAddress + 8, kPiece, kChecksumBefore, kMessage})
    steps.add({bpf::put(BPF_DW, kStack, at, 0)});
  write(steps, exchanges, kV4, pass, drop);
  write(steps, exchanges, kV6, pass, drop);
  steps.here(pass);
  steps.add({bpf::set(0, kNext), bpf::end()});
  steps.here(drop);
  steps.add({bpf::set(0, kDrop), bpf::end()});
  return steps.all();
}

}  // namespace appshot
