// Bytes of an HTTP message over a stream socket, with or without a deadline.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/result.h"

namespace appshot {

using MaybeDeadline = std::optional<Deadline>;

// Appends what has come; false at the end of the stream.
Result<bool> receive_more(int socket, std::string& buffer, const MaybeDeadline& deadline);
Result<> send_all(int socket, std::string_view bytes);
// One chunk of a chunked body; an empty one ends it.
std::string encode_chunk(std::string_view bytes);

// "a=1&b=x%20y" pieces: percent escapes in and out of a URL.
std::string percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);

}  // namespace appshot
