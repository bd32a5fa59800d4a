// Cuts a text of rules into tokens. What is wrong with a token is told here, once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/problems.h"

namespace appshot::rules {

constexpr size_t kStringBytesMax = 4096;
constexpr size_t kVariableNameMax = 64;

// A piece of a string, and where in the text each of its bytes comes from.
struct StringPiece {
  std::string text;
  bool is_variable = false;
  std::vector<size_t> at;
};

struct Token {
  enum class Kind {
    end,
    word,      // DEFINE, application-id, 0x12, 80-90, *
    variable,  // <NAME>
    string,    // "..."
    equals,
    comma,
    unknown,  // nothing of the language
    broken,   // likewise, and it has been told
  };
  Kind kind = Kind::end;
  size_t begin = 0;
  size_t end = 0;
  bool first_on_line = false;
  std::string text{};                 // as written; of a variable without < >
  std::vector<StringPiece> pieces{};  // of a string
  bool sound = true;                  // false: a string of which something has been told
};

class Lexer {
 public:
  // Both live longer.
  Lexer(std::string_view text, Problems& problems) : text_(text), problems_(problems) {}

  Token next();
  // Goes on with the line behind `offset`, or a later one, that begins with the word of a
  // statement.
  void skip_to_statement(size_t offset);

 private:
  // Comments, too. True: a line has begun meanwhile.
  bool skip_space();
  Token word();
  Token unknown();
  Token variable();
  Token string();
  void escape(Token& token);
  void variable_in(Token& token);
  std::string_view name_at(size_t offset) const;
  bool at(char c) const { return here_ < text_.size() && text_[here_] == c; }
  void tell(Token& token, size_t offset, std::string message);
  Token take(Token::Kind kind, size_t bytes);

  std::string_view text_;
  Problems& problems_;
  size_t here_ = 0;
};

}  // namespace appshot::rules
