// The program is run by the kernel on single packets (BPF_PROG_TEST_RUN). The oracle is the same
// packet made with the other address in the first place: every byte must be as there.
#include "endpoints/translation_program.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>

#include <cstring>
#include <functional>

#include "endpoints/addresses.h"
#include "os/bpf.h"

namespace appshot {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr int kPass = -1;
constexpr uint8_t kUdpLite = 136;

template <typename T>
Bytes bytes_of(const T& value) {
  const auto* at = reinterpret_cast<const uint8_t*>(&value);
  return Bytes(at, at + sizeof value);
}

Bytes operator+(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Bytes text(const std::string& letters) { return Bytes(letters.begin(), letters.end()); }

uint16_t checksum(Bytes bytes) {
  bytes.resize((bytes.size() + 1) / 2 * 2);
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) sum += uint32_t{bytes[i]} << 8 | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// Who speaks to whom, in one of the two families.
struct Ends {
  IpAddress from, to;
  Ends back() const { return {to, from}; }
};

Bytes pseudo_header(const Ends& ends, uint8_t protocol, size_t length) {
  Bytes both(ends.from.bytes().begin(), ends.from.bytes().end());
  both.insert(both.end(), ends.to.bytes().begin(), ends.to.bytes().end());
  return both + Bytes{0, protocol} + bytes_of(htons(static_cast<uint16_t>(length)));
}

void put_checksum(Bytes& bytes, size_t at, uint16_t sum) {
  bytes[at] = static_cast<uint8_t>(sum >> 8);
  bytes[at + 1] = static_cast<uint8_t>(sum);
}

// What an IP packet carries, with a checksum that covers the addresses, too.
Bytes covered(const Ends& ends, uint8_t protocol, Bytes carried, size_t at) {
  put_checksum(carried, at, checksum(pseudo_header(ends, protocol, carried.size()) + carried));
  return carried;
}

Bytes tcp(const Ends& ends, const std::string& letters) {
  tcphdr header{};
  header.source = htons(4711);
  header.dest = htons(80);
  header.seq = htonl(77);
  header.doff = sizeof header / 4;
  header.psh = header.ack = 1;
  return covered(ends, IPPROTO_TCP, bytes_of(header) + text(letters), 16);
}

Bytes udp(const Ends& ends, const Bytes& payload, uint8_t protocol = IPPROTO_UDP) {
  udphdr header{htons(53), htons(5353),
                htons(static_cast<uint16_t>(sizeof header + payload.size())), 0};
  Bytes all = covered(ends, protocol, bytes_of(header) + payload, 6);
  if (all[6] == 0 && all[7] == 0) all[6] = all[7] = 0xff;
  return all;
}

Bytes udp_without_checksum() {
  return bytes_of(udphdr{htons(53), htons(5353), htons(sizeof(udphdr) + 1), 0}) + text("x");
}

Bytes icmp(const Ends& ends, uint8_t type, const Bytes& behind) {
  Bytes all = Bytes{type, 3, 0, 0, 0, 0, 0, 0} + behind;
  if (!ends.from.is_v4()) return covered(ends, IPPROTO_ICMPV6, all, 2);
  put_checksum(all, 2, checksum(all));
  return all;
}

struct Envelope {
  uint8_t protocol;
  uint16_t fragment = 0;  // as IPv4 has it
  Bytes between{};        // options, or extension headers that begin with `first`
  uint8_t first = protocol;
};

Bytes packet(const Ends& ends, const Envelope& envelope, const Bytes& carried) {
  if (!ends.from.is_v4()) {
    ip6_hdr header{};
    header.ip6_flow = htonl(0x60000000);
    header.ip6_plen = htons(static_cast<uint16_t>(envelope.between.size() + carried.size()));
    header.ip6_nxt = envelope.first;
    header.ip6_hlim = 63;
    std::memcpy(&header.ip6_src, ends.from.bytes().data(), sizeof header.ip6_src);
    std::memcpy(&header.ip6_dst, ends.to.bytes().data(), sizeof header.ip6_dst);
    return bytes_of(header) + envelope.between + carried;
  }
  iphdr header{};
  header.version = 4;
  header.ihl = (sizeof header + envelope.between.size()) / 4 & 15;
  header.tot_len =
      htons(static_cast<uint16_t>(sizeof header + envelope.between.size() + carried.size()));
  header.id = htons(99);
  header.frag_off = htons(envelope.fragment);
  header.ttl = 63;
  header.protocol = envelope.protocol;
  std::memcpy(&header.saddr, ends.from.bytes().data(), sizeof header.saddr);
  std::memcpy(&header.daddr, ends.to.bytes().data(), sizeof header.daddr);
  Bytes all = bytes_of(header) + envelope.between;
  put_checksum(all, 10, checksum(all));
  return all + carried;
}

Bytes shortened(Bytes bytes, size_t to) {
  bytes.resize(std::min(bytes.size(), to));
  return bytes;
}

uint8_t icmp_of(const Ends& ends) {
  return static_cast<uint8_t>(ends.from.is_v4() ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
}

// About a packet of the other direction, of which so much is quoted.
Bytes error(const Ends& ends, uint8_t type, const Bytes& about, size_t quoted = 10000) {
  return packet(ends, {icmp_of(ends)}, icmp(ends, type, shortened(about, quoted)));
}

struct Answer {
  int verdict = 0;
  Bytes bytes;
};

class Program {
 public:
  explicit Program(std::vector<Exchange> exchanges) {
    bpf_attr about{};
    about.prog_type = BPF_PROG_TYPE_SCHED_CLS;
    auto loaded = bpf::load(about, translation_program(exchanges));
    EXPECT_TRUE(loaded) << loaded.error().message();
    if (loaded) program_ = std::move(*loaded);
  }

  Answer run(const Bytes& packet, uint16_t kind) const {
    ethhdr ethernet{};
    ethernet.h_proto = htons(kind);
    const Bytes frame = bytes_of(ethernet) + packet;
    Answer answer;
    answer.bytes.resize(frame.size() + 64);
    bpf_attr about{};
    about.test.prog_fd = static_cast<uint32_t>(program_.get());
    about.test.data_in = reinterpret_cast<uint64_t>(frame.data());
    about.test.data_size_in = static_cast<uint32_t>(frame.size());
    about.test.data_out = reinterpret_cast<uint64_t>(answer.bytes.data());
    about.test.data_size_out = static_cast<uint32_t>(answer.bytes.size());
    about.test.repeat = 1;
    EXPECT_EQ(bpf::call_kernel(BPF_PROG_TEST_RUN, about), 0) << std::strerror(errno);
    answer.verdict = static_cast<int>(about.test.retval);
    answer.bytes.resize(about.test.data_size_out);
    answer.bytes.erase(answer.bytes.begin(), answer.bytes.begin() + ETH_HLEN);
    return answer;
  }
  Answer run(const Bytes& packet) const {
    return run(packet, packet.front() >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
  }

 private:
  UniqueFd program_;
};

constexpr auto kSource = Exchange::Which::source, kDestination = Exchange::Which::destination;
const IpAddress kInner = IpAddress::v4(0xc6120002), kOuter = IpAddress::v4(0xc612e1f7),
                kPeer = IpAddress::v4(0x0a4d0002), kRouter = IpAddress::v4(0x0a4d0001),
                kThird = IpAddress::v4(0xc612e000);

IpAddress in_family(const IpAddress& v4, bool is_v4) { return is_v4 ? v4 : v6_of(v4); }

// From the instance, whose source is translated, or to it.
class Translation : public testing::TestWithParam<std::tuple<bool, bool>> {
 protected:
  bool is_v4() const { return std::get<0>(GetParam()); }
  bool is_from() const { return std::get<1>(GetParam()); }
  IpAddress before() const { return in_family(is_from() ? kInner : kOuter, is_v4()); }
  IpAddress after() const { return in_family(is_from() ? kOuter : kInner, is_v4()); }
  IpAddress peer() const { return in_family(kPeer, is_v4()); }
  IpAddress router() const { return in_family(kRouter, is_v4()); }

  // Of an instance with that address, on the way that the program sees.
  Ends ends(const IpAddress& instance) const {
    return is_from() ? Ends{instance, peer()} : Ends{peer(), instance};
  }
  void expect_same(const std::function<Bytes(const Ends& ends)>& make) {
    const Answer answer = program_.run(make(ends(before())));
    EXPECT_EQ(answer.verdict, kPass);
    EXPECT_EQ(answer.bytes, make(ends(after())));
  }
  void expect_untouched(const Bytes& packet) {
    const Answer answer = program_.run(packet);
    EXPECT_EQ(answer.verdict, kPass);
    EXPECT_EQ(answer.bytes, packet);
  }
  // What a packet of the other direction may be that an error is about.
  std::vector<Bytes> quotable(const Ends& there) const {
    return {packet(there, {IPPROTO_UDP}, udp(there, text("who is there?"))),
            packet(there, {IPPROTO_TCP}, tcp(there, "GET /")),
            packet(there, {IPPROTO_UDP}, udp_without_checksum()),
            packet(there, {icmp_of(there)}, icmp(there, is_v4() ? 8 : 128, text("ping"))),
            packet(there, {IPPROTO_GRE}, text("something else"))};
  }
  uint8_t unreachable() const { return is_v4() ? ICMP_DEST_UNREACH : ICMP6_DST_UNREACH; }

  Exchange::Which own() const { return is_from() ? kSource : kDestination; }
  Exchange::Which other() const { return is_from() ? kDestination : kSource; }
  Exchange own_exchange(bool v4) const {
    return {own(), in_family(is_from() ? kInner : kOuter, v4),
            in_family(is_from() ? kOuter : kInner, v4)};
  }

  Program program_{{own_exchange(true), own_exchange(false)}};
};

TEST_P(Translation, CorrectsWhatCoversTheAddress) {
  for (const char* letters : {"", "x", "hello, world"}) {
    expect_same([&](const Ends& e) { return packet(e, {IPPROTO_TCP}, tcp(e, letters)); });
    expect_same([&](const Ends& e) { return packet(e, {IPPROTO_UDP}, udp(e, text(letters))); });
    expect_same(
        [&](const Ends& e) { return packet(e, {kUdpLite}, udp(e, text(letters), kUdpLite)); });
    expect_same([&](const Ends& e) {
      return packet(e, {icmp_of(e)}, icmp(e, is_v4() ? 8 : 128, text(letters)));
    });
    expect_same([&](const Ends& e) { return packet(e, {IPPROTO_GRE}, text(letters)); });
  }
}

TEST_P(Translation, LeavesNoChecksumAsNone) {
  expect_same([](const Ends& e) { return packet(e, {IPPROTO_UDP}, udp_without_checksum()); });
}

TEST_P(Translation, MakesNoChecksumOfOneThatIsZero) {
  // The payload is such that with the other address the sum comes to 0, which is sent as 0xffff.
  const Bytes with_two = udp(ends(after()), {0, 0});
  const Bytes payload{with_two[6], with_two[7]};
  const Bytes wanted = udp(ends(after()), payload);
  ASSERT_EQ((Bytes{wanted[6], wanted[7]}), (Bytes{0xff, 0xff}));
  expect_same([&](const Ends& e) { return packet(e, {IPPROTO_UDP}, udp(e, payload)); });
}

TEST_P(Translation, LeavesWhatIsOfOthers) {
  const Ends others{router(), peer()};
  expect_untouched(packet(others, {IPPROTO_TCP}, tcp(others, "hello")));
  // It is the other of its two addresses.
  const Ends back = ends(before()).back();
  expect_untouched(packet(back, {IPPROTO_TCP}, tcp(back, "hello")));
  const Bytes packet_of_another_kind = packet(ends(before()), {IPPROTO_GRE}, text("x"));
  EXPECT_EQ(program_.run(packet_of_another_kind, ETH_P_ARP).bytes, packet_of_another_kind);
}

TEST_P(Translation, TranslatesWhatErrorsQuote) {
  const size_t kinds = quotable(ends(before())).size();
  for (size_t i = 0; i < kinds; ++i) {
    expect_same([&](const Ends& e) { return error(e, unreachable(), quotable(e.back())[i]); });
    // By somebody on the way, when it goes there.
    if (!is_from())
      expect_same([&](const Ends& e) {
        return error({router(), e.to}, unreachable(), quotable(e.back())[i]);
      });
  }
  for (const int type : is_v4() ? std::vector{3, 4, 5, 11, 12} : std::vector{1, 2, 3, 4})
    expect_same([&](const Ends& e) {
      return error(e, static_cast<uint8_t>(type), quotable(e.back()).front());
    });
}

TEST_P(Translation, TranslatesHoweverMuchIsQuoted) {
  // But for one half of a checksum, which cannot be corrected alone.
  const size_t header = is_v4() ? sizeof(iphdr) : sizeof(ip6_hdr);
  for (size_t i = 0; i < quotable(ends(before())).size(); ++i)
    for (size_t quoted = header; quoted < quotable(ends(before()))[i].size(); quoted += 2)
      expect_same(
          [&](const Ends& e) { return error(e, unreachable(), quotable(e.back())[i], quoted); });
}

TEST_P(Translation, TakesNoAnswerForAnError) {
  // Its payload looks like a packet.
  expect_same([&](const Ends& e) {
    return packet(e, {icmp_of(e)},
                  icmp(e, is_v4() ? 0 : 129, packet(ends(before()).back(), {IPPROTO_GRE}, {})));
  });
}

TEST_P(Translation, QuotesOfOthersStay) {
  const Ends others{router(), peer()};
  expect_same([&](const Ends& e) {
    return error(e, unreachable(), packet(others, {IPPROTO_UDP}, udp(others, text("x"))));
  });
}

TEST_P(Translation, OnlyTheFirstFragmentHasAChecksum) {
  const std::string letters(64, 'y');
  auto piece_of = [&](const Ends& e, size_t from, size_t to) {
    const Bytes whole = tcp(e, letters);
    return Bytes(whole.begin() + static_cast<long>(from), whole.begin() + static_cast<long>(to));
  };
  auto fragment = [&](const Ends& e, size_t from, size_t to) {
    const auto units = static_cast<uint16_t>(from / 8);
    const uint16_t more = from == 0 ? 1 : 0;
    Envelope envelope{IPPROTO_TCP, static_cast<uint16_t>(units | more << 13)};
    if (!is_v4()) {
      envelope.between = Bytes{IPPROTO_TCP, 0} + bytes_of(htons(units << 3 | more)) + text("iden");
      envelope.first = IPPROTO_FRAGMENT;
    }
    return packet(e, envelope, piece_of(e, from, to));
  };
  expect_same([&](const Ends& e) { return fragment(e, 0, 40); });
  expect_same([&](const Ends& e) { return fragment(e, 40, 84); });
  expect_same([&](const Ends& e) { return error(e, unreachable(), fragment(e.back(), 0, 40)); });
  expect_same([&](const Ends& e) { return error(e, unreachable(), fragment(e.back(), 40, 84)); });
}

TEST_P(Translation, FindsWhatIsBehindOptions) {
  Envelope envelope{IPPROTO_UDP};
  if (is_v4()) {
    envelope.between = Bytes(12, IPOPT_NOP);
  } else {
    envelope.first = IPPROTO_HOPOPTS;
    envelope.between = Bytes{IPPROTO_DSTOPTS, 1} + Bytes(14, 0) +  //
                       Bytes{IPPROTO_ROUTING, 0} + Bytes(6, 0) +   //
                       Bytes{IPPROTO_UDP, 2} + Bytes(22, 0);
  }
  auto make = [&](const Ends& e) { return packet(e, envelope, udp(e, text("far behind"))); };
  expect_same(make);
  expect_same([&](const Ends& e) { return error(e, unreachable(), make(e.back())); });
}

TEST_P(Translation, WhatIsCutShortPassesAndIsNotHalfTranslated) {
  const Ends e = ends(before());
  const Bytes whole = packet(e, {IPPROTO_TCP}, tcp(e, "hello"));
  const size_t header = is_v4() ? sizeof(iphdr) : sizeof(ip6_hdr), has_checksum = header + 18;
  for (size_t length = header; length < has_checksum; ++length)
    expect_untouched(shortened(whole, length));
  const Bytes about = error(e, unreachable(), quotable(e.back()).front());
  for (size_t length = header; length < about.size(); ++length) {
    const Answer answer = program_.run(shortened(about, length));
    EXPECT_EQ(answer.verdict, kPass);
    EXPECT_EQ(answer.bytes.size(), length);
  }
}

// The other of a packet's addresses may be exchanged, too, and what is quoted of both.
TEST_P(Translation, ExchangesEachOfThemForItself) {
  const Exchange of_router{other(), router(), in_family(kThird, is_v4())};
  const Program both({of_router, own_exchange(true), own_exchange(false)});
  auto translated = [&](const IpAddress& address) {
    return address == before() ? after() : address == of_router.from ? of_router.to : address;
  };
  auto expect = [&](const Ends& given, const std::function<Bytes(const Ends& ends)>& make) {
    const Answer answer = both.run(make(given));
    EXPECT_EQ(answer.verdict, kPass);
    EXPECT_EQ(answer.bytes, make({translated(given.from), translated(given.to)}));
  };
  for (const IpAddress& peer : {router(), this->peer()}) {
    const Ends between = is_from() ? Ends{before(), peer} : Ends{peer, before()};
    expect(between, [](const Ends& e) { return packet(e, {IPPROTO_TCP}, tcp(e, "hello")); });
    expect(between, [](const Ends& e) { return packet(e, {icmp_of(e)}, icmp(e, 0, {})); });
    for (size_t i = 0; i < quotable(between).size(); ++i)
      expect(between,
             [&](const Ends& e) { return error(e, unreachable(), quotable(e.back())[i]); });
  }
  // Somebody else tells of a packet that was for the router.
  for (size_t i = 0; i < quotable(ends(before())).size(); ++i) {
    const Ends there = is_from() ? Ends{before(), router()} : Ends{router(), before()};
    auto told = [&](const Ends& e, const Ends& about) {
      return error(e, unreachable(), quotable(about.back())[i]);
    };
    const Answer answer = both.run(told(ends(before()), there));
    EXPECT_EQ(answer.bytes, told(ends(after()), {translated(there.from), translated(there.to)}));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Translation, testing::Combine(testing::Bool(), testing::Bool()),
                         [](const auto& is) {
                           return std::string(std::get<0>(is.param) ? "V4" : "V6") +
                                  (std::get<1>(is.param) ? "FromInstance" : "ToInstance");
                         });

TEST(TranslationWithoutV6, LeavesIt) {
  const Program program({{kSource, kInner, kOuter}});
  const Ends v6{v6_of(kInner), v6_of(kPeer)};
  const Bytes one = packet(v6, {IPPROTO_TCP}, tcp(v6, "hello"));
  EXPECT_EQ(program.run(one).bytes, one);
  const Ends v4{kInner, kPeer}, wanted{kOuter, kPeer};
  EXPECT_EQ(program.run(packet(v4, {IPPROTO_TCP}, tcp(v4, "hello"))).bytes,
            packet(wanted, {IPPROTO_TCP}, tcp(wanted, "hello")));
}

}  // namespace
}  // namespace appshot
