// Decides about each resource: by the class that it has by itself, or by the last RESOURCE rule
// that matches it; and notes what keeps the snapshot from becoming a template.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/rule.h"
#include "templates/handling.h"
#include "templates/record.h"

namespace appshot::templates {

// A resource, and what rules may call it.
struct Subject {
  Record record{};  // with the class that it has by itself
  // None: no rule speaks of the like.
  std::optional<rules::ResourceType> type{};
  const Handling* handling = nullptr;  // where there is a type
  uint8_t accesses = 0;                // rules::Access
  std::vector<std::string> paths{};    // names that the application has for it
  std::optional<uint32_t> key{};
  std::vector<uint16_t> ports{};
  // The same one has been added before: what is in the way has been told.
  bool told = false;
};

constexpr uint8_t operator|(rules::Access a, rules::Access b) {
  return static_cast<uint8_t>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b));
}
constexpr uint8_t operator|(uint8_t a, rules::Access b) {
  return static_cast<uint8_t>(a | static_cast<uint8_t>(b));
}

class Verdicts {
 public:
  explicit Verdicts(std::span<const rules::ResourceRule> rules) : rules_(rules) {}

  void add(Subject subject);
  // Of what no rule speaks of.
  void add(Record record) { classified_.records.push_back(std::move(record)); }
  // In the way whatever rules say: `what` is a whole sentence.
  void refuse(std::string what, std::string hint);
  Classified take() { return std::move(classified_); }

 private:
  const rules::ResourceRule* rule_for(const Subject& subject) const;
  void follow(const rules::ResourceRule& rule, Subject& subject);

  std::span<const rules::ResourceRule> rules_;
  Classified classified_;
};

// "regular file /srv/log (process 2, descriptor 5)"
std::string words_for(const Record& record);

}  // namespace appshot::templates
