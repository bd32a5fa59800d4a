// The commands: their names, and what each takes. A command's grammar is built only when it is the
// one asked for: building all of them would cost more than most commands take.
#pragma once

#include <span>

#include "cli/options.h"

namespace CLI {
class App;
}

namespace appshot {

struct Command {
  const char* name;  // one of two words is a command among others: "env create"
  const char* help;
  void (*setup)(CLI::App&, Options&);
};
std::span<const Command> commands();

}  // namespace appshot
