// TCP_REPAIR: the mode in which the kernel tells everything about a connection, takes it in when it
// is made, and says nothing to the other end.
#pragma once

#include <netinet/tcp.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot::tcp {

Result<> enter_repair(int socket);
// Without a word to the other end.
Result<> leave_repair(int socket);

enum class Queue { receive = TCP_RECV_QUEUE, send = TCP_SEND_QUEUE };

Result<uint32_t> sequence_of(int socket, Queue queue);
Result<> set_sequence(int socket, Queue queue, uint32_t sequence);
// What the time is for a connection that counts from the kernel's beginning (TCP_TIMESTAMP).
Result<uint32_t> kernel_time();
// What to set there so that it is that time, or the next: the lowest bit says that it counts
// microseconds.
constexpr uint32_t in_milliseconds(uint32_t time) { return (time + 1) & ~1U; }
// At most that much; the connection is left as it is.
Result<std::vector<uint8_t>> content_of(int socket, Queue queue, size_t bytes);
Result<> put_in(int socket, Queue queue, std::span<const uint8_t> bytes);

// Puts sockets of a running application into repair mode, and out of it when it goes. Should the
// caller be killed meanwhile, a process of its own does that: a socket left in this mode would be
// of no use to its owner.
class Repaired {
 public:
  static Result<Repaired> enter(std::span<const int> sockets);
  Repaired(Repaired&&) noexcept = default;
  Repaired& operator=(Repaired&&) = delete;
  ~Repaired();

 private:
  struct Socket {
    int fd;
    int reuse_address;  // lost by the way
  };
  explicit Repaired(std::vector<Socket> sockets) : sockets_(std::move(sockets)) {}
  static void put_back(std::span<const Socket> sockets);
  Result<> start_guard();

  std::vector<Socket> sockets_;
  UniqueFd lifeline_;
  pid_t guard_ = -1;
};

}  // namespace appshot::tcp
