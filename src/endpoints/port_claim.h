// A port of this machine, kept from everybody else while it is published: packets for it never come
// to this socket, but nobody can bind another one there.
#pragma once

#include <vector>

#include "endpoints/table.h"
#include "os/unique_fd.h"

namespace appshot {

class PortClaim {
 public:
  // Class conflict, naming who has it, when somebody else on this machine does. Of port 0 the
  // kernel chooses one.
  static Result<PortClaim> take(const PublishedPort& port);

  uint16_t port() const { return port_; }

 private:
  PortClaim(UniqueFd socket, uint16_t port) : socket_(std::move(socket)), port_(port) {}
  UniqueFd socket_;
  uint16_t port_;
};

// Whether no two instances can have both.
bool collide(const PublishedPort& one, const PublishedPort& other);

}  // namespace appshot
