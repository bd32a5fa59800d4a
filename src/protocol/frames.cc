#include "protocol/frames.h"

namespace appshot {
namespace {

constexpr size_t kHeaderBytes = 5;

void append_le(std::string& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint32_t read_le(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  return value;
}

}  // namespace

std::string encode_frame(FrameType type, std::string_view payload) {
  std::string frame;
  frame.reserve(kHeaderBytes + payload.size());
  frame.push_back(static_cast<char>(type));
  append_le(frame, static_cast<uint32_t>(payload.size()), 4);
  frame.append(payload);
  return frame;
}

std::string encode_window(WindowSize size) {
  std::string payload;
  append_le(payload, size.rows, 2);
  append_le(payload, size.cols, 2);
  return encode_frame(FrameType::window, payload);
}

std::string encode_exit(int wait_status) {
  std::string payload;
  append_le(payload, static_cast<uint32_t>(wait_status), 4);
  return encode_frame(FrameType::exit, payload);
}

Result<WindowSize> decode_window(std::string_view payload) {
  if (payload.size() != 4) return Error(ErrorClass::corrupt, "a window frame of the wrong size");
  return WindowSize{static_cast<uint16_t>(read_le(payload.substr(0, 2))),
                    static_cast<uint16_t>(read_le(payload.substr(2, 2)))};
}

Result<int> decode_exit(std::string_view payload) {
  if (payload.size() != 4) return Error(ErrorClass::corrupt, "an exit frame of the wrong size");
  return static_cast<int>(read_le(payload));
}

void FrameDecoder::feed(std::string_view bytes) {
  // What was handed out is dropped here, so that the buffer holds at most one torn frame.
  buffer_.erase(0, used_);
  used_ = 0;
  buffer_.append(bytes);
}

Result<std::optional<Frame>> FrameDecoder::next() {
  std::string_view rest = std::string_view(buffer_).substr(used_);
  if (rest.size() < kHeaderBytes) return std::optional<Frame>();
  auto type = static_cast<uint8_t>(rest[0]);
  size_t length = read_le(rest.substr(1, 4));
  if (type > static_cast<uint8_t>(FrameType::detach))
    return Error(ErrorClass::corrupt, "a frame of unknown type " + std::to_string(type));
  if (length > kFramePayloadMax) return Error(ErrorClass::corrupt, "a frame beyond the size limit");
  if (rest.size() < kHeaderBytes + length) return std::optional<Frame>();
  used_ += kHeaderBytes + length;
  return std::optional<Frame>(
      Frame{static_cast<FrameType>(type), std::string(rest.substr(kHeaderBytes, length))});
}

}  // namespace appshot
