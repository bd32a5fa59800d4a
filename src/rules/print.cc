// The canonical text of rules.
#include "rules/parse.h"
#include "rules/quote.h"
#include "rules/words.h"

namespace appshot::rules {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string string_of(const std::string& literal) {
  std::string text = "\"";
  for (char c : escaped(literal)) text += c == '<' ? "<<" : std::string(1, c);
  return text + '"';
}

std::string string_of(const Text& value) {
  std::string text = "\"";
  for (const Piece& piece : value.pieces) {
    if (piece.is_variable) {
      text += "<" + piece.text + ">";
    } else {
      const std::string literal = string_of(piece.text);
      text += std::string_view(literal).substr(1, literal.size() - 2);
    }
  }
  return text + '"';
}

std::string hex(uint32_t number) {
  std::string digits;
  do {
    digits.insert(digits.begin(), kHexDigits[number & 15]);
    number >>= 4;
  } while (number != 0);
  return "0x" + digits;
}

std::string text_of(const Definition& definition) {
  std::string text = "DEFINE <" + definition.name + "> AS ";
  if (definition.property == Property::literal) return text + string_of(definition.argument);
  if (definition.property == Property::env) return text + "PROPERTY env:" + definition.argument;
  return text + "PROPERTY " + std::string(word_for(kProperties, definition.property));
}

std::string text_of(const Exception& exception) {
  return "EXCEPT PATH " + string_of(exception.path) + (exception.readonly ? " READONLY" : "");
}

std::string text_of(const Redirection& redirection) {
  return "REDIR PATH " + string_of(redirection.path) + " TO " + string_of(redirection.to) +
         (redirection.create ? " CREATE" : "") + (redirection.readonly ? " READONLY" : "") +
         (redirection.copy ? " COPY" : "");
}

std::string text_of(const Link& link) {
  return "LINK " + string_of(link.path) + " TO " + string_of(link.to) +
         (link.create ? " CREATE" : "");
}

std::string text_of(const Setting& setting) {
  return "SET ENV " + string_of(setting.name) + " = " + string_of(setting.value);
}

std::string text_of(const ResourceRule& rule) {
  std::string text = "RESOURCE " + std::string(word_for(kResourceTypes, rule.type));
  if (const auto* paths = std::get_if<PathPattern>(&rule.which))
    text += " PATH " + string_of(paths->glob);
  if (const auto* key = std::get_if<KeyPattern>(&rule.which))
    text += " KEY " + (key->key ? hex(*key->key) : "*");
  if (const auto* ports = std::get_if<PortPattern>(&rule.which)) {
    text += " PORT " + std::to_string(ports->first);
    if (ports->last != ports->first) text += "-" + std::to_string(ports->last);
  }
  std::string accesses;
  for (const auto& [word, access] : kAccesses) {
    if ((rule.accesses & static_cast<uint8_t>(access)) == 0) continue;
    accesses += (accesses.empty() ? "" : ",") + std::string(word);
  }
  if (rule.accesses != kEveryAccess) text += " ON " + accesses;
  return text + " DO " + std::string(word_for(kActions, rule.action));
}

template <typename T>
void append(std::string& text, const std::vector<T>& statements) {
  for (const T& statement : statements) text += text_of(statement) + "\n";
}

}  // namespace

std::string print(const Rules& rules) {
  std::string text;
  append(text, rules.definitions);
  append(text, rules.exceptions);
  append(text, rules.redirections);
  append(text, rules.links);
  append(text, rules.settings);
  append(text, rules.resources);
  return text;
}

}  // namespace appshot::rules
