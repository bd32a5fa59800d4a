// Texts that are refused, and exactly what is said about each.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "rules/parse.h"

namespace appshot::rules {

struct Refusal {
  std::string_view text;
  std::string_view message;
};

inline std::string refusal(std::string_view text) {
  Result<Rules> rules = parse(text, "rules");
  if (rules) return "none; this is what it says:\n" + print(*rules);
  EXPECT_EQ(rules.error().cls(), ErrorClass::usage);
  return rules.error().message();
}

inline void expect_refused(std::initializer_list<Refusal> refusals) {
  for (const auto& [text, message] : refusals) EXPECT_EQ(refusal(text), message);
}

}  // namespace appshot::rules
