// Reads one statement after the other into Rules.
#pragma once

#include <map>
#include <string>

#include "rules/rule.h"
#include "rules/scope.h"
#include "rules/token_reader.h"

namespace appshot::rules {

class StatementReader {
 public:
  // Both live longer.
  StatementReader(const SourceText& source, Problems& problems);

  // All of them, or until there are problems enough.
  Rules read_all();

 private:
  // False: what follows is not known to be a statement.
  bool statement();
  bool definition(const Position& at);
  std::optional<Definition> defined_as(const Token& name, const Position& at);
  bool redirection(const Position& at);
  bool link(const Position& at);
  bool setting(const Position& at);
  bool exception(const Position& at);

  // One rule for each path, one setting for each variable.
  bool claim(std::map<std::string, size_t>& taken, const std::string& name, const Token& token);
  std::optional<std::string> replaced_path(const Token& token, std::string_view what);
  bool check_target(const Token& token, const std::string& path, const Text& to);

  const SourceText& source_;
  Problems& problems_;
  TokenReader reader_;
  Scope scope_;
  Rules rules_;
  std::map<std::string, size_t> paths_;     // and the lines of their rules
  std::map<std::string, size_t> settings_;  // of environment variables, likewise
};

}  // namespace appshot::rules
