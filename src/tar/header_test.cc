#include "tar/header.h"

#include <gtest/gtest.h>

#include <cstring>

namespace appshot::tar {
namespace {

std::optional<int64_t> number(std::string_view field) {
  return number_in(std::span(field.data(), field.size()));
}

TEST(TarNumbers, AreOctalDigitsOrOfBase256) {
  EXPECT_EQ(number(std::string_view("0000644\0", 8)), 0644);
  EXPECT_EQ(number("   644  "), 0644);
  EXPECT_EQ(number("77777777"), 077777777);
  EXPECT_EQ(number(std::string_view("\0\0\0", 3)), 0);
  EXPECT_EQ(number("        "), 0);
  EXPECT_EQ(number(std::string_view("\x80\0\0\0\0\0\x01\x02", 8)), 0x102);
  EXPECT_EQ(number("\xff\xff\xff\xff\xff\xff\xff\xfe"), -2);
  EXPECT_EQ(number(std::string_view("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12)), INT64_MAX);
  EXPECT_EQ(number("\xff\xff\xff\xff\x80" + std::string(7, '\0')), INT64_MIN);
}

TEST(TarNumbers, ThatAreNoneOrTooLargeAreAbsent) {
  for (std::string_view field :
       {std::string_view("8"), std::string_view("-1"), std::string_view("1x"),
        std::string_view("7777777777777777777777777"),
        std::string_view("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12),
        std::string_view("\xff\xff\xff\xff\x7f\0\0\0\0\0\0\0", 12)})
    EXPECT_EQ(number(field), std::nullopt) << field;
}

TEST(TarNumbers, AreWrittenAsFarAsTheyFit) {
  char field[8];
  EXPECT_TRUE(put_number(field, 07777777));
  EXPECT_EQ(std::memcmp(field, "7777777", 8), 0);
  EXPECT_FALSE(put_number(field, 010000001));
  EXPECT_EQ(std::memcmp(field, "0000001", 8), 0);
}

TEST(TarTexts, EndAtANulOrWithTheirField) {
  char field[4];
  EXPECT_TRUE(put_text(field, "full"));
  EXPECT_EQ(text_in(field), "full");
  EXPECT_FALSE(put_text(field, "fuller"));
  EXPECT_EQ(text_in(field), "full");
  EXPECT_EQ(text_in(std::span("ab\0c", 4)), "ab");
}

TEST(TarHeaders, AreAsPosixHasThem) {
  Header header = new_header('0', 5);
  put_text(header.name, "name");
  const std::string bytes = sealed(header);
  ASSERT_EQ(bytes.size(), kBlock);
  EXPECT_EQ(bytes.substr(0, 5), std::string("name\0", 5));
  EXPECT_EQ(bytes.substr(100, 8), std::string("0000000\0", 8));
  EXPECT_EQ(bytes.substr(124, 12), std::string("00000000005\0", 12));
  EXPECT_EQ(bytes.substr(257, 8), std::string("ustar\0"
                                              "00",
                                              8));
  uint64_t sum = uint64_t{8} * ' ';
  for (size_t at = 0; at < bytes.size(); ++at)
    if (at < 148 || at >= 156) sum += static_cast<unsigned char>(bytes[at]);
  EXPECT_EQ(number(bytes.substr(148, 7)), static_cast<int64_t>(sum));
  EXPECT_EQ(bytes.substr(154, 2), std::string("\0 ", 2));
}

TEST(TarBlocks, AreFilledUp) {
  EXPECT_EQ(padding_of(0), 0u);
  EXPECT_EQ(padding_of(1), 511u);
  EXPECT_EQ(padding_of(512), 0u);
}

}  // namespace
}  // namespace appshot::tar
