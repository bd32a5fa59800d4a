// Asks the name servers of this machine in the name of instances, which cannot reach those on its
// loopback. It hears those that have an address of the node's part alone, at the node's own
// address, where a published port leads: port 53 itself may be somebody else's.
//
// Threads: one of its own, which the destructor ends. Failure: what no server answers is answered
// as failed, over TCP by the end of the connection.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>

#include "base/result.h"
#include "endpoints/name_questions.h"
#include "os/ip_address.h"
#include "os/unique_fd.h"

namespace appshot {

class NameRelay {
 public:
  struct Wish {
    IpAddress at;
    IpNetwork clients;
    uint16_t port = 0;  // where it was before; if that is not free, or 0, another
    NameServers servers;
  };
  static Result<std::unique_ptr<NameRelay>> start(const Wish& wish);
  ~NameRelay();

  uint16_t port() const { return port_; }  // of UDP and of TCP

 private:
  NameRelay(UniqueFd stop, uint16_t port) : stop_(std::move(stop)), port_(port) {}

  UniqueFd stop_;
  uint16_t port_;
  std::thread thread_;
};

// Those that /etc/resolv.conf names now, but for one address.
std::vector<NameServer> servers_of_machine(const IpAddress& but_for);

}  // namespace appshot
