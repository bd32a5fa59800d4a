#include "packing/compression.h"

#include <gtest/gtest.h>

#include "packing/bytes_for_test.h"

namespace appshot::packing {
namespace {

class Compressed : public testing::TestWithParam<Compression> {
 protected:
  static std::string text() {
    std::string bytes;
    for (int i = 0; i < 100'000; ++i) bytes += std::to_string(i * 7919 % 10'007);
    return bytes;
  }
  static std::string pack(const std::string& bytes) {
    BytesSink sink;
    std::unique_ptr<Sink> packed = compressed(sink, GetParam());
    EXPECT_TRUE(packed->write(bytes));
    EXPECT_TRUE(packed->finish());
    return sink.bytes();
  }
  static Result<std::string> unpack(const std::string& bytes, size_t piece = SIZE_MAX) {
    BytesSource source(bytes, piece);
    return read_all(*decompressed(source, GetParam()));
  }
};

TEST_P(Compressed, ComesBackInWhateverPieces) {
  const std::string packed = pack(text());
  EXPECT_LT(packed.size(), text().size());
  EXPECT_EQ(*unpack(packed), text());
  EXPECT_EQ(*unpack(packed, 1), text());
  EXPECT_EQ(*unpack(packed, 1000), text());
  EXPECT_EQ(*unpack(pack("")), "");
}

TEST_P(Compressed, IsTheSameEachTime) { EXPECT_EQ(pack(text()), pack(text())); }

TEST_P(Compressed, MayBeSeveralInARow) { EXPECT_EQ(*unpack(pack("one") + pack("two")), "onetwo"); }

TEST_P(Compressed, IsCorruptWhenCutAnywhereOrFollowedByOtherThings) {
  const std::string packed = pack("a few words");
  for (size_t length = 0; length < packed.size(); ++length)
    EXPECT_EQ(unpack(packed.substr(0, length)).error().cls(), ErrorClass::corrupt) << length;
  EXPECT_FALSE(unpack(packed + "other things"));
}

TEST_P(Compressed, IsCorruptWhenAnyOfItsContentIsDifferent) {
  const std::string packed = pack(text());
  for (size_t at = packed.size() / 2; at < packed.size(); at += packed.size() / 50) {
    std::string changed = packed;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    EXPECT_FALSE(unpack(changed)) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Compressed, testing::Values(Compression::gzip, Compression::zstd));

TEST(Sha256, IsTheOneEverybodyKnows) {
  EXPECT_EQ(digest_of("abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(is_digest(digest_of("")));
}

TEST(Sha256, IsWrittenInOneWayOnly) {
  const std::string digest = digest_of("");
  std::string upper = digest;
  upper[10] = 'A';
  for (const std::string& text :
       {std::string(), std::string("sha256:"), digest + "0", digest.substr(0, digest.size() - 1),
        upper, digest.substr(7), "sha512:" + digest.substr(7), "sha256:../" + digest.substr(10)})
    EXPECT_FALSE(is_digest(text)) << text;
}

}  // namespace
}  // namespace appshot::packing
