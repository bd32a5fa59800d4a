// docs/rules.md holds what the language is.
#include <gtest/gtest.h>

#include <fstream>

#include "rules/refusal_for_test.h"

namespace appshot::rules {
namespace {

// Indented lines that stand together.
std::vector<std::string> examples() {
  std::ifstream file(APPSHOT_SOURCE_DIR "/docs/rules.md");
  std::vector<std::string> found;
  bool within = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("    ")) {
      if (!within) found.emplace_back();
      found.back() += line.substr(4) + "\n";
    }
    within = line.starts_with("    ");
  }
  return found;
}

TEST(Documents, ShowRulesThatParse) {
  int parsed = 0;
  for (const std::string& example : examples()) {
    if (example.starts_with("rules:") || example.starts_with("RESOURCE TYPE")) continue;
    Result<Rules> rules = parse(example, "rules");
    EXPECT_TRUE(rules) << (rules ? "" : rules.error().message());
    ++parsed;
  }
  EXPECT_EQ(parsed, 5);
}

TEST(Documents, ShowTheMessageThatIsTold) {
  const std::string message = refusal("\n\nREDIR PATH \"/a\" TO \"/usr/<APPLID>/b\"") + "\n";
  std::vector<std::string> all = examples();
  EXPECT_NE(std::find(all.begin(), all.end(), message), all.end()) << message;
}

}  // namespace
}  // namespace appshot::rules
