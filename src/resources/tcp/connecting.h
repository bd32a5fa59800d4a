// One end of a TCP connection on its way back, in steps that all ends take together.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/tcp_segments.h"
#include "os/unique_fd.h"
#include "resources/sockets.h"

namespace appshot::tcp {

struct End {
  const image::OpenFileT* file;  // nullptr: nobody has it any more
  const image::TcpSocketT* socket;
  const image::TcpSocketT* other;  // nullptr: somebody else's, who goes on by himself
  UniqueFd fd{};
  BufferSizes sizes{};
};

class Connecting {
 public:
  explicit Connecting(End& end) : end_(end), socket_(*end.socket), other_(end.other) {}

  // There, but dumb.
  Result<> make();
  Result<> leave();
  // A byte that was sent out of band, and what came behind it, comes once more: that it is one must
  // be told before it is there.
  Result<> hear_urgent(TcpSegments& segments);
  // What the other end has not received yet, and what follows it.
  Result<> speak();
  // That one outside has finished is said once more, in his name. He counts no time: what he says
  // later must not seem older. Nor does he acknowledge what he may not have.
  Result<> hear_end(TcpSegments& segments);
  // That it has finished is heard at the other end, and that is heard here.
  Result<> settle();

 private:
  int fd() const { return end_.fd.get(); }
  // Of what is to be read: what can be put back before an urgent byte, and what comes after that.
  size_t before_urgent() const;
  uint32_t held_back() const;
  // Of what it has to send the other end may have received some; of one outside nobody knows.
  uint32_t first_to_send() const;
  // To one outside: it has been sent, and is again if it does not arrive.
  size_t sent_before() const;
  TcpSegment from_peer(uint32_t number) const;
  // When all is there, which shows when the byte counts as one among the others.
  Result<> take_urgent();
  // What is agreed on later comes too late for the size of what is sent.
  Result<> ask_for_segments(uint32_t bytes);
  Result<> agree();
  // It may send as far as the other end has said that it takes.
  Result<> set_window();
  Result<> send_rest();

  End& end_;
  const image::TcpSocketT& socket_;
  const image::TcpSocketT* other_;
};

// The other end of a connection that its owner closed when everything had arrived.
image::TcpSocketT closed_end_of(const image::TcpSocketT& socket);

// Until so much is to be read, by a call.
Result<> wait_for_bytes(int socket, size_t bytes);

}  // namespace appshot::tcp
