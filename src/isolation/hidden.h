// What appshot keeps of all instances, their memory and files, is not theirs to see, by whatever
// path: such folders of the host are empty inside.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace appshot {

using Hidden = std::vector<std::string>;  // folders of the host, by paths without links in them

// One of them, or in one.
bool is_hidden(const Hidden& hidden, const std::string& path);

// Below a root, where the host's folder `from` is seen at `path`.
Result<> hide_below(int root, const Hidden& hidden, const std::string& from,
                    const std::string& path);

}  // namespace appshot
