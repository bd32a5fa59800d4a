#include "protocol/frames.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

TEST(Frames, AreDecodedWhereverTheStreamIsCut) {
  std::string stream = encode_frame(FrameType::stdin_bytes, "hello") +
                       encode_frame(FrameType::stdin_bytes, "") + encode_window({50, 132}) +
                       encode_exit(0x0900);
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameDecoder decoder;
    std::vector<Frame> frames;
    for (const std::string& part : {stream.substr(0, cut), stream.substr(cut)}) {
      decoder.feed(part);
      for (;;) {
        auto frame = decoder.next();
        ASSERT_TRUE(frame);
        if (!frame->has_value()) break;
        frames.push_back(**frame);
      }
    }
    ASSERT_EQ(frames.size(), 4u);
    EXPECT_TRUE(decoder.between_frames());
    EXPECT_EQ(frames[0], (Frame{FrameType::stdin_bytes, "hello"}));
    EXPECT_EQ(frames[1], (Frame{FrameType::stdin_bytes, ""}));
    EXPECT_EQ(decode_window(frames[2].payload).value(), (WindowSize{50, 132}));
    EXPECT_EQ(decode_exit(frames[3].payload).value(), 0x0900);
  }
}

TEST(Frames, KnowWhenTheStreamWasTorn) {
  FrameDecoder decoder;
  decoder.feed(encode_frame(FrameType::stdout_bytes, "abc").substr(0, 6));
  auto frame = decoder.next();
  ASSERT_TRUE(frame);
  EXPECT_FALSE(frame->has_value());
  EXPECT_FALSE(decoder.between_frames());
}

TEST(Frames, RefuseUnknownTypesAndAbsurdLengths) {
  FrameDecoder unknown;
  unknown.feed(std::string("\x09\x00\x00\x00\x00", 5));
  EXPECT_FALSE(unknown.next());
  FrameDecoder absurd;
  absurd.feed(std::string("\x01\xff\xff\xff\xff", 5));
  EXPECT_FALSE(absurd.next());
  EXPECT_FALSE(decode_window("abc"));
  EXPECT_FALSE(decode_exit(""));
}

}  // namespace
}  // namespace appshot
