// Questions for names over TCP, for answers that are too large for a datagram: each connection is
// one to the first server that takes it, and what either says the other hears.
//
// Threads: one. Nothing here waits.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/deadline.h"
#include "endpoints/name_questions.h"
#include "os/unique_fd.h"

namespace appshot {

class NameConnections {
 public:
  // Who has a socket to be watched is told to `epoll`. Others than `clients` are turned away.
  NameConnections(int epoll, UniqueFd listener, const IpNetwork& clients, NameServers servers)
      : epoll_(epoll),
        listener_(std::move(listener)),
        clients_(clients),
        servers_(std::move(servers)) {}

  int fd() const { return listener_.get(); }
  void take_all();
  // Something has happened at a socket of one of them. False: it is none.
  bool serve(int fd);
  // Those that have been silent for long are closed.
  void expire();
  // For epoll_wait: until one of them has been; -1: there is none.
  int left_ms() const;

 private:
  // One of the two ends, and what is to be said to it.
  struct End {
    UniqueFd socket{};
    std::vector<uint8_t> to_say{};
    bool has_ended = false;  // says no more
    bool was_told = false;   // that the other says no more
    uint32_t watched = 0;    // of epoll
  };
  struct Connection {
    End client, server;
    std::vector<NameServer> servers{};
    size_t asked = 0;  // of them
    bool is_made = false;
    Deadline deadline = Deadline::in({});
  };
  using Shared = std::shared_ptr<Connection>;

  void connect_next(const Shared& connection);
  bool make(const Shared& connection);
  bool hear(End& from, End& to);
  bool say(End& to, const End& from);
  bool watch(const Shared& connection);
  bool watch(const Shared& connection, End& end, uint32_t events);
  void close(const Shared& connection);

  const int epoll_;
  const UniqueFd listener_;
  const IpNetwork clients_;
  const NameServers servers_;
  std::map<int, Shared> connections_;  // by the sockets of both ends
};

}  // namespace appshot
