#include "rules/resource_statement.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "rules/quote.h"
#include "rules/words.h"

namespace appshot::rules {
namespace {

enum class Choice { path, key, port };
constexpr std::array<Word<Choice>, 3> kChoices{{
    {"PATH", Choice::path},
    {"KEY", Choice::key},
    {"PORT", Choice::port},
}};

bool one_of(ResourceType type, std::initializer_list<ResourceType> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

// What tells resources of a type apart.
bool has(ResourceType type, Choice choice) {
  using enum ResourceType;
  switch (choice) {
    case Choice::path:
      return !one_of(type, {port, address});
    case Choice::key:
      return one_of(type, {shm, sem, msg});
    case Choice::port:
      return one_of(type, {port, socket});
  }
  return false;
}

bool makes_sense(ResourceType type, Action action) {
  using enum ResourceType;
  if (action == Action::cow) return one_of(type, {file, memory, shm});
  if (action == Action::multiplex) return one_of(type, {port, address, socket, terminal, device});
  if (action == Action::allocate) return one_of(type, {port, address, device});
  return true;
}

template <typename T>
bool whole_number(std::string_view text, T& number) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Selector> path_pattern(const Token& token, Scope& scope) {
  std::optional<std::string> glob = scope.fixed_path(token);
  if (!glob) return std::nullopt;
  return PathPattern{*glob};
}

std::optional<Selector> key_pattern(const Token& token, Problems& problems) {
  uint32_t key = 0;
  if (token.text == "*") return KeyPattern{};
  if (whole_number(token.text, key)) return KeyPattern{key};
  problems.add(token.begin, "a key is a number up to 4294967295, 0x and hexadecimal digits, or *");
  return std::nullopt;
}

std::optional<Selector> port_pattern(const Token& token, Problems& problems) {
  std::string_view first = std::string_view(token.text).substr(0, token.text.find('-'));
  std::string_view last = first;
  if (first.size() < token.text.size())
    last = std::string_view(token.text).substr(first.size() + 1);
  PortPattern ports;
  if (whole_number(first, ports.first) && whole_number(last, ports.last) && ports.first > 0 &&
      ports.first <= ports.last)
    return ports;
  problems.add(token.begin,
               "a port is a number from 1 to 65535, or two, the lower one first: 80-90");
  return std::nullopt;
}

// PATH "...", KEY ... or PORT ...; which resources of the type. `right` becomes false when what is
// given makes no sense; false: it could not be read.
bool read_selector(TokenReader& reader, Scope& scope, Problems& problems, ResourceRule& rule,
                   bool& right) {
  if (reader.here().kind != Token::Kind::word) return true;
  std::optional<Choice> choice = meaning_of(kChoices, reader.here().text);
  if (!choice) return true;
  const Token word = reader.take();
  std::optional<Selector> which;
  if (*choice == Choice::path) {
    std::optional<Token> token = reader.expect_string("a pattern of paths");
    if (!token) return false;
    which = path_pattern(*token, scope);
  } else if (reader.here().kind != Token::Kind::word || reader.here().first_on_line) {
    reader.miss(*choice == Choice::key ? "a number or *" : "a number, or two as in 80-90");
    return false;
  } else {
    const Token token = reader.take();
    which = *choice == Choice::key ? key_pattern(token, problems) : port_pattern(token, problems);
  }
  if (!has(rule.type, *choice)) {
    problems.add(word.begin, "resources of the type " +
                                 std::string(word_for(kResourceTypes, rule.type)) + " have no " +
                                 std::string(word_for(kChoices, *choice)));
    right = false;
  }
  if (which) rule.which = *which;
  right = right && which.has_value();
  return true;
}

bool read_accesses(TokenReader& reader, Problems& problems, ResourceRule& rule) {
  rule.accesses = 0;
  do {
    if (reader.here().kind == Token::Kind::comma) reader.take();
    const size_t begin = reader.here().begin;
    std::optional<Access> access = reader.expect_one_of(kAccesses, "an access");
    if (!access) return false;
    if (rule.accesses & static_cast<uint8_t>(*access))
      problems.add(begin, std::string(word_for(kAccesses, *access)) + " stands here twice");
    rule.accesses |= static_cast<uint8_t>(*access);
  } while (reader.here().kind == Token::Kind::comma);
  return true;
}

}  // namespace

bool read_resource(TokenReader& reader, Scope& scope, Problems& problems,
                   std::optional<ResourceRule>& rule) {
  ResourceRule read;
  bool right = true;
  std::optional<ResourceType> type = reader.expect_one_of(kResourceTypes, "a type of resources");
  if (!type) return false;
  read.type = *type;
  const size_t behind_type = reader.here().begin;
  if (!read_selector(reader, scope, problems, read, right)) return false;
  std::vector<std::string_view> possible{"ON", "DO"};
  if (reader.here().begin == behind_type) possible = {"PATH", "KEY", "PORT", "ON", "DO"};
  if (reader.take_if("ON")) {
    if (!read_accesses(reader, problems, read)) return false;
    possible = {"DO"};
  }
  if (!reader.take_if("DO")) {
    reader.miss(listed(possible), possible);
    return false;
  }
  const size_t begin = reader.here().begin;
  std::optional<Action> action = reader.expect_one_of(kActions, "an action");
  if (!action || !reader.expect_end({})) return false;
  read.action = *action;
  if (!makes_sense(read.type, read.action)) {
    problems.add(begin, std::string(word_for(kActions, read.action)) +
                            " means nothing for the type " +
                            std::string(word_for(kResourceTypes, read.type)));
    right = false;
  }
  if (right) rule = read;
  return true;
}

}  // namespace appshot::rules
