// Bytes as people can read them, and as the language writes them: in double quotes, what would not
// show as one character as \xHH.
#pragma once

#include <string>
#include <string_view>

namespace appshot::rules {

// How many bytes the character at the beginning has; 0: there is none that shows (control
// characters, what is not UTF-8, nothing at all).
size_t printable_length(std::string_view bytes);

// As much of it as has at most so many bytes, in whole characters.
std::string_view beginning(std::string_view text, size_t bytes_max);

// As between the quotes.
std::string escaped(std::string_view bytes);

// For messages: of what is long only the beginning.
std::string in_quotes(std::string_view bytes);

}  // namespace appshot::rules
