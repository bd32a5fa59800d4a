// Application ids: what is a valid one, and how ones are made up.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace appshot {

// Where a new instance's AID comes from.
struct AidWish {
  enum class Kind { given, derived, generated };
  Kind kind = Kind::generated;
  std::string text;  // given: the AID; derived: what it is made from, "web" becomes web, web-2, ...
};

// 1 to 63 letters, digits, '-', '_' and '.', beginning with a letter or digit: also a host name, a
// file name and a URL segment.
Result<> check_aid(std::string_view aid);
Result<> check_snapshot_name(std::string_view name);

// Three words to remember: "brave-otter-3f".
std::string generate_aid();
// The attempt-th AID derived from a name: made valid, "-2", "-3" ... appended from the second on.
std::string derive_aid(std::string_view name, int attempt);
// Twelve hexadecimal digits.
std::string generate_snapshot_id();

}  // namespace appshot
