// One file into another that is empty: what it holds, its holes, and who may do what with it.
#pragma once

#include "base/result.h"

namespace appshot {

// Content, owner, mode, times and extended attributes (lists of access, capabilities). Both are
// open, the one for reading, the other for writing.
Result<> copy_file(int from, int to);

}  // namespace appshot
