// A folder with all that is in it, copied by the packer (src/packing): a program of its own,
// because it goes from folder to folder with the process's working directory.
#pragma once

#include <string>

#include "base/result.h"
#include "isolation/own_users.h"

namespace appshot {

// `target`, which must not be there, becomes a copy of `from`, made by who is root for those users.
// Waits for it.
Result<> copy_folder(const OwnUsers& users, const std::string& from, const std::string& target);

}  // namespace appshot
