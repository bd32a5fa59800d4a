#include "rules/resource_statement.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

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

std::optional<KeyPattern> key_pattern(std::string_view text) {
  uint32_t key = 0;
  if (text == "*") return KeyPattern{};
  return whole_number(text, key) ? std::optional(KeyPattern{key}) : std::nullopt;
}

std::optional<PortPattern> port_pattern(std::string_view text) {
  const size_t dash = text.find('-');
  std::string_view first = text.substr(0, dash);
  std::string_view last = dash == std::string_view::npos ? first : text.substr(dash + 1);
  PortPattern ports;
  const bool numbers = whole_number(first, ports.first) && whole_number(last, ports.last);
  return numbers && ports.first > 0 && ports.first <= ports.last ? std::optional(ports)
                                                                 : std::nullopt;
}

// Its functions return false when the statement cannot be read on.
class ResourceReader {
 public:
  ResourceReader(TokenReader& reader, Scope& scope, Problems& problems)
      : reader_(reader), scope_(scope), problems_(problems) {}

  bool read() {
    std::optional<ResourceType> type = reader_.expect_one_of(kResourceTypes, "a type of resources");
    if (!type) return false;
    rule_.type = *type;
    std::vector<std::string_view> possible{"PATH", "KEY", "PORT", "ON", "DO"};
    std::optional<Choice> choice = meaning_of(kChoices, reader_.here().text);
    if (choice && reader_.here().kind == Token::Kind::word) {
      if (!selector(*choice)) return false;
      possible = {"ON", "DO"};
    }
    if (reader_.take_if("ON")) {
      if (!accesses()) return false;
      possible = {"DO"};
    }
    if (reader_.take_if("DO")) return action();
    reader_.miss(listed(possible), possible);
    return false;
  }

  // What has been read, if nothing was wrong.
  std::optional<ResourceRule> rule() const { return right_ ? std::optional(rule_) : std::nullopt; }

 private:
  bool selector(Choice choice) {
    const Token word = reader_.take();
    if (!has(rule_.type, choice))
      wrong(word, "resources of the type " + std::string(word_for(kResourceTypes, rule_.type)) +
                      " have no " + std::string(word_for(kChoices, choice)));
    if (choice == Choice::path) {
      std::optional<Token> token = reader_.expect_string("a pattern of paths");
      if (!token) return false;
      std::optional<std::string> glob = scope_.fixed_path(*token);
      select(glob ? std::optional(PathPattern{*glob}) : std::nullopt);
      return true;
    }
    const bool key = choice == Choice::key;
    if (reader_.here().kind != Token::Kind::word || reader_.at_statement()) {
      reader_.miss(key ? "a number or *" : "a number, or two as in 80-90");
      return false;
    }
    const Token token = reader_.take();
    if (key && !select(key_pattern(token.text)))
      wrong(token, "a key is a number up to 4294967295, 0x and hexadecimal digits, or *");
    if (!key && !select(port_pattern(token.text)))
      wrong(token, "a port is a number from 1 to 65535, or two, the lower one first: 80-90");
    return true;
  }

  template <typename Pattern>
  bool select(const std::optional<Pattern>& pattern) {
    if (pattern) rule_.which = *pattern;
    right_ = right_ && pattern.has_value();
    return pattern.has_value();
  }

  bool accesses() {
    rule_.accesses = 0;
    do {
      if (reader_.here().kind == Token::Kind::comma) reader_.take();
      const Token word = reader_.here();
      std::optional<Access> access = reader_.expect_one_of(kAccesses, "an access");
      if (!access) return false;
      const auto bit = static_cast<uint8_t>(*access);
      if (rule_.accesses & bit)
        wrong(word, std::string(word_for(kAccesses, *access)) + " stands here twice");
      rule_.accesses |= bit;
    } while (reader_.here().kind == Token::Kind::comma);
    return true;
  }

  bool action() {
    const Token word = reader_.here();
    std::optional<Action> action = reader_.expect_one_of(kActions, "an action");
    if (!action || !reader_.expect_end({})) return false;
    rule_.action = *action;
    if (!makes_sense(rule_.type, rule_.action))
      wrong(word, std::string(word_for(kActions, rule_.action)) + " means nothing for the type " +
                      std::string(word_for(kResourceTypes, rule_.type)));
    return true;
  }

  void wrong(const Token& token, std::string message) {
    problems_.add(token.begin, std::move(message));
    right_ = false;
  }

  TokenReader& reader_;
  Scope& scope_;
  Problems& problems_;
  ResourceRule rule_;
  bool right_ = true;
};

}  // namespace

std::optional<ResourceRule> read_resource(TokenReader& reader, Scope& scope, Problems& problems) {
  ResourceReader statement(reader, scope, problems);
  return statement.read() ? statement.rule() : std::nullopt;
}

}  // namespace appshot::rules
