// Reads the tokens of a statement and tells what is missing from it: a function that returns
// nothing or false has said why.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "rules/lexer.h"
#include "rules/words.h"

namespace appshot::rules {

class TokenReader {
 public:
  // Both live longer.
  TokenReader(std::string_view text, Problems& problems);

  const Token& here() const { return here_; }
  // The next statement has begun.
  bool at_statement() const;
  Token take();
  // Goes on with the next statement that begins a line.
  void skip_to_statement();

  bool take_if(std::string_view word);
  bool expect(std::string_view word);
  bool expect(Token::Kind kind, std::string_view what);
  std::optional<Token> expect_string(std::string_view what);

  // One of the words, which are said to be `what`.
  template <typename T, size_t N>
  std::optional<T> expect_one_of(const std::array<Word<T>, N>& words, std::string_view what) {
    std::vector<std::string_view> known = words_of(words);
    std::optional<T> meaning;
    if (here_.kind == Token::Kind::word) meaning = meaning_of(words, here_.text);
    if (meaning) {
      take();
    } else {
      miss(std::string(what) + " (" + listed(known) + ")", known);
    }
    return meaning;
  }

  // Words in any order, each at most once, that may end a statement. Bits: 1 << value.
  std::optional<unsigned> flags(std::span<const Flag> allowed);
  // The next token, if there is one, begins a line; `instead` could have stood here.
  bool expect_end(std::span<const std::string_view> instead);

  void miss(const std::string& expected, std::span<const std::string_view> words = {});

 private:
  Lexer lexer_;
  Problems& problems_;
  Token here_;
  size_t behind_ = 0;  // end of the last token that was taken
};

}  // namespace appshot::rules
