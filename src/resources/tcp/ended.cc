#include "resources/tcp/ended.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "os/file.h"
#include "os/parallel.h"
#include "os/tcp_segments.h"
#include "resources/inet.h"
#include "resources/tcp/repair.h"

namespace appshot::tcp {
namespace {

using image::EndedTcp;

enum Trait : uint8_t {
  kTellsTimes = 1,
  kReusesAddress = 2,
  kReusesPort = 4,
  kV6Only = 8,
  kTransparent = 16
};

constexpr size_t kAtOnce = 128;  // by one processor, before it looks whether there are more
constexpr uint16_t kSegment = 1460;
constexpr std::chrono::seconds kArrivalMax{5};
// With which resets do not end what is in TIME_WAIT.
constexpr char kSetting[] = "/proc/sys/net/ipv4/tcp_rfc1337";

std::pair<uint64_t, uint64_t> halves(const IpAddress& address) {
  const InetName name = name_at(AF_INET6, address, 0);
  std::pair<uint64_t, uint64_t> both;
  const uint8_t* bytes = name.data() + offsetof(sockaddr_in6, sin6_addr);
  std::memcpy(&both.first, bytes, sizeof both.first);
  std::memcpy(&both.second, bytes + sizeof both.first, sizeof both.second);
  return both;
}

TcpEnd end_of(uint64_t first, uint64_t last, uint16_t port) {
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  std::memcpy(name.sin6_addr.s6_addr, &first, sizeof first);
  std::memcpy(name.sin6_addr.s6_addr + sizeof first, &last, sizeof last);
  const auto* bytes = reinterpret_cast<const uint8_t*>(&name);
  return {ip_address_of(InetName(bytes, bytes + sizeof name)), port};
}

Result<> set(int socket, int level, int name, int value) {
  TRY_SYS(::setsockopt(socket, level, name, &value, sizeof value));
  return {};
}

// One of them on its way back.
class Ending {
 public:
  explicit Ending(const EndedTcp& record)
      : record_(record),
        names_{end_of(record.address_first(), record.address_last(), record.port()),
               end_of(record.peer_first(), record.peer_last(), record.peer_port())} {}

  // Whether it is there. Not so where its address is not, or nothing leads to its peer any more.
  Result<bool> make(TcpSegments& segments) {
    if (Result<> connected = connect(); !connected) {
      const int err = connected.error().err();
      const bool cannot_be =
          err == EADDRNOTAVAIL || err == EADDRINUSE || err == ENETUNREACH || err == EHOSTUNREACH;
      return cannot_be ? Result<bool>(false) : connected.take_error();
    }
    TRY(agree());
    TRY(finish());
    TRY(segments.send(last_of_peer(), 0));
    return true;
  }

  int peer_family() const { return names_.peer.address.family(); }

 private:
  bool has(Trait trait) const { return (record_.traits() & trait) != 0; }
  // Its end is said once more, and where it has heard the peer's, that is as well.
  bool has_heard_all() const { return record_.state() == TCP_TIME_WAIT; }
  uint32_t first_to_hear() const { return record_.received() - (has_heard_all() ? 1 : 0); }
  int fd() const { return socket_.get(); }

  Result<> connect() {
    socket_.reset(TRY_SYS(::socket(record_.domain(), SOCK_STREAM | SOCK_CLOEXEC, 0)));
    if (has(kV6Only)) TRY(set(fd(), IPPROTO_IPV6, IPV6_V6ONLY, 1));
    if (has(kTransparent) && record_.domain() == AF_INET)
      TRY(set(fd(), IPPROTO_IP, IP_TRANSPARENT, 1));
    if (has(kTransparent) && record_.domain() == AF_INET6)
      TRY(set(fd(), IPPROTO_IPV6, IPV6_TRANSPARENT, 1));
    const InetName own = name_at(record_.domain(), names_.own.address, names_.own.port);
    TRY(enter_repair(fd()));  // lets it have a port that others have, too
    TRY(bind_to(fd(), own));
    TRY(set_sequence(fd(), Queue::receive, first_to_hear()));
    TRY(set_sequence(fd(), Queue::send, record_.sent() - 1));
    return connect_to(fd(), name_at(record_.domain(), names_.peer.address, names_.peer.port));
  }

  Result<> agree() {
    std::vector<tcp_repair_opt> agreed{
        {TCPOPT_MAXSEG, kSegment},
        {TCPOPT_WINDOW, uint32_t{record_.window_scale()} * (1U | 1U << 16)}};
    if (has(kTellsTimes)) agreed.push_back({TCPOPT_TIMESTAMP, 0});
    TRY_SYS(::setsockopt(fd(), IPPROTO_TCP, TCP_REPAIR_OPTIONS, agreed.data(),
                         static_cast<socklen_t>(agreed.size() * sizeof agreed[0])));
    if (has(kTellsTimes))
      TRY(set(fd(), IPPROTO_TCP, TCP_TIMESTAMP, static_cast<int>(record_.timestamp())));
    tcp_repair_window window{};
    window.snd_wl1 = window.rcv_wup = first_to_hear();
    window.snd_wnd = window.max_window = kSegment;
    window.rcv_wnd = record_.window() + (has_heard_all() ? 1 : 0);
    TRY_SYS(::setsockopt(fd(), IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, sizeof window));
    return {};
  }

  // In this mode, and with the queue of what is sent chosen last, its end counts as sent when it is
  // not.
  Result<> finish() {
    TRY_SYS(::shutdown(fd(), SHUT_WR));
    TRY(leave_repair(fd()));
    if (has(kReusesAddress)) TRY(set(fd(), SOL_SOCKET, SO_REUSEADDR, 1));
    if (has(kReusesPort)) TRY(set(fd(), SOL_SOCKET, SO_REUSEPORT, 1));
    socket_.reset();
    return {};
  }

  TcpSegment last_of_peer() const {
    TcpSegment segment{names_.peer, names_.own};
    segment.number = first_to_hear();
    segment.acknowledged = record_.sent();
    segment.flags = static_cast<uint8_t>(TH_ACK | (has_heard_all() ? TH_FIN : 0));
    segment.window = kSegment;
    if (has(kTellsTimes)) segment.times = {record_.peer_timestamp(), record_.timestamp()};
    return segment;
  }

  const EndedTcp& record_;
  const TcpNames names_;
  UniqueFd socket_;
};

// The answer to a peer's end finds nobody where both ends were of the instance, and is answered
// with a reset: that does nothing while this exists.
class DeafToResets {
 public:
  static Result<DeafToResets> begin() {
    std::string before = TRY(read_file(kSetting));
    TRY(write_file(kSetting, "1"));
    return DeafToResets(std::move(before));
  }
  DeafToResets(DeafToResets&& other) noexcept : before_(std::exchange(other.before_, {})) {}
  DeafToResets& operator=(DeafToResets&&) = delete;
  ~DeafToResets() {
    if (!before_.empty()) (void)!write_file(kSetting, before_);
  }

 private:
  explicit DeafToResets(std::string before) : before_(std::move(before)) {}
  std::string before_;
};

// There and back once by loopback, on one processor: whatever it had before has arrived.
Result<> round_trip(int socket) {
  char byte = 0;
  TRY_SYS(::send(socket, &byte, sizeof byte, 0));
  pollfd arrived{socket, POLLIN, 0};
  if (::poll(&arrived, 1, Deadline::in(kArrivalMax).left_ms()) != 1)
    return Error(ErrorClass::timeout, "what is sent over loopback does not arrive");
  TRY_SYS(::recv(socket, &byte, sizeof byte, MSG_DONTWAIT));
  return {};
}

Result<UniqueFd> socket_to_itself() {
  UniqueFd socket(TRY_SYS(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  TRY(bind_to(socket.get(), name_at(AF_INET, IpAddress::v4(INADDR_LOOPBACK), 0)));
  TRY(connect_to(socket.get(), TRY(name_of(socket.get()))));
  return socket;
}

// A peer's end, its answer, and a reset have arrived, whichever processor they are at.
Result<> let_all_arrive() {
  constexpr int kRounds = 3;
  const UniqueFd socket = TRY(socket_to_itself());
  cpu_set_t before;
  TRY_SYS(::sched_getaffinity(0, sizeof before, &before));
  Result<> done;
  for (size_t cpu = 0; cpu < CPU_SETSIZE && done; ++cpu) {
    if (!CPU_ISSET(cpu, &before)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) continue;  // gone meanwhile
    for (int round = 0; round < kRounds && done; ++round) done = round_trip(socket.get());
  }
  TRY_SYS(::sched_setaffinity(0, sizeof before, &before));
  return done;
}

Result<> make_some(std::span<const EndedTcp* const> records, size_t& made) {
  std::map<int, TcpSegments> segments;  // by family
  for (const EndedTcp* record : records) {
    Ending ending(*record);
    auto found = segments.find(ending.peer_family());
    if (found == segments.end())
      found = segments.emplace(ending.peer_family(), TRY(TcpSegments::open(ending.peer_family())))
                  .first;
    if (TRY(ending.make(found->second))) ++made;
  }
  return {};
}

bool is_outside(const EndedTcp& record) {
  const IpAddress peer = end_of(record.peer_first(), record.peer_last(), 0).address;
  const IpAddress own = end_of(record.address_first(), record.address_last(), 0).address;
  return !is_loopback(name_at(AF_INET6, peer, 0)) && peer != own;
}

}  // namespace

EndedTcp ended_record(const EndedTcpConnection& it, int network, uint32_t time) {
  const auto [address_first, address_last] = halves(it.names.own.address);
  const auto [peer_first, peer_last] = halves(it.names.peer.address);
  const auto traits = static_cast<uint8_t>(
      (it.tells_times ? kTellsTimes : 0) | (it.reuses_address ? kReusesAddress : 0) |
      (it.reuses_port ? kReusesPort : 0) | (it.is_v6_only ? kV6Only : 0) |
      (it.is_transparent ? kTransparent : 0));
  return EndedTcp(address_first, address_last, peer_first, peer_last, network, it.sent, it.received,
                  it.window, in_milliseconds(time + it.time_offset), it.peer_time,
                  it.names.own.port, it.names.peer.port, static_cast<uint8_t>(it.family), it.state,
                  it.window_scale, traits);
}

Result<> make_ended(RestoreContext& context, int network) {
  // A connection that is lost has come to no end. Others than the instance's own network are not
  // connected with anybody outside.
  std::vector<const EndedTcp*> records;
  for (const EndedTcp& record : context.image.ended_tcp)
    if (record.network() == network &&
        (context.keeps_connections || network >= 0 || !is_outside(record)))
      records.push_back(&record);
  return make_ended(records);
}

Result<> make_ended(const std::vector<const EndedTcp*>& records) {
  if (records.empty()) return {};
  const DeafToResets deaf = TRY(DeafToResets::begin());
  const size_t parts = (records.size() + kAtOnce - 1) / kAtOnce;
  std::vector<Result<>> results(parts);
  std::vector<size_t> made(parts);
  in_parallel(parts, [&](size_t i) {
    const size_t from = i * kAtOnce;
    const size_t count = std::min(kAtOnce, records.size() - from);
    results[i] = make_some(std::span(records).subspan(from, count), made[i]);
  });
  for (Result<>& result : results)
    if (!result) return std::move(result).within("what is left of a TCP connection");
  const bool is_none = std::ranges::all_of(made, [](size_t count) { return count == 0; });
  return is_none ? Result<>() : let_all_arrive();
}

}  // namespace appshot::tcp
