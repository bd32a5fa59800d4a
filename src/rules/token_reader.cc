#include "rules/token_reader.h"

#include <algorithm>

#include "rules/quote.h"

namespace appshot::rules {
namespace {

constexpr size_t kShownMax = 40;

std::string shown(const Token& token) {
  if (token.kind == Token::Kind::string) return "a string";
  if (token.kind == Token::Kind::variable) return "<" + token.text + ">";
  std::string text(beginning(token.text, kShownMax));
  if (text.size() < token.text.size()) text += "...";
  return text;
}

}  // namespace

TokenReader::TokenReader(std::string_view text, Problems& problems)
    : lexer_(text, problems), problems_(problems), here_(lexer_.next()) {}

Token TokenReader::take() {
  Token taken = std::move(here_);
  behind_ = taken.end;
  here_ = lexer_.next();
  return taken;
}

bool TokenReader::at_statement() const {
  return here_.kind == Token::Kind::word && here_.first_on_line &&
         meaning_of(kStatements, here_.text);
}

void TokenReader::skip_to_statement() {
  if (at_statement()) return;
  lexer_.skip_to_statement(here_.begin);
  here_ = lexer_.next();
}

bool TokenReader::take_if(std::string_view word) {
  if (here_.kind != Token::Kind::word || !same_word(here_.text, word)) return false;
  take();
  return true;
}

bool TokenReader::expect(std::string_view word) {
  if (take_if(word)) return true;
  miss(std::string(word), std::span(&word, 1));
  return false;
}

bool TokenReader::expect(Token::Kind kind, std::string_view what) {
  if (here_.kind == kind) {
    take();
    return true;
  }
  miss(std::string(what));
  return false;
}

std::optional<Token> TokenReader::expect_string(std::string_view what) {
  if (here_.kind == Token::Kind::string) return take();
  miss(std::string(what) + " in double quotes");
  return std::nullopt;
}

std::optional<unsigned> TokenReader::flags(std::span<const Flag> allowed) {
  unsigned given = 0;
  std::vector<std::string_view> words;
  for (Flag flag : allowed) words.push_back(word_for(kFlags, flag));
  while (here_.kind == Token::Kind::word) {
    std::optional<Flag> flag = meaning_of(kFlags, here_.text);
    if (!flag || std::find(allowed.begin(), allowed.end(), *flag) == allowed.end()) break;
    const unsigned bit = 1U << static_cast<unsigned>(*flag);
    if (given & bit)
      problems_.add(here_.begin, std::string(word_for(kFlags, *flag)) + " stands here twice");
    given |= bit;
    take();
  }
  if (!expect_end(words)) return std::nullopt;
  return given;
}

bool TokenReader::expect_end(std::span<const std::string_view> instead) {
  if (here_.kind == Token::Kind::end) return true;
  if (here_.first_on_line) return here_.kind != Token::Kind::broken;
  if (here_.kind == Token::Kind::word && meaning_of(kStatements, here_.text)) {
    problems_.add(here_.begin, "a statement begins on a line of its own");
    return false;
  }
  std::vector<std::string_view> possible(instead.begin(), instead.end());
  possible.emplace_back("the end of the statement");
  miss(listed(possible), instead);
  return false;
}

void TokenReader::miss(const std::string& expected, std::span<const std::string_view> words) {
  if (here_.kind == Token::Kind::broken) return;  // has been told
  if (here_.kind == Token::Kind::end || at_statement())
    return problems_.add(behind_, expected + " is missing here");
  std::string message = "expected " + expected + ", not " + shown(here_);
  if (here_.kind == Token::Kind::word) message += did_you_mean(here_.text, words);
  problems_.add(here_.begin, message);
}

}  // namespace appshot::rules
