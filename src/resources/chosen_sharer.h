// Of several sockets that share a name (SO_REUSEPORT) the kernel chooses one for what comes; while
// this exists, the one that is meant.
#pragma once

#include <cstdint>
#include <utility>

#include "base/result.h"

namespace appshot {

class ChosenSharer {
 public:
  // `index`: in the order in which they were bound (UDP) or began to listen (TCP).
  static Result<ChosenSharer> among(int socket, uint32_t index);
  ChosenSharer(ChosenSharer&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ChosenSharer& operator=(ChosenSharer&&) = delete;
  ~ChosenSharer();

 private:
  explicit ChosenSharer(int socket) : socket_(socket) {}
  int socket_;
};

}  // namespace appshot
