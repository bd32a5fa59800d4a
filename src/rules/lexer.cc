#include "rules/lexer.h"

#include <algorithm>

#include "rules/words.h"

namespace appshot::rules {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool in_name(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; }
bool in_word(char c) { return in_name(c) || c == ':' || c == '.' || c == '*'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void add_byte(Token& token, char byte, size_t offset) {
  if (token.pieces.empty() || token.pieces.back().is_variable) token.pieces.emplace_back();
  token.pieces.back().text.push_back(byte);
  token.pieces.back().at.push_back(offset);
}

// Bytes of it as a limit counts them: variables as they are written.
size_t length_of(const Token& token) {
  size_t bytes = 0;
  for (const StringPiece& piece : token.pieces)
    bytes += piece.text.size() + (piece.is_variable ? 2 : 0);
  return bytes;
}

}  // namespace

void Lexer::tell(Token& token, size_t offset, std::string message) {
  token.sound = false;
  problems_.add(offset, std::move(message));
}

bool Lexer::skip_space() {
  bool line_begun = here_ == 0;
  for (; here_ < text_.size(); ++here_) {
    const char c = text_[here_];
    if (c == '#') here_ = std::min(text_.find('\n', here_), text_.size());
    if (here_ == text_.size()) break;
    if (text_[here_] == '\n') line_begun = true;
    if (std::string_view(" \t\r\n").find(text_[here_]) == std::string_view::npos) break;
  }
  return line_begun;
}

Token Lexer::take(Token::Kind kind, size_t bytes) {
  Token token{.kind = kind, .begin = here_, .end = here_ + bytes};
  token.text = text_.substr(here_, bytes);
  here_ += bytes;
  return token;
}

Token Lexer::next() {
  const bool first = skip_space();
  Token token;
  if (here_ == text_.size()) {
    token = take(Token::Kind::end, 0);
  } else if (at('"')) {
    token = string();
  } else if (at('<')) {
    token = variable();
  } else if (at('=')) {
    token = take(Token::Kind::equals, 1);
  } else if (at(',')) {
    token = take(Token::Kind::comma, 1);
  } else {
    token = word();
  }
  token.first_on_line = first;
  return token;
}

Token Lexer::word() {
  size_t bytes = 0;
  while (here_ + bytes < text_.size() && in_word(text_[here_ + bytes])) ++bytes;
  if (bytes > 0) return take(Token::Kind::word, bytes);
  return unknown();
}

// Up to the next space: /usr/bin, which should have stood in quotes.
Token Lexer::unknown() {
  const size_t end = std::min(text_.find_first_of(" \t\r\n\"", here_), text_.size());
  return take(Token::Kind::unknown, end - here_);
}

// The name between < and >, or nothing.
std::string_view Lexer::name_at(size_t offset) const {
  size_t end = offset + 1;
  while (end < text_.size() && in_name(text_[end])) ++end;
  if (end == text_.size() || text_[end] != '>' || !is_letter(text_[offset + 1])) return {};
  if (end - offset - 1 > kVariableNameMax) return {};
  return text_.substr(offset + 1, end - offset - 1);
}

Token Lexer::variable() {
  std::string_view name = name_at(here_);
  if (name.empty()) {
    problems_.add(here_, "this is no variable: they are written <NAME>, a letter and then up to " +
                             std::to_string(kVariableNameMax - 1) + " letters, digits, - and _");
    return take(Token::Kind::broken, 1);
  }
  Token token = take(Token::Kind::variable, name.size() + 2);
  token.text = name;
  return token;
}

Token Lexer::string() {
  Token token{.kind = Token::Kind::string, .begin = here_};
  ++here_;
  while (!at('"')) {
    if (here_ == text_.size() || at('\n') || at('\r')) {
      problems_.add(token.begin, "this string is not closed; it ends with \" on the same line");
      return take(Token::Kind::broken, 0);
    }
    if (at('\\')) {
      escape(token);
    } else if (at('<')) {
      variable_in(token);
    } else {
      if (at('\t')) tell(token, here_, "in a string a tab is written \\t");
      add_byte(token, text_[here_], here_);
      ++here_;
    }
  }
  token.end = ++here_;
  if (length_of(token) > kStringBytesMax)
    tell(token, token.begin,
         "this string has " + std::to_string(length_of(token)) + " bytes; it can have at most " +
             std::to_string(kStringBytesMax));
  return token;
}

void Lexer::escape(Token& token) {
  const size_t begin = here_++;
  const char c = here_ < text_.size() ? text_[here_] : '\n';
  if (c == '\n' || c == '\r') return;  // the string is not closed
  ++here_;
  if (c == 'x' && here_ + 1 < text_.size() && hex_value(text_[here_]) >= 0 &&
      hex_value(text_[here_ + 1]) >= 0) {
    const int byte = hex_value(text_[here_]) * 16 + hex_value(text_[here_ + 1]);
    here_ += 2;
    if (byte == 0) return tell(token, begin, "a string cannot hold a NUL");
    return add_byte(token, static_cast<char>(byte), begin);
  }
  if (c == '"' || c == '\\') return add_byte(token, c, begin);
  if (c == 'n') return add_byte(token, '\n', begin);
  if (c == 't') return add_byte(token, '\t', begin);
  tell(token, begin,
       c == 'x' ? "\\x is followed by two hexadecimal digits"
                : "in a string \\ is followed by one of \" \\ n t x; a \\ itself is written \\\\");
}

void Lexer::variable_in(Token& token) {
  const size_t begin = here_;
  std::string_view name = name_at(begin);
  if (text_.substr(begin).starts_with("<<")) {
    here_ += 2;
    return add_byte(token, '<', begin);
  }
  if (name.empty()) {
    ++here_;
    return tell(token, begin, "< begins a variable, <NAME>; a < itself is written <<");
  }
  here_ += name.size() + 2;
  StringPiece piece{.text = std::string(name), .is_variable = true, .at = {}};
  for (size_t i = 0; i < name.size(); ++i) piece.at.push_back(begin + 1 + i);
  token.pieces.push_back(std::move(piece));
}

void Lexer::skip_to_statement(size_t offset) {
  here_ = offset;
  while (here_ < text_.size()) {
    here_ = std::min(text_.find('\n', here_), text_.size());
    const size_t line_end = here_;
    size_t word = line_end;
    while (word < text_.size() &&
           std::string_view(" \t\r\n").find(text_[word]) != std::string_view::npos)
      ++word;
    size_t end = word;
    while (end < text_.size() && in_word(text_[end])) ++end;
    if (meaning_of(kStatements, text_.substr(word, end - word))) return;
    here_ = word;  // a line with something else in it
    if (word == text_.size()) return;
  }
}

}  // namespace appshot::rules
