#include "api/http_io.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstdio>

namespace appshot {

Result<bool> receive_more(int socket, std::string& buffer, const MaybeDeadline& deadline) {
  std::array<char, 16384> bytes;
  for (;;) {
    if (deadline) {
      pollfd entry{socket, POLLIN, 0};
      int ready = ::poll(&entry, 1, deadline->left_ms());
      if (ready == 0)
        return Error(ErrorClass::timeout, "no answer before the deadline")
            .hint("what was asked for may still be going on: appshot ps -a");
      if (ready < 0 && errno != EINTR) return Error::from_errno(errno, "poll");
      if (ready < 0) continue;
    }
    ssize_t got = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ECONNRESET) return false;
    if (got < 0) return Error::from_errno(errno, "recv");
    buffer.append(bytes.data(), static_cast<size_t>(got));
    return got > 0;
  }
}

Result<> send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Error::from_errno(errno, "send");
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

std::string encode_chunk(std::string_view bytes) {
  std::array<char, 24> head;
  int length = std::snprintf(head.data(), head.size(), "%zx\r\n", bytes.size());
  std::string chunk(head.data(), static_cast<size_t>(length));
  return chunk.append(bytes).append("\r\n");
}

std::string percent_decode(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = 0;
    const char* digits = text.data() + i + 1;
    bool escape = text[i] == '%' && i + 2 < text.size() &&
                  std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    plain.push_back(escape ? static_cast<char>(byte) : text[i]);
    if (escape) i += 2;
  }
  return plain;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (char c : text) {
    auto byte = static_cast<uint8_t>(c);
    if (std::isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded.push_back(c);
    } else {
      encoded.append("%").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
  }
  return encoded;
}

}  // namespace appshot
