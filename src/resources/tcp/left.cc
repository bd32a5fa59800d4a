#include "resources/tcp/left.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "os/file.h"
#include "os/kernel_tcp.h"
#include "os/kernel_tcp_list.h"
#include "os/network_namespace.h"
#include "os/sock_diag.h"
#include "resources/inet.h"
#include "resources/tcp/ended.h"
#include "resources/tcp/repair.h"
#include "resources/tcp/states.h"

namespace appshot::tcp {
namespace {

using image::TcpSocketT;

constexpr int kLooksMax = 100;
// The kernel does not keep any number either (tcp_max_tw_buckets), and a restore takes some 10 µs
// for each.
constexpr size_t kEndedMax = 32768;

// Of the caller's network namespace, and of the machine: an inexpensive look.
Result<bool> may_be_some() {
  std::istringstream lines(TRY(read_file("/proc/thread-self/net/sockstat")));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("TCP:")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    std::string name;
    for (uint64_t count = 0; words >> name >> count;)
      if ((name == "orphan" || name == "tw") && count != 0) return true;
    return false;
  }
  return true;
}

// Where its memory cannot be read, nothing that was said may be lost all the same.
Result<> refuse_unfinished() {
  for (const UnfinishedSending& one : TRY(list_unfinished_sending()))
    if (!is_loopback(one.peer))
      return Error(ErrorClass::refused, "a connection that the application has closed has " +
                                            std::to_string(one.bytes) +
                                            " bytes that its peer at port " +
                                            std::to_string(port_of(one.peer)) + " has not taken")
          .hint("try again when it has; an application cannot end before");
  return {};
}

void add_flag(TcpSocketT& record, int level, int name, bool is_set) {
  if (!is_set) return;
  const int on = 1;
  auto option = std::make_unique<image::SocketOptionT>();
  option->level = level;
  option->name = name;
  option->value.resize(sizeof on);
  std::memcpy(option->value.data(), &on, sizeof on);
  record.options.push_back(std::move(option));
}

std::unique_ptr<TcpSocketT> record_of(const UnownedTcpConnection& it, uint32_t time) {
  auto record = std::make_unique<TcpSocketT>();
  record->domain = it.family;
  record->state = it.state;
  record->name = name_at(it.family, it.name, it.port);
  record->peer_name = name_at(it.family, it.peer, it.peer_port);
  record->to_send = it.to_send;
  record->unsent = std::min(it.end - it.sent, static_cast<uint32_t>(it.to_send.size()));
  add_flag(*record, IPPROTO_IPV6, IPV6_V6ONLY, it.is_v6_only);
  add_flag(*record, SOL_SOCKET, SO_REUSEADDR, it.reuses_address);
  add_flag(*record, SOL_SOCKET, SO_REUSEPORT, it.reuses_port);
  record->connection = std::make_unique<image::TcpConnectionT>();
  image::TcpConnectionT& connection = *record->connection;
  connection.send_sequence = it.end;
  connection.receive_sequence = it.received;
  connection.segment = it.segment;
  connection.segment_now = it.segment_now;
  connection.send_scale = it.send_scale;
  connection.receive_scale = it.receive_scale;
  connection.agreed = it.agreed;
  connection.timestamp = in_milliseconds(time + it.time_offset);
  connection.peer_timestamp = it.peer_time;
  connection.window =
      std::make_unique<image::TcpWindow>(it.send_window_from, it.send_window, it.send_window_most,
                                         it.receive_window, it.receive_window_from);
  return record;
}

class Left {
 public:
  explicit Left(CaptureContext& context) : context_(context) {
    for (const auto& [inode, socket] : context.sockets) {
      const auto& file = *context.image.open_files[static_cast<size_t>(socket.file)];
      const TcpSocketT* record = file.kind.AsTcpSocket();
      if (record != nullptr && is_connected(record->state)) note(file.network, *record);
    }
  }

  // In the network namespace of that number.
  Result<> capture(int network) {
    if (!TRY(may_be_some())) return {};
    KernelView* kernel = context_.kernel();
    if (kernel == nullptr) return without_memory();
    for (int looks = 0; looks < kLooksMax; ++looks) {
      const Result<LeftTcp> left = list_left_tcp(*kernel);
      if (!left)
        return left.error().cls() == ErrorClass::unsupported ? without_memory()
                                                             : Result<>(left.error());
      if (TRY(note_all(*kernel, network, *left))) return {};
    }
    return Error(ErrorClass::timeout, "TCP connections that have been closed do not rest");
  }

 private:
  // False: one has come further than it was in the list.
  Result<bool> note_all(KernelView& kernel, int network, const LeftTcp& left) {
    std::vector<std::unique_ptr<image::UnownedTcpT>> unowned;
    const uint32_t time = TRY(kernel_time());
    for (const UnownedTcpSock& one : left.unowned) {
      auto it = unowned_tcp_connection(kernel, one.address);
      if (!it && context_.runs_on && !is_loopback(peer_of(one.names))) continue;  // it goes on
      if (!it)
        return it.take_error()
            .within("a TCP connection at port " + std::to_string(one.names.own.port) +
                    " that has been closed")
            .as(ErrorClass::refused);
      if (!*it || !is_of(**it, one.names)) return false;
      unowned.push_back(std::make_unique<image::UnownedTcpT>());
      unowned.back()->network = network;
      unowned.back()->socket = record_of(**it, time);
    }
    for (auto& record : unowned) context_.image.unowned_tcp.push_back(std::move(record));
    size_t ended = 0;
    for (const EndedTcpConnection& one : left.ended) {
      if (is_made_with_its_other_end(network, one) || is_of_a_link(one.names)) continue;
      if (++ended > kEndedMax) break;
      context_.image.ended_tcp.push_back(ended_record(one, network, time));
    }
    return true;
  }

  static InetName peer_of(const TcpNames& names) {
    return name_at(AF_INET6, names.peer.address, names.peer.port);
  }
  // Its place may be another's by now.
  static bool is_of(const UnownedTcpConnection& it, const TcpNames& names) {
    return it.port == names.own.port && it.peer_port == names.peer.port &&
           it.name == names.own.address && it.peer == names.peer.address;
  }

  // Who runs on goes on telling.
  Result<> without_memory() { return context_.runs_on ? Result<>() : refuse_unfinished(); }

  using Key = std::pair<int, std::pair<std::string, std::string>>;

  void note(int network, const TcpSocketT& end) {
    owned_.insert({network, {key_of(end.name), key_of(end.peer_name)}});
  }

  // It waits for the end of one that a program has.
  bool is_made_with_its_other_end(int network, const EndedTcpConnection& one) const {
    const TcpNames& names = one.names;
    const bool is_here = is_loopback(peer_of(names)) || names.own.address == names.peer.address;
    if (one.state != TCP_FIN_WAIT2 || !is_here) return false;
    auto key = [&](const TcpEnd& end) { return key_of(name_at(AF_INET6, end.address, end.port)); };
    return owned_.contains({network, {key(one.names.peer), key(one.names.own)}});
  }

  // Its name says nothing without the device.
  static bool is_of_a_link(const TcpNames& names) {
    in6_addr own{};
    if (names.own.address.is_v4()) return false;
    std::memcpy(&own, names.own.address.bytes().data(), sizeof own);
    return IN6_IS_ADDR_LINKLOCAL(&own);
  }

  CaptureContext& context_;
  std::set<Key> owned_;
};

}  // namespace

Result<> capture_left(CaptureContext& context) {
  Left left(context);
  if (!context.instance.share.net) {
    const std::string own = "/proc/" + std::to_string(context.instance.init.value) + "/ns/net";
    const UniqueFd network = TRY(open_file(own, O_RDONLY | O_CLOEXEC));
    TRY(in_namespace(network.get(), [&] { return left.capture(-1); }));
  }
  for (const auto& network : context.network_spaces)
    TRY(in_namespace(network.second.get(), [&] { return left.capture(network.first); }));
  return {};
}

}  // namespace appshot::tcp
