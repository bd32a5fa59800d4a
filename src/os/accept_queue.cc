#include "os/accept_queue.h"

#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "os/bpf.h"
#include "os/bpf_steps.h"
#include "os/kernel_types.h"

namespace appshot {
namespace {

constexpr std::string_view kAssign = "bpf_sk_assign_tcp_reqsk";
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);  // since 6.6

// Of what we send: an acknowledgement that ends a handshake, and what follows.
constexpr uint32_t kHandshake = 0x61736831, kFollowing = 0x61736832;

enum Verdict { kPass = 0, kDrop = 2 };  // TCX_*

// With what the kernel has to set up behind it this fills a power of two in its memory.
constexpr size_t kPiece = 15 * 1024;

// struct bpf_tcp_req_attrs
struct Agreed {
  uint32_t peer_time, own_time;
  uint16_t segment;
  uint8_t receive_scale, send_scale;
  uint8_t congestion, scales, selective, times;
  uint8_t microseconds, reserved[3];
};

}  // namespace

// The value of the map.
struct AcceptQueue::Handshake {
  bpf_sock_tuple names;
  uint32_t names_size;
  Agreed agreed;
  int32_t result;  // of the program; what is not set says that it has not been asked
};

namespace {

constexpr int kNotAsked = 1;
constexpr std::chrono::seconds kArrivalMax{5};

// A program of the loopback device: what becomes of all that is not ours is given; says of an
// acknowledgement to which handshake it belongs.
template <typename Handshake>
std::vector<bpf_insn> ingress(int map, uint32_t assign, Verdict of_others) {
  using namespace bpf;
  constexpr int kKey = -4;  // on its stack
  Steps steps;
  Steps::Place out;
  steps.add({copy(6, 1), read(BPF_W, 2, 1, offsetof(__sk_buff, mark)), set(0, kPass)});
  steps.leave_if(out, BPF_JEQ, 2, static_cast<int>(kFollowing));
  steps.add({set(0, of_others)});
  steps.leave_if(out, BPF_JNE, 2, static_cast<int>(kHandshake));
  steps.add({instruction(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
             instruction(0, 0, 0, 0, 0),  // the map took two
             put(BPF_W, 10, kKey, 0), copy(2, 10), add(2, kKey), call(BPF_FUNC_map_lookup_elem)});
  steps.leave_if(out, BPF_JEQ, 0, 0);  // no value
  steps.add({copy(7, 0)});
  // The kernel wants to know the size when it verifies the program: there are two.
  Steps::Place found, is_v6, no_tcp;
  for (const size_t size : {sizeof(bpf_sock_tuple::ipv4), sizeof(bpf_sock_tuple::ipv6)}) {
    if (!is_v6.empty()) {
      steps.here(is_v6);
    } else {
      steps.add({read(BPF_W, 1, 7, offsetof(Handshake, names_size))});
      steps.leave_if(is_v6, BPF_JNE, 1, static_cast<int>(size));
    }
    steps.add({copy(1, 6), copy(2, 7), set(3, static_cast<int>(size)), set(4, BPF_F_CURRENT_NETNS),
               set(5, 0), call(BPF_FUNC_skc_lookup_tcp)});
    steps.leave_if(found, BPF_JNE, 0, 0);
    steps.add({put(BPF_W, 7, offsetof(Handshake, result), -ENOENT), set(0, kDrop), end()});
  }
  steps.here(found);
  steps.add({copy(8, 0), copy(1, 0), call(BPF_FUNC_skc_to_tcp_sock)});
  steps.leave_if(no_tcp, BPF_JEQ, 0, 0);
  steps.add({copy(1, 6), copy(2, 0), copy(3, 7),
             bpf::add(3, static_cast<int>(offsetof(Handshake, agreed))), set(4, sizeof(Agreed)),
             instruction(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, static_cast<int>(assign)),
             instruction(BPF_STX | BPF_MEM | BPF_W, 7, 0, offsetof(Handshake, result), 0)});
  steps.here(no_tcp);
  steps.add({copy(1, 8), call(BPF_FUNC_sk_release), set(0, kPass)});
  steps.here(out);
  steps.add({end()});
  return steps.all();
}

Error unsupported(const Error& error) {
  const int failed = error.err();
  return Error(ErrorClass::unsupported,
               "connections that waited to be accepted cannot be made here: " + error.message())
      .with_errno(failed)
      .hint("use a kernel since 6.9, built with CONFIG_DEBUG_INFO_BTF and CONFIG_NET_XGRESS");
}

Result<UniqueFd> attach_to_loopback(const UniqueFd& program) {
  bpf_attr about{};
  about.link_create.prog_fd = static_cast<uint32_t>(program.get());
  about.link_create.target_ifindex = ::if_nametoindex("lo");
  about.link_create.attach_type = kTcxIngress;
  UniqueFd link(bpf::call_kernel(BPF_LINK_CREATE, about));
  if (!link) return unsupported(Error::from_errno(errno, "bpf(BPF_LINK_CREATE)"));
  return link;
}

bpf_sock_tuple names_of(const WaitingTcpConnection& connection) {
  bpf_sock_tuple names{};
  auto put = [&](auto& into) {
    std::memcpy(&into.saddr, connection.peer.bytes().data(), sizeof into.saddr);
    std::memcpy(&into.daddr, connection.name.bytes().data(), sizeof into.daddr);
    into.sport = htons(connection.peer_port);
    into.dport = htons(connection.port);
  };
  if (connection.name.is_v4())
    put(names.ipv4);
  else
    put(names.ipv6);
  return names;
}

Agreed agreed_in(const WaitingTcpConnection& connection, uint32_t own_time) {
  Agreed agreed{};
  agreed.segment = connection.segment;
  agreed.scales = (connection.agreed & TCPI_OPT_WSCALE) != 0;
  agreed.selective = (connection.agreed & TCPI_OPT_SACK) != 0;
  agreed.times = (connection.agreed & TCPI_OPT_TIMESTAMPS) != 0;
  agreed.send_scale = connection.send_scale;
  agreed.receive_scale = connection.receive_scale;
  agreed.peer_time = connection.peer_time;
  agreed.own_time = own_time;
  return agreed;
}

uint16_t window_of(const WaitingTcpConnection& connection) {
  const uint32_t scale = (1U << connection.send_scale) - 1;
  return static_cast<uint16_t>(
      std::min((connection.send_window + scale) >> connection.send_scale, 0xffffU));
}

}  // namespace

Result<AcceptQueue> AcceptQueue::open(Others others) {
  static constexpr std::array kNames = {kAssign};
  Result<KernelTypes> types = KernelTypes::of_running_kernel(kNames);
  if (!types) return unsupported(types.error());
  Result<uint32_t> assign = types->id_of_function(kAssign);
  if (!assign) return unsupported(assign.error());

  bpf_attr about{};
  about.map_type = BPF_MAP_TYPE_ARRAY;
  about.key_size = sizeof(uint32_t);
  about.value_size = sizeof(Handshake);
  about.max_entries = 1;
  UniqueFd map(bpf::call_kernel(BPF_MAP_CREATE, about));
  if (!map) return unsupported(Error::from_errno(errno, "bpf(BPF_MAP_CREATE)"));
  const std::vector<bpf_insn> instructions =
      ingress<Handshake>(map.get(), *assign, others == Others::heard ? kPass : kDrop);
  about = {};
  about.prog_type = BPF_PROG_TYPE_SCHED_CLS;
  UniqueFd program = TRY(bpf::load(about, instructions));
  UniqueFd link = TRY(attach_to_loopback(program));
  return AcceptQueue(std::move(map), std::move(program), std::move(link));
}

namespace {

// What one processor sends over loopback arrives in its order, a little later.
class OneProcessor {
 public:
  static Result<OneProcessor> stay() {
    cpu_set_t before;
    TRY_SYS(::sched_getaffinity(0, sizeof before, &before));
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<size_t>(TRY_SYS(::sched_getcpu())), &here);
    TRY_SYS(::sched_setaffinity(0, sizeof here, &here));
    return OneProcessor(before);
  }
  OneProcessor(OneProcessor&& other) noexcept : before_(std::exchange(other.before_, {})) {}
  OneProcessor& operator=(OneProcessor&&) = delete;
  ~OneProcessor() {
    if (before_) ::sched_setaffinity(0, sizeof *before_, &*before_);
  }

 private:
  explicit OneProcessor(const cpu_set_t& before) : before_(before) {}
  std::optional<cpu_set_t> before_;
};

}  // namespace

Result<> AcceptQueue::put(const Wanted& wanted) {
  const OneProcessor stays = TRY(OneProcessor::stay());
  const WaitingTcpConnection& it = wanted.connection;
  TcpSegments& segments = *TRY(this->segments(it.name.family()));
  TcpSegment segment{{it.peer, it.peer_port}, {it.name, it.port}};
  const bool has_end = it.has_finished && wanted.finishes;
  segment.number =
      it.received - (it.has_finished ? 1 : 0) - static_cast<uint32_t>(it.to_read.size());
  segment.acknowledged = it.sent;
  segment.flags = TH_ACK;
  segment.window = window_of(it);
  if ((it.agreed & TCPI_OPT_TIMESTAMPS) != 0) segment.times = {it.peer_time, wanted.own_time};
  TRY(begin(wanted, segment, segments));

  for (std::span<const uint8_t> left(it.to_read); !left.empty();) {
    segment.bytes = left.first(std::min(left.size(), kPiece));
    left = left.subspan(segment.bytes.size());
    TRY(segments.send(segment, kFollowing));
    segment.number += static_cast<uint32_t>(segment.bytes.size());
  }
  segment.bytes = {};
  if (has_end) {
    segment.flags = TH_ACK | TH_FIN;
    TRY(segments.send(segment, kFollowing));
    ++segment.number;
  }
  if (!wanted.resets) return {};
  segment.flags = TH_ACK | TH_RST;
  return segments.send(segment, kFollowing);
}

Result<> AcceptQueue::begin(const Wanted& wanted, TcpSegment& segment, TcpSegments& segments) {
  const WaitingTcpConnection& it = wanted.connection;
  Handshake handshake{};
  handshake.names = names_of(it);
  handshake.names_size =
      it.name.is_v4() ? sizeof(bpf_sock_tuple::ipv4) : sizeof(bpf_sock_tuple::ipv6);
  handshake.agreed = agreed_in(it, wanted.own_time);
  handshake.result = kNotAsked;
  TRY(update(handshake));
  TRY(segments.send(segment, kHandshake));
  const Deadline deadline = Deadline::in(kArrivalMax);
  for (;;) {
    TRY(look_up(handshake));
    if (handshake.result != kNotAsked || deadline.passed()) break;
    ::sched_yield();
  }
  if (handshake.result == 0) return {};
  if (handshake.result == kNotAsked)
    return Error(ErrorClass::timeout, "what ends a handshake does not arrive over loopback");
  if (handshake.result == -ENOENT)
    return Error(ErrorClass::other, "nobody listens where a connection waited to be accepted");
  return Error::from_errno(-handshake.result, kAssign.data());
}

Result<TcpSegments*> AcceptQueue::segments(int family) {
  auto found = segments_.find(family);
  if (found == segments_.end())
    found = segments_.emplace(family, TRY(TcpSegments::open(family))).first;
  return &found->second;
}

namespace {

Result<> call_map(int command, const UniqueFd& map, void* value) {
  const uint32_t key = 0;
  bpf_attr about{};
  about.map_fd = static_cast<uint32_t>(map.get());
  about.key = reinterpret_cast<uint64_t>(&key);
  about.value = reinterpret_cast<uint64_t>(value);
  if (bpf::call_kernel(command, about) != 0) return Error::from_errno(errno, "bpf(BPF_MAP_*_ELEM)");
  return {};
}

}  // namespace

Result<> AcceptQueue::update(Handshake& handshake) {
  return call_map(BPF_MAP_UPDATE_ELEM, map_, &handshake);
}
Result<> AcceptQueue::look_up(Handshake& handshake) {
  return call_map(BPF_MAP_LOOKUP_ELEM, map_, &handshake);
}

}  // namespace appshot
