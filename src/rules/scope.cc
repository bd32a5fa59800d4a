#include "rules/scope.h"

#include "rules/path.h"
#include "rules/quote.h"
#include "rules/words.h"

namespace appshot::rules {
namespace {

std::string bracketed(std::string_view name) { return "<" + std::string(name) + ">"; }

Text text_of(const Token& token) {
  Text text;
  for (const StringPiece& piece : token.pieces)
    text.pieces.push_back({piece.text, piece.is_variable});
  return text;
}

// No variable begins, ends or doubles a slash, so each literal can be cleaned by itself.
Text path_of(const Token& token) {
  Text text = text_of(token);
  for (size_t i = 0; i < text.pieces.size(); ++i) {
    Piece& piece = text.pieces[i];
    if (piece.is_variable) continue;
    const bool last = i + 1 == text.pieces.size();
    const bool goes_on = !last && piece.text.ends_with('/');
    piece.text = without_extra_slashes(piece.text);
    if (goes_on && !piece.text.ends_with('/')) piece.text.push_back('/');
    if (last && i > 0 && piece.text == "/") piece.text.clear();
  }
  if (!text.pieces.empty() && text.pieces.back().text.empty()) text.pieces.pop_back();
  return text;
}

}  // namespace

bool Scope::define(const Token& name, size_t line, std::optional<std::string> literal) {
  auto before = defined_.find(name.text);
  if (before != defined_.end()) {
    problems_.add(name.begin, bracketed(name.text) + " has been defined in line " +
                                  std::to_string(before->second.line));
    return false;
  }
  if (used_.contains(name.text)) {
    problems_.add(name.begin, bracketed(name.text) +
                                  " has been used above; what defines it anew must come before");
    return false;
  }
  defined_.emplace(name.text, Defined{line, std::move(literal)});
  return true;
}

bool Scope::check_variable(const StringPiece& piece, bool in_path) {
  auto own = defined_.find(piece.text);
  if (own == defined_.end()) {
    for (const auto& [name, property] : kPredefined) {
      if (name != piece.text) continue;
      used_.insert(piece.text);
      return true;
    }
    std::vector<std::string_view> names = words_of(kPredefined);
    for (const auto& [name, definition] : defined_) names.push_back(name);
    std::string_view meant = nearest(piece.text, names);
    std::string message = bracketed(piece.text) + " is not defined";
    if (!meant.empty()) message += "; did you mean " + bracketed(meant) + "?";
    problems_.add(piece.at[0], message);
    return false;
  }
  const std::optional<std::string>& literal = own->second.literal;
  if (!in_path || !literal) return true;
  std::optional<std::string> fault = fault_of_part(*literal);
  if (!fault) return true;
  problems_.add(piece.at[0], bracketed(piece.text) + " is " + in_quotes(*literal) +
                                 " and cannot be part of a path: " + *fault);
  return false;
}

bool Scope::check_variables(const Token& token, bool in_path) {
  bool right = token.sound;
  for (const StringPiece& piece : token.pieces) {
    if (problems_.enough()) return false;  // looking for what was meant takes time
    if (piece.is_variable && !check_variable(piece, in_path)) right = false;
  }
  return right;
}

// Variables are looked at as one more letter of the name they are part of: so they will be.
bool Scope::check_path(const Token& token) {
  std::string flat;
  std::vector<size_t> at;
  for (const StringPiece& piece : token.pieces) {
    if (piece.is_variable) {
      flat.push_back('v');
      at.push_back(piece.at[0] - 1);
    } else {
      flat += piece.text;
      at.insert(at.end(), piece.at.begin(), piece.at.end());
    }
  }
  std::optional<PathFault> fault = fault_of(flat);
  if (!fault && without_extra_slashes(flat).size() > kPathBytesMax)
    fault = PathFault{0, "a path can have at most " + std::to_string(kPathBytesMax) + " bytes"};
  if (fault) problems_.add(at.empty() ? token.begin : at[fault->index], fault->what);
  return !fault;
}

std::optional<std::string> Scope::literal(const Token& token, std::string_view what) {
  for (const StringPiece& piece : token.pieces) {
    if (!piece.is_variable) continue;
    problems_.add(piece.at[0] - 1, std::string(what) + " cannot hold variables");
    return std::nullopt;
  }
  if (!token.sound) return std::nullopt;
  return token.pieces.empty() ? "" : token.pieces[0].text;
}

std::optional<std::string> Scope::fixed_path(const Token& token) {
  std::optional<std::string> path = literal(token, "the path an application sees");
  if (!path || !check_path(token)) return std::nullopt;
  return without_extra_slashes(*path);
}

std::optional<Text> Scope::path(const Token& token) {
  if (!check_variables(token, true) || !check_path(token)) return std::nullopt;
  return path_of(token);
}

std::optional<Text> Scope::text(const Token& token) {
  if (!check_variables(token, false)) return std::nullopt;
  return text_of(token);
}

}  // namespace appshot::rules
