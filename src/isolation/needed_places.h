// Files and folders that a program has open below a path which a rule leads elsewhere than when the
// snapshot was taken: what they are opened again from has to be at the other place.
#pragma once

#include "base/result.h"
#include "isolation/redirection.h"
#include "os/unique_fd.h"

namespace appshot {

// Whether the redirection's own path is needed, as an ordinary file.
bool is_needed_as_file(const Redirection& redirection);

// What lies at the path at the moment of the snapshot: where it led then, as far as that is there.
Result<UniqueFd> open_original(int root, const Redirection& redirection);

// Makes what is missing of it, where the rule says CREATE (empty) or COPY (as it was where the path
// led then). Without either, and where there is nothing to copy, the path is refused. The target is
// there, below a root without redirections. What it makes is left there when it fails.
Result<> provide_needed(int root, const Redirection& redirection);

// A file under its name when it is whole: what has that name is taken for the copy ever after.
Result<> copy_file_into(const UniqueFd& original, int parent, const std::string& name);

}  // namespace appshot
