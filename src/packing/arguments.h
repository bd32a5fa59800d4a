// The command line of appshot-packer.
#pragma once

#include "packing/commands.h"

namespace appshot::packing {

struct Command {
  const char* name;
  const char* usage;
  size_t words_min;
  size_t words_max;
  std::vector<std::string> options;  // with a value; those that end in ! have none
  Result<Json> (*run)(const Arguments& arguments, Report& report);
};

const std::vector<Command>& commands();
const Command* command_of(std::string_view name);
Result<Arguments> parse_arguments(const Command& command, const std::vector<std::string>& words);

}  // namespace appshot::packing
