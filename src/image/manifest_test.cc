#include "image/manifest.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstring>

#include "image/format.h"
#include "image/rich_image_for_test.h"

namespace appshot::image {
namespace {

bool is_refusal(const Error& error) {
  return error.cls() == ErrorClass::corrupt || error.cls() == ErrorClass::mismatch;
}

// As if whoever changed the body had known about the checksum.
void seal(std::vector<char>& bytes) {
  ManifestHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  header.length = bytes.size() - sizeof header;
  header.hash = XXH3_64bits(bytes.data() + sizeof header, header.length);
  std::memcpy(bytes.data(), &header, sizeof header);
}

TEST(Manifest, ComesBackAsItWasWritten) {
  std::vector<char> bytes = encode_manifest(rich_image());
  Result<ImageT> image = decode_manifest(bytes);
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->argv, (std::vector<std::string>{"web", "--port", "80"}));
  EXPECT_EQ(image->processes.size(), 4u);
  EXPECT_EQ(image->processes[1]->threads[1]->tid, 103);
  EXPECT_EQ(image->open_files[5]->kind.AsTimerfd()->interval->nsec(), 4);
  EXPECT_EQ(encode_manifest(*image), bytes);
}

TEST(Manifest, RefusesEveryChangedByte) {
  const std::vector<char> good = encode_manifest(rich_image());
  for (size_t at = 0; at < good.size(); ++at) {
    for (int change : {0x01, 0xff}) {
      std::vector<char> bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      Result<ImageT> image = decode_manifest(bytes);
      ASSERT_FALSE(image) << "byte " << at;
      EXPECT_TRUE(is_refusal(image.error())) << image.error().message();
    }
  }
}

TEST(Manifest, RefusesEveryShorterAndLongerOne) {
  std::vector<char> bytes = encode_manifest(rich_image());
  bytes.push_back(0);
  EXPECT_FALSE(decode_manifest(bytes));
  bytes.pop_back();
  while (!bytes.empty()) {
    bytes.pop_back();
    Result<ImageT> image = decode_manifest(bytes);
    ASSERT_FALSE(image) << bytes.size();
    EXPECT_EQ(image.error().cls(), ErrorClass::corrupt);
  }
}

TEST(Manifest, AnotherVersionIsAMismatchThatNamesBoth) {
  std::vector<char> bytes = encode_manifest(rich_image());
  bytes[8] = 9;
  Result<ImageT> image = decode_manifest(bytes);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().cls(), ErrorClass::mismatch);
  EXPECT_NE(image.error().message().find("version 9"), std::string::npos);
}

// What survives a change is an image like any other: it can be written and read again.
TEST(Manifest, AChangeWithARightChecksumIsRefusedOrHarmless) {
  const std::vector<char> good = encode_manifest(rich_image());
  size_t refused = 0;
  for (size_t at = sizeof(ManifestHeader); at < good.size(); ++at) {
    std::vector<char> bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (at % 2 == 0 ? 0x01 : 0x80));
    seal(bytes);
    Result<ImageT> image = decode_manifest(bytes);
    if (image) {
      EXPECT_TRUE(decode_manifest(encode_manifest(*image))) << "byte " << at;
    } else {
      EXPECT_EQ(image.error().cls(), ErrorClass::corrupt) << image.error().message();
      ++refused;
    }
  }
  EXPECT_GT(refused, good.size() / 8);
}

TEST(Manifest, ABodyCutAtAnyLengthIsRefusedOrHarmless) {
  std::vector<char> bytes = encode_manifest(rich_image());
  while (bytes.size() > sizeof(ManifestHeader)) {
    bytes.pop_back();
    seal(bytes);
    Result<ImageT> image = decode_manifest(bytes);
    if (!image) continue;
    EXPECT_TRUE(decode_manifest(encode_manifest(*image))) << bytes.size();
  }
}

}  // namespace
}  // namespace appshot::image
