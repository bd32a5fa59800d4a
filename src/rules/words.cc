#include "rules/words.h"

#include <algorithm>

namespace appshot::rules {
namespace {

constexpr size_t kSuggestedMax = 64;  // who writes longer words has meant none of ours

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// How many characters must be put in, taken out or changed to make `b` of `a`.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t changed = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

bool begins_alike(std::string_view a, std::string_view b) {
  size_t common = std::min(a.size(), b.size());
  return common >= 3 && same_word(a.substr(0, common), b.substr(0, common));
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string listed(std::span<const std::string_view> words) {
  std::string list;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) list += i + 1 == words.size() ? " or " : ", ";
    list += words[i];
  }
  return list;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > kSuggestedMax) return {};
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (std::string_view candidate : known) {
    size_t changes = distance(word, candidate);
    if (begins_alike(word, candidate)) changes = std::min<size_t>(changes, 1);
    if (changes >= best_distance) continue;
    best = candidate;
    best_distance = changes;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  std::string_view meant = nearest(word, known);
  return meant.empty() ? "" : "; did you mean " + std::string(meant) + "?";
}

}  // namespace appshot::rules
