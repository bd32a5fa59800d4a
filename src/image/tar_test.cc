#include "image/tar.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tar/header.h"

namespace appshot::image {
namespace {

Result<TarMember> read_back(std::string_view bytes) {
  return read_tar_header([&bytes](std::span<char> part) -> Result<> {
    if (bytes.size() < part.size()) return Error(ErrorClass::corrupt, "cut short");
    std::memcpy(part.data(), bytes.data(), part.size());
    bytes.remove_prefix(part.size());
    return {};
  });
}

TEST(Tar, EverySizeComesBack) {
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{511}, tar::kPlainSizeMax,
                        tar::kPlainSizeMax + 1, uint64_t{1} << 44, ~uint64_t{0}}) {
    TarMember member{"pages", size, 1700000000};
    std::string header = tar_header(member);
    EXPECT_EQ(header.size(), size <= tar::kPlainSizeMax ? 512u : 3 * 512u);
    Result<TarMember> back = read_back(header);
    ASSERT_TRUE(back) << size;
    EXPECT_EQ(*back, member);
  }
}

TEST(Tar, EveryChangedByteOfAHeaderIsSeen) {
  for (uint64_t size : {uint64_t{77}, tar::kPlainSizeMax + 1}) {
    TarMember member{"pages", size, 5};
    const std::string good = tar_header(member);
    for (size_t at = 0; at < good.size(); ++at) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
      Result<TarMember> back = read_back(bytes);
      // Only the digits of a pax record may turn into another size; then what follows does not fit.
      if (back) {
        EXPECT_NE(back->size, size) << at;
        EXPECT_GT(good.size() / tar::kBlock, 1u) << at;
      }
    }
  }
}

}  // namespace
}  // namespace appshot::image
