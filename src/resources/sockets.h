// What sockets of all families have in common.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/file_kind.h"

namespace appshot {

// "UNIX-STREAM", "TCPv6", "NETLINK": what the kernel calls its protocol; empty: not a socket. Asked
// without taking a copy, which would keep a socket alive that its running owner closes.
std::string protocol_of(const DescriptorRef& ref);

// An option of SOL_SOCKET that is a number.
Result<int> number_of(int socket, int option);
// Of poll(2), asked without waiting.
bool has_event(int socket, short event);

// Of those that are made together before files are opened.
Result<UniqueFd> take_made(RestoreContext& context, const image::OpenFileT& file);

struct OptionName {
  int level;
  int name;
};

using SocketOptions = std::vector<std::unique_ptr<image::SocketOptionT>>;

// Those of `names`, and those of every socket, that differ between a socket and a new one of its
// kind. What a socket does not know is none of its options.
Result<SocketOptions> capture_options(int socket, int fresh, std::span<const OptionName> names);
using WhichOptions = std::function<bool(const OptionName&)>;  // empty: all
Result<> apply_options(int socket, const SocketOptions& options, const WhichOptions& which = {});

// Sizes of buffers as they were, while there is room for whatever is put into them.
struct BufferSizes {
  int send = 0;
  int receive = 0;
  int locked = 0;
};
Result<BufferSizes> make_room(int socket);
Result<> take_room_back(int socket, const BufferSizes& sizes);

}  // namespace appshot
