#include "registry/aid.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"

namespace appshot {
namespace {

constexpr size_t kAidBytesMax = 63;

constexpr std::array<std::string_view, 32> kQualities{
    "able",  "amber", "bold",  "brave", "brisk", "calm",  "clear", "deft",  "eager", "fair", "fond",
    "fresh", "gold",  "grand", "happy", "keen",  "kind",  "light", "lucky", "merry", "mild", "neat",
    "noble", "proud", "quick", "quiet", "ready", "sharp", "sunny", "swift", "warm",  "wise"};
constexpr std::array<std::string_view, 32> kAnimals{
    "ant",   "badger", "bear",  "bee",   "crane", "crow",  "deer",  "dove",
    "eagle", "falcon", "finch", "fox",   "gull",  "hare",  "hawk",  "heron",
    "ibex",  "jay",    "koala", "lark",  "lynx",  "mole",  "moose", "otter",
    "owl",   "panda",  "raven", "robin", "seal",  "stork", "tiger", "wren"};
constexpr std::string_view kHexDigits = "0123456789abcdef";

uint64_t random_number() {
  uint64_t number = 0;
  CHECK(::getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_aid_character(char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; }

std::string hex(uint64_t number, int digits) {
  std::string text;
  for (int i = 0; i < digits; ++i, number >>= 4) text.push_back(kHexDigits[number & 15]);
  return text;
}

}  // namespace

Result<> check_aid(std::string_view aid) {
  bool valid = !aid.empty() && aid.size() <= kAidBytesMax && is_alphanumeric(aid.front()) &&
               std::all_of(aid.begin(), aid.end(), is_aid_character);
  if (valid) return {};
  return Error(ErrorClass::usage, "'" + std::string(aid) + "' cannot be an application id")
      .hint("use 1 to 63 letters, digits, '-', '_' or '.', beginning with a letter or digit");
}

Result<> check_snapshot_name(std::string_view name) {
  if (check_aid(name)) return {};
  return Error(ErrorClass::usage, "a snapshot cannot have this name")
      .hint("use 1 to 63 letters, digits, '-', '_' or '.', beginning with a letter or digit");
}

std::string generate_aid() {
  uint64_t number = random_number();
  std::string aid(kQualities[number % kQualities.size()]);
  aid.append("-").append(kAnimals[(number >> 8) % kAnimals.size()]).append("-");
  return aid + hex(number >> 16, 3);
}

std::string derive_aid(std::string_view name, int attempt) {
  std::string aid;
  for (char c : name) aid.push_back(is_aid_character(c) ? c : '-');
  auto first = std::find_if(aid.begin(), aid.end(), is_alphanumeric);
  aid.erase(aid.begin(), first);
  if (aid.empty()) aid = "app";
  std::string suffix = attempt > 1 ? "-" + std::to_string(attempt) : "";
  return aid.substr(0, kAidBytesMax - suffix.size()) + suffix;
}

std::string generate_snapshot_id() { return hex(random_number(), 12); }

}  // namespace appshot
