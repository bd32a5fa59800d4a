#include "rules/problems.h"

#include <algorithm>

#include "rules/quote.h"

namespace appshot::rules {
namespace {

// Of a line that is longer, this much is shown, half of it before the caret.
constexpr size_t kShownBytesMax = 120;
constexpr std::string_view kIndent = "  ";

// In bytes. What does not show as a character counts as one, too.
size_t next_character(std::string_view bytes) {
  return std::max<size_t>(1, printable_length(bytes));
}

size_t characters(std::string_view bytes) {
  size_t count = 0;
  for (; !bytes.empty(); bytes.remove_prefix(next_character(bytes))) ++count;
  return count;
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

SourceText::SourceText(std::string_view text, std::string_view name) : text_(text), name_(name) {
  line_begins_.push_back(0);
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') line_begins_.push_back(i + 1);
}

size_t SourceText::line_of(size_t offset) const {
  auto after = std::upper_bound(line_begins_.begin(), line_begins_.end(), offset);
  return static_cast<size_t>(after - line_begins_.begin());
}

Position SourceText::position(size_t offset) const {
  const size_t line = line_of(offset);
  const size_t begin = line_begins_[line - 1];
  return {name_, line, characters(text_.substr(begin, offset - begin)) + 1};
}

std::string SourceText::excerpt(size_t offset) const {
  const size_t begin = line_begins_[line_of(offset) - 1];
  std::string_view line = text_.substr(begin, text_.find('\n', begin) - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const size_t caret = std::min(offset - begin, line.size());
  size_t from = 0;
  size_t to = line.size();
  if (line.size() > kShownBytesMax) {
    from = caret > kShownBytesMax / 2 ? caret - kShownBytesMax / 2 : 0;
    while (from < caret && continues_character(line[from])) ++from;
    to = std::min(line.size(), from + kShownBytesMax);
    while (to < line.size() && continues_character(line[to])) ++to;
  }
  std::string shown(from > 0 ? "..." : "");
  std::string below(shown.size(), ' ');
  for (size_t i = from; i < to;) {
    std::string_view rest = line.substr(i, to - i);
    const bool tab = rest[0] == '\t';  // stands in both lines, however wide it is
    const bool shows = tab || printable_length(rest) > 0;
    shown += shows ? rest.substr(0, next_character(rest)) : "?";
    if (i < caret) below.push_back(tab ? '\t' : ' ');
    i += next_character(rest);
  }
  if (to < line.size()) shown += "...";
  return std::string(kIndent) + shown + "\n" + std::string(kIndent) + below + "^";
}

void Problems::add(size_t offset, std::string message) {
  if (!enough()) found_.push_back({offset, std::move(message)});
}

Error Problems::error() const {
  std::vector<Problem> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Problem& a, const Problem& b) { return a.offset < b.offset; });
  std::string text;
  for (const Problem& problem : sorted) {
    if (!text.empty()) text.push_back('\n');
    text += source_.position(problem.offset).text() + ": " + problem.message + "\n";
    text += source_.excerpt(problem.offset);
  }
  if (enough())
    text +=
        "\n" + source_.name() + ": there may be more; these are the first " + std::to_string(kTold);
  return Error(ErrorClass::usage, text);
}

}  // namespace appshot::rules
