#include "tar/pax.h"

#include <gtest/gtest.h>

namespace appshot::tar {
namespace {

TEST(PaxRecords, CountTheirOwnLength) {
  EXPECT_EQ(pax_text({{"a", "b"}}), "6 a=b\n");
  EXPECT_EQ(pax_text({{"key", "12345"}}), "13 key=12345\n");
  // Where the length itself makes it longer.
  EXPECT_EQ(pax_text({{"k", "1234"}}), "9 k=1234\n");
  EXPECT_EQ(pax_text({{"k", "12345"}}), "11 k=12345\n");
}

TEST(PaxRecords, ComeBackWhateverIsInThem) {
  const PaxRecords records{
      {"empty", ""}, {"lines", "a\n5 b=c\n"}, {"nul", std::string("a\0=b", 4)}};
  EXPECT_EQ(*parse_pax(pax_text(records)), records);
  EXPECT_EQ(*parse_pax(""), PaxRecords());
}

TEST(PaxRecords, ThatAreDamagedAreRefused) {
  for (std::string_view text :
       {"6 a=b", "7 a=b\n", "5 a=b\n", "0 a=b\n", "x a=b\n", "6a=b\n\n", " 6 a=b\n", "5 =b\n",
        "5 ab\n", "18446744073709551616 a=b\n", "6 a=b\n6 a=", "2 ", "3 \n"})
    EXPECT_FALSE(parse_pax(text)) << text;
}

}  // namespace
}  // namespace appshot::tar
