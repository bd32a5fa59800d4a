// Starts appshotd for whoever needs it first.
#pragma once

#include <string>

#include "api/paths.h"
#include "base/result.h"

namespace appshot {

// Returns when the daemon answers. Several at once start one daemon: the others wait for it.
Result<> start_daemon(const Paths& paths);

// appshotd beside this program, or what APPSHOT_DAEMON names.
Result<std::string> daemon_program();

}  // namespace appshot
