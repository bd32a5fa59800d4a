#include "rules/refusal_for_test.h"

namespace appshot::rules {
namespace {

TEST(ParseLimits, RefuseBytesThatDoNotShow) {
  constexpr std::string_view kMessage =
      ", which is no character of UTF-8 that shows; in a string it is written like this\n"
      "  # a?b\n"
      "     ^";
  for (auto [byte, told] : {std::pair{'\x1b', "\\x1b"}, {'\xff', "\\xff"}, {'\r', "\\x0d"}})
    EXPECT_EQ(refusal(std::string("\n# a") + byte + "b"),
              std::string("rules:2:4: here is the byte ") + told + std::string(kMessage));
  EXPECT_EQ(refusal(std::string("# a\0b", 5)),
            "rules:1:4: here is the byte \\x00" + std::string(kMessage));
}

TEST(ParseLimits, RefuseWhatIsTooLong) {
  EXPECT_EQ(refusal("SET ENV \"A\" = \"" + std::string(4097, 'x') + "\"").substr(0, 77),
            "rules:1:15: this string has 4097 bytes; it can have at most 4096\n"
            "  SET ENV \"A");
  EXPECT_EQ(refusal("LINK \"/" + std::string(4095, 'x') + "\" TO \"/b\"").substr(0, 50),
            "rules:1:7: a path can have at most 4095 bytes\n  LI");
  EXPECT_EQ(refusal(std::string(kTextBytesMax + 1, ' ')),
            "rules: the text has 1048577 bytes; it can have 1048576");
  std::string many;
  for (size_t i = 0; i <= kStatementsMax; ++i) many += "RESOURCE file DO share\n";
  EXPECT_EQ(refusal(many),
            "rules:10001:1: these are too many statements; there can be 10000\n"
            "  RESOURCE file DO share\n"
            "  ^");
}

TEST(ParseLimits, TellTheFirstOfManyProblems) {
  std::string many;
  for (int i = 0; i < 30; ++i) many += "DEFINE\n";
  std::string message = refusal(many);
  EXPECT_NE(message.find("rules:20:7: "), std::string::npos);
  EXPECT_EQ(message.find("rules:21:"), std::string::npos);
  EXPECT_TRUE(message.ends_with("\nrules: there may be more; these are the first 20")) << message;
}

TEST(ParseLimits, ShowOfALongLineWhatIsAroundTheCaret) {
  std::string long_name(200, 'x');
  EXPECT_EQ(refusal("SET ENV \"" + long_name + "\" = \"<X>" + long_name + "\""),
            "rules:1:216: <X> is not defined\n"
            "  ..." +
                std::string(54, 'x') + "\" = \"<X>" + std::string(58, 'x') + "...\n" +
                std::string(65, ' ') + "^");
}

TEST(ParseLimits, CutALongLineBetweenCharacters) {
  // An even and an odd number of bytes before the caret: one of them would cut a character.
  for (const char* odd : {"", "x"}) {
    std::string accents;
    for (int i = 0; i < 100; ++i) accents += "\xc3\xa9";
    std::string message =
        refusal("SET ENV \"A\" = \"" + accents + odd + "<X>" + odd + accents + "\"");
    std::string shown = message.substr(message.find('\n') + 1);
    EXPECT_TRUE(shown.starts_with("  ...\xc3\xa9\xc3\xa9")) << message;
    EXPECT_NE(shown.find("\xc3\xa9\xc3\xa9...\n"), std::string::npos) << message;
    EXPECT_EQ(shown.find('?'), std::string::npos) << message;
    // A caret below the X, in characters.
    const size_t before = shown.find('X');
    const auto characters = std::count_if(shown.begin(), shown.begin() + static_cast<long>(before),
                                          [](char c) { return (c & 0xc0) != 0x80; });
    EXPECT_TRUE(shown.ends_with("\n" + std::string(static_cast<size_t>(characters), ' ') + "^"))
        << message;
  }
}

TEST(ParseLimits, ShowTheCaretBehindALineThatIsTooShort) {
  EXPECT_EQ(refusal("LINK \"/a\" TO\r\n"),
            "rules:1:13: a path in double quotes is missing here\n"
            "  LINK \"/a\" TO\n"
            "              ^");
}

}  // namespace
}  // namespace appshot::rules
