#include "rules/statements.h"

#include "rules/parse.h"
#include "rules/path.h"
#include "rules/quote.h"
#include "rules/resource_statement.h"

namespace appshot::rules {
namespace {

constexpr std::string_view kEnv = "env:";

bool has(unsigned flags, Flag flag) { return flags & (1U << static_cast<unsigned>(flag)); }

bool names_environment_variable(std::string_view name) {
  for (char c : name)
    if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_')
      return false;
  return !name.empty() && (name[0] < '0' || name[0] > '9');
}

// The beginning of a target that is the same whatever its variables are, in whole components.
std::string fixed_beginning(const Text& to) {
  const std::string& first = to.pieces[0].text;
  if (to.pieces.size() == 1) return first;
  return without_extra_slashes(first.substr(0, first.rfind('/') + 1));
}

}  // namespace

StatementReader::StatementReader(const SourceText& source, Problems& problems)
    : source_(source), problems_(problems), reader_(source.text(), problems), scope_(problems) {}

Rules StatementReader::read_all() {
  size_t statements = 0;
  while (reader_.here().kind != Token::Kind::end && !problems_.enough()) {
    if (++statements > kStatementsMax) {
      problems_.add(reader_.here().begin, "these are too many statements; there can be " +
                                              std::to_string(kStatementsMax));
      break;
    }
    if (!statement()) reader_.skip_to_statement();
  }
  return std::move(rules_);
}

bool StatementReader::statement() {
  const Position at = source_.position(reader_.here().begin);
  const std::string word = reader_.here().text;
  if (reader_.here().kind == Token::Kind::broken) return false;
  std::optional<Statement> begun;
  if (reader_.here().kind == Token::Kind::word) begun = meaning_of(kStatements, word);
  if (!begun) {
    std::vector<std::string_view> words = words_of(kStatements);
    problems_.add(reader_.here().begin,
                  "a statement begins with " + listed(words) + did_you_mean(word, words));
    return false;
  }
  reader_.take();
  switch (*begun) {
    case Statement::define:
      return definition(at);
    case Statement::redir:
      return redirection(at);
    case Statement::link:
      return link(at);
    case Statement::set:
      return setting(at);
    case Statement::except:
      return exception(at);
    case Statement::resource:
      break;
  }
  std::optional<ResourceRule> rule = read_resource(reader_, scope_, problems_);
  if (!rule) return false;
  rule->at = at;
  rules_.resources.push_back(std::move(*rule));
  return true;
}

bool StatementReader::definition(const Position& at) {
  if (reader_.here().kind != Token::Kind::variable) {
    reader_.miss("a variable (<NAME>)");
    return false;
  }
  const Token name = reader_.take();
  std::optional<Definition> definition = defined_as(name, at);
  // Of one that is defined wrongly no more is told where it is used.
  std::optional<std::string> literal;
  if (definition && definition->property == Property::literal) literal = definition->argument;
  if (scope_.define(name, at.line, literal) && definition)
    rules_.definitions.push_back(std::move(*definition));
  return definition.has_value();
}

std::optional<Definition> StatementReader::defined_as(const Token& name, const Position& at) {
  Definition definition{.name = name.text, .at = at};
  if (!reader_.expect("AS")) return std::nullopt;
  if (reader_.here().kind == Token::Kind::string) {
    std::optional<std::string> text =
        scope_.literal(reader_.take(), "what a variable is defined as");
    if (!text) return std::nullopt;
    definition.argument = std::move(*text);
  } else if (!reader_.take_if("PROPERTY")) {
    reader_.miss("PROPERTY or a string in double quotes");
    return std::nullopt;
  } else if (same_word(std::string_view(reader_.here().text).substr(0, kEnv.size()), kEnv)) {
    const Token word = reader_.take();
    definition.property = Property::env;
    definition.argument = word.text.substr(kEnv.size());
    if (!names_environment_variable(definition.argument)) {
      problems_.add(word.begin, "env: is followed by the name of a variable: env:HOME");
      return std::nullopt;
    }
  } else {
    std::optional<Property> property = reader_.expect_one_of(kProperties, "env:NAME or a property");
    if (!property) return std::nullopt;
    definition.property = *property;
  }
  if (!reader_.expect_end({})) return std::nullopt;
  return definition;
}

std::optional<std::string> StatementReader::replaced_path(const Token& token,
                                                          std::string_view what) {
  std::optional<std::string> path = scope_.fixed_path(token);
  if (!path) return std::nullopt;
  std::string_view kept = kept_folder(*path);
  if (kept == "/") {
    problems_.add(token.begin,
                  "the root cannot be " + std::string(what) + "; name what is below it");
  } else if (!kept.empty()) {
    problems_.add(token.begin, in_quotes(*path) + " cannot be " + std::string(what) +
                                   ": each instance has its own " + std::string(kept));
  }
  return kept.empty() && claim(paths_, *path, token) ? path : std::nullopt;
}

bool StatementReader::claim(std::map<std::string, size_t>& taken, const std::string& name,
                            const Token& token) {
  auto [before, first] = taken.emplace(name, source_.line_of(token.begin));
  if (!first)
    problems_.add(token.begin, "line " + std::to_string(before->second) + " has a rule for " +
                                   in_quotes(name) + " already");
  return first;
}

bool StatementReader::check_target(const Token& token, const std::string& path, const Text& to) {
  std::optional<std::string> fault = fault_of_target(path, fixed_beginning(to));
  if (fault) problems_.add(token.begin, *fault);
  return !fault;
}

bool StatementReader::redirection(const Position& at) {
  if (!reader_.expect("PATH")) return false;
  std::optional<Token> from = reader_.expect_string("a path");
  if (!from || !reader_.expect("TO")) return false;
  std::optional<Token> target = reader_.expect_string("a path");
  if (!target) return false;
  constexpr std::array kAllowed{Flag::create, Flag::readonly, Flag::copy};
  std::optional<unsigned> flags = reader_.flags(kAllowed);
  if (!flags) return false;
  std::optional<std::string> path = replaced_path(*from, "redirected");
  std::optional<Text> to = scope_.path(*target);
  if (path && to && check_target(*target, *path, *to))
    rules_.redirections.push_back({.path = *path,
                                   .to = std::move(*to),
                                   .create = has(*flags, Flag::create),
                                   .readonly = has(*flags, Flag::readonly),
                                   .copy = has(*flags, Flag::copy),
                                   .at = at});
  return true;
}

bool StatementReader::link(const Position& at) {
  std::optional<Token> from = reader_.expect_string("a path");
  if (!from || !reader_.expect("TO")) return false;
  std::optional<Token> target = reader_.expect_string("a path");
  if (!target) return false;
  constexpr std::array kAllowed{Flag::create};
  std::optional<unsigned> flags = reader_.flags(kAllowed);
  if (!flags) return false;
  std::optional<std::string> path = replaced_path(*from, "a link");
  std::optional<Text> to = scope_.path(*target);
  if (path && to && check_target(*target, *path, *to))
    rules_.links.push_back(
        {.path = *path, .to = std::move(*to), .create = has(*flags, Flag::create), .at = at});
  return true;
}

bool StatementReader::setting(const Position& at) {
  if (!reader_.expect("ENV")) return false;
  std::optional<Token> name = reader_.expect_string("the name of a variable");
  if (!name || !reader_.expect(Token::Kind::equals, "=")) return false;
  std::optional<Token> value = reader_.expect_string("a value");
  if (!value || !reader_.expect_end({})) return false;
  std::optional<std::string> variable =
      scope_.literal(*name, "the name of an environment variable");
  std::optional<Text> text = scope_.text(*value);
  if (variable && (variable->empty() || variable->find('=') != std::string::npos)) {
    problems_.add(name->begin, variable->empty()
                                   ? "the name of an environment variable cannot be empty"
                                   : "the name of an environment variable cannot hold a =");
    return true;
  }
  if (variable && claim(settings_, *variable, *name) && text)
    rules_.settings.push_back({*variable, std::move(*text), at});
  return true;
}

bool StatementReader::exception(const Position& at) {
  if (!reader_.expect("PATH")) return false;
  std::optional<Token> token = reader_.expect_string("a path");
  if (!token) return false;
  constexpr std::array kAllowed{Flag::readonly};
  std::optional<unsigned> flags = reader_.flags(kAllowed);
  if (!flags) return false;
  std::optional<std::string> path = scope_.fixed_path(*token);
  if (!path) return true;
  if (*path == "/") {
    problems_.add(token->begin, "the root cannot be public: nothing would be the instance's own");
  } else if (is_within(*path, "/proc") || is_within(*path, "/run/appshot")) {
    problems_.add(token->begin, in_quotes(*path) + " cannot be public: each instance has its own " +
                                    std::string(kept_folder(*path)));
  } else if (claim(paths_, *path, *token)) {
    rules_.exceptions.push_back({*path, has(*flags, Flag::readonly), at});
  }
  return true;
}

}  // namespace appshot::rules
