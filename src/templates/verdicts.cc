#include "templates/verdicts.h"

#include <algorithm>

#include "rules/match.h"
#include "rules/words.h"

namespace appshot::templates {
namespace {

// Nothing at all is tried like a name that is empty: rules without PATH match it.
template <typename T>
std::vector<std::optional<T>> each_or_none(const std::vector<T>& values) {
  std::vector<std::optional<T>> all(values.begin(), values.end());
  if (all.empty()) all.emplace_back();
  return all;
}

}  // namespace

std::string words_for(const Record& record) {
  std::string words = record.type;
  if (!record.name.empty()) words += " " + record.name;
  if (record.process >= 0) {
    words += " (process " + std::to_string(record.process);
    if (record.descriptor >= 0) words += ", descriptor " + std::to_string(record.descriptor);
    words += ")";
  }
  return words;
}

// Rules lie in their order, so the last one has the highest address.
const rules::ResourceRule* Verdicts::rule_for(const Subject& subject) const {
  const rules::ResourceRule* last = nullptr;
  if (!subject.type || rules_.empty()) return last;
  for (const auto& [word, access] : rules::kAccesses) {
    if ((subject.accesses & static_cast<uint8_t>(access)) == 0) continue;
    for (const auto& path : each_or_none(subject.paths))
      for (const auto& port : each_or_none(subject.ports)) {
        const rules::ResourceRule* found = rules::deciding_rule(
            rules_, {*subject.type, access, path.value_or(""), subject.key, port});
        if (found != nullptr && (last == nullptr || found > last)) last = found;
      }
  }
  return last;
}

void Verdicts::follow(const rules::ResourceRule& rule, Subject& subject) {
  const std::string action(rules::word_for(rules::kActions, rule.action));
  const std::string by = "rule " + rule.at.text();
  const auto outcome = std::ranges::find(subject.handling->can, rule.action, &Outcome::action);
  if (outcome != subject.handling->can.end()) {
    subject.record.cls = outcome->cls;
    subject.record.by = by;
    if (action != name_of(outcome->cls))
      subject.record.by += " (" + action + "): " + std::string(outcome->unlike);
    return;
  }
  subject.record.by = by + " (" + action + "), which cannot be";
  if (subject.told) return;
  if (rule.action == rules::Action::refuse)
    refuse(words_for(subject.record) + ": " + by + " refuses it",
           "end its use before the snapshot, or take the rule back");
  else
    refuse(words_for(subject.record) + ": " + by + " says " + action + ", but " +
               std::string(subject.handling->why_nothing_else),
           std::string(subject.handling->instead));
}

void Verdicts::add(Subject subject) {
  if (const rules::ResourceRule* rule = rule_for(subject)) follow(*rule, subject);
  classified_.records.push_back(std::move(subject.record));
}

void Verdicts::refuse(std::string what, std::string hint) {
  classified_.obstacles.push_back({std::move(what), std::move(hint)});
}

}  // namespace appshot::templates
