// The attach stream: one byte type, four bytes length (little endian), payload.
//
// The encoder makes whole frames; the decoder takes bytes as they come and gives whole frames back.
// A decoder that has reported an error has lost the stream's rhythm: the stream must be closed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace appshot {

enum class FrameType : uint8_t {
  stdin_bytes = 0,   // to the harness; empty: end of input
  stdout_bytes = 1,  // to the client
  stderr_bytes = 2,  // to the client
  window = 3,        // to the harness: rows, columns
  exit = 4,          // to the client: wait status; the stream ends after it
  detach = 5,        // to the harness: let go; to the client: why
};

inline constexpr size_t kFramePayloadMax = 1024 * 1024;

struct Frame {
  FrameType type;
  std::string payload;
  bool operator==(const Frame&) const = default;
};

struct WindowSize {
  uint16_t rows = 24;
  uint16_t cols = 80;
  bool operator==(const WindowSize&) const = default;
};

// The payload must not exceed kFramePayloadMax: split what is longer.
std::string encode_frame(FrameType type, std::string_view payload);
std::string encode_window(WindowSize size);
std::string encode_exit(int wait_status);

// What a window or exit frame says; class corrupt when its length is wrong.
Result<WindowSize> decode_window(std::string_view payload);
Result<int> decode_exit(std::string_view payload);

class FrameDecoder {
 public:
  void feed(std::string_view bytes);
  // The next whole frame, none until more bytes are fed, class corrupt for what is no frame.
  Result<std::optional<Frame>> next();
  // True between frames: an end of the stream here tore nothing apart.
  bool between_frames() const { return used_ == buffer_.size(); }

 private:
  std::string buffer_;
  size_t used_ = 0;
};

}  // namespace appshot
