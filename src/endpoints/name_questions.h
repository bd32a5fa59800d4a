// Questions for names that come as datagrams: each goes to the first server that takes it, from a
// socket of its own, so that nothing that others are answered or send is taken for its answer.
//
// Threads: one. Nothing here waits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "os/ip_address.h"
#include "os/socket_name.h"
#include "os/unique_fd.h"

namespace appshot {

struct NameServer {
  IpAddress address;
  uint16_t port = 53;
};
using NameServers = std::function<std::vector<NameServer>()>;

class NameQuestions {
 public:
  // Who has a socket to be watched is told to `epoll`. Others than `clients` are not heard.
  NameQuestions(int epoll, UniqueFd socket, const IpNetwork& clients, NameServers servers)
      : epoll_(epoll),
        socket_(std::move(socket)),
        clients_(clients),
        servers_(std::move(servers)) {}

  int fd() const { return socket_.get(); }
  // What has come to it.
  void take_all();
  // Something has come to one of the sockets for answers. False: it is none.
  bool take_answer(int fd);
  // Who has not been answered in time is asked no more; the next server is.
  void expire();
  // For epoll_wait: until somebody's time is over; -1: nobody waits.
  int left_ms() const;

 private:
  struct Question {
    SocketName from;
    std::vector<uint8_t> bytes;
    std::vector<NameServer> servers{};
    size_t asked = 0;  // of them
    UniqueFd socket{};
    Deadline deadline = Deadline::in({});
  };
  void ask_next(Question question);
  void tell_failure(Question& question);

  const int epoll_;
  const UniqueFd socket_;
  const IpNetwork clients_;
  const NameServers servers_;
  std::map<int, Question> under_way_;  // by their sockets
};

}  // namespace appshot
