// Which variables a text has defined so far, and what its strings make of them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "rules/lexer.h"
#include "rules/rule.h"

namespace appshot::rules {

// What is wrong has been told when a function returns nothing.
class Scope {
 public:
  explicit Scope(Problems& problems) : problems_(problems) {}

  // `literal`: what it is, where that is known. False: it cannot be.
  bool define(const Token& name, size_t line, std::optional<std::string> literal);

  // The path an application sees: no variables, so that it is the same for every instance.
  std::optional<std::string> fixed_path(const Token& token);
  // A path with variables, each part of one name in it.
  std::optional<Text> path(const Token& token);
  // Any string, with variables.
  std::optional<Text> text(const Token& token);
  // Any string, without.
  std::optional<std::string> literal(const Token& token, std::string_view what);

 private:
  bool check_variables(const Token& token, bool in_path);
  bool check_variable(const StringPiece& piece, bool in_path);
  bool check_path(const Token& token);

  Problems& problems_;
  struct Defined {
    size_t line;
    std::optional<std::string> literal;
  };
  std::map<std::string, Defined> defined_;
  std::set<std::string> used_;  // predefined ones
};

}  // namespace appshot::rules
