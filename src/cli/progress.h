// Progress of long work: a bar on a terminal, lines where they were asked for, else nothing.
#pragma once

#include <string>

#include "cli/api.h"

namespace appshot {

// `mode` is --progress: auto, plain or none. An empty function when nothing is to be shown: then
// the daemon need not tell.
Api::ProgressListener progress_printer(const std::string& mode, const std::string& what);
// Takes a bar away.
void end_progress(const std::string& mode);
// What came of it, for whoever is shown progress.
void print_outcome(const std::string& mode, const std::string& text);

}  // namespace appshot
