// Paths below a folder that is to be somebody's root, followed as that one will follow them: a link
// or ".." never leads out of it. For folders whose content is not ours to trust.
#pragma once

#include <string>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

Result<UniqueFd> open_in_root(int root, const std::string& path, int flags);
// Without following any: the errno is ELOOP where one is on the way. One at the end is opened
// itself with O_PATH, and else an error.
Result<UniqueFd> open_below(int root, const std::string& path, int flags);

enum class PlaceKind { file, folder };
// Something to mount on: what is there already, whatever it is, else an empty file or folder, with
// the folders that lead to it.
Result<UniqueFd> make_place_in_root(int root, const std::string& path, PlaceKind kind);

// Whether that folder is in the other, or is that one, on whatever way one goes up from it.
Result<bool> folder_lies_in(int folder, int other);

}  // namespace appshot
