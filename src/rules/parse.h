// The language of rules, docs/rules.md: from text and to text.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "rules/rule.h"

namespace appshot::rules {

constexpr size_t kTextBytesMax = 1 << 20;
constexpr size_t kStatementsMax = 10'000;

// `source_name` is what errors call the text: the name of a file, "rules". What is wrong (class
// usage) is told in one message, up to twenty problems with their lines:
//     rules:3:27: <APPLID> is not defined; did you mean <APPL-ID>?
//       REDIR PATH "/a" TO "/usr/<APPLID>/b"
//                                 ^
Result<Rules> parse(std::string_view text, std::string_view source_name);

// The canonical text, one statement a line: it parses to equal rules. Comments are not in it. (It
// may have more spaces than what was parsed, so only of a text near the size limit it may be too
// long.)
std::string print(const Rules& rules);

}  // namespace appshot::rules
