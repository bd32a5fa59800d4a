#include "endpoints/name_relay.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "endpoints/name_connections.h"
#include "os/file.h"
#include "os/resolv_conf.h"

namespace appshot {
namespace {

constexpr int kPortsTried = 20;
constexpr int kBacklog = 64;

struct Sockets {
  UniqueFd datagrams, listener;
  uint16_t port = 0;
};

Result<UniqueFd> bound(int type, const SocketName& name) {
  UniqueFd socket(
      TRY_SYS(::socket(name.storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
  // What is left of connections of before is no owner. Of datagrams it would make several.
  const int reuse = type == SOCK_STREAM;
  TRY_SYS(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse));
  TRY_SYS(::bind(socket.get(), name.get(), name.size));
  return socket;
}

// Both at one port.
Result<Sockets> open_at(const IpAddress& at, uint16_t port) {
  Sockets sockets;
  sockets.datagrams = TRY(bound(SOCK_DGRAM, SocketName::of(at, port)));
  SocketName name;
  TRY_SYS(::getsockname(sockets.datagrams.get(), name.get(), &name.size));
  sockets.port = name.port();
  sockets.listener = TRY(bound(SOCK_STREAM, SocketName::of(at, sockets.port)));
  TRY_SYS(::listen(sockets.listener.get(), kBacklog));
  return sockets;
}

Result<Sockets> open(const IpAddress& at, uint16_t wanted) {
  for (int i = 0;; ++i) {
    Result<Sockets> opened = open_at(at, i == 0 ? wanted : 0);
    if (opened || opened.error().err() != EADDRINUSE || i == kPortsTried) return opened;
  }
}

Result<> watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  TRY_SYS(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
  return {};
}

int sooner(int one, int other) {
  if (one < 0 || other < 0) return std::max(one, other);
  return std::min(one, other);
}

struct Relay {
  UniqueFd epoll;
  int stop;
  NameQuestions questions;
  NameConnections connections;

  void run() {
    std::array<epoll_event, 64> events;
    for (;;) {
      const int left = sooner(questions.left_ms(), connections.left_ms());
      const int count = ::epoll_wait(epoll.get(), events.data(), events.size(), left);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        if (fd == stop) return;
        if (fd == questions.fd())
          questions.take_all();
        else if (fd == connections.fd())
          connections.take_all();
        else if (!questions.take_answer(fd))
          connections.serve(fd);
      }
      questions.expire();
      connections.expire();
    }
  }
};

}  // namespace

Result<std::unique_ptr<NameRelay>> NameRelay::start(const Wish& wish) {
  Sockets sockets = TRY(open(wish.at, wish.port));
  UniqueFd epoll(TRY_SYS(::epoll_create1(EPOLL_CLOEXEC)));
  UniqueFd stop(TRY_SYS(::eventfd(0, EFD_CLOEXEC)));
  for (const UniqueFd* fd : {&sockets.datagrams, &sockets.listener, &stop})
    TRY(watch(epoll.get(), fd->get()));
  const int told = epoll.get();
  const std::shared_ptr<Relay> relay(
      new Relay{std::move(epoll), stop.get(),
                NameQuestions(told, std::move(sockets.datagrams), wish.clients, wish.servers),
                NameConnections(told, std::move(sockets.listener), wish.clients, wish.servers)});
  std::unique_ptr<NameRelay> started(new NameRelay(std::move(stop), sockets.port));
  started->thread_ = std::thread([relay] { relay->run(); });
  return started;
}

NameRelay::~NameRelay() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::vector<NameServer> servers_of_machine(const IpAddress& but_for) {
  std::vector<NameServer> servers;
  for (const IpAddress& address : name_servers_in(read_file(kResolvConf).value_or("")))
    if (address != but_for) servers.push_back({address});
  return servers;
}

}  // namespace appshot
