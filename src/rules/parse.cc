#include "rules/parse.h"

#include "rules/problems.h"
#include "rules/quote.h"
#include "rules/statements.h"

namespace appshot::rules {
namespace {

// Then the text can be shown on any terminal and sent as JSON, and what a string holds is seen.
void find_unprintable(std::string_view text, Problems& problems) {
  for (size_t i = 0; i < text.size() && !problems.any();) {
    const size_t length = printable_length(text.substr(i));
    const bool space = text[i] == '\t' || text[i] == '\n' || text.substr(i).starts_with("\r\n");
    if (length == 0 && !space)
      problems.add(i, "here is the byte " + escaped(text.substr(i, 1)) +
                          ", which is no character of UTF-8 that shows; in a string it is written "
                          "like this");
    i += length == 0 ? 1 : length;
  }
}

}  // namespace

Result<Rules> parse(std::string_view text, std::string_view source_name) {
  if (text.size() > kTextBytesMax)
    return Error(ErrorClass::usage, std::string(source_name) + ": the text has " +
                                        std::to_string(text.size()) + " bytes; it can have " +
                                        std::to_string(kTextBytesMax));
  const SourceText source(text, source_name);
  Problems problems(source);
  find_unprintable(text, problems);
  if (problems.any()) return problems.error();
  Rules rules = StatementReader(source, problems).read_all();
  if (problems.any()) return problems.error();
  return rules;
}

}  // namespace appshot::rules
