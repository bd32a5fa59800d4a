// Files that the daemon writes and reads, as they come and go by the connection.
#pragma once

#include <string>

#include "cli/commands.h"

namespace appshot {

// What is at `target` of the API into a file; "-" is standard output. It is under its name when it
// is whole and on the disk.
Result<> download(Context& context, const std::string& target, const std::string& file);
// A file to `target`, and what is answered; "-" is standard input.
Result<Json> upload(Context& context, const std::string& target, const std::string& file);

}  // namespace appshot
