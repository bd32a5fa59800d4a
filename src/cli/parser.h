// The command line's grammar.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/options.h"

namespace appshot {

// Nothing to do but to print this: help, the version, or what is wrong (status 2, on stderr).
struct Printed {
  std::string text;
  int status = 0;
};

std::variant<Options, Printed> parse_command_line(const std::vector<std::string>& arguments);

// The names of all commands, for completion.
std::vector<std::string> command_names();
// "--json", "-q" …, of one command.
std::vector<std::string> option_names(const std::string& command);

}  // namespace appshot
