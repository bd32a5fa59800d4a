// The content of files that an instance has open and that its image will not hold (--share fs),
// read while the application runs: the snapshot need only see that they have not changed since.
#pragma once

#include <functional>

#include "base/result.h"
#include "resources/file_sums.h"
#include "resources/instance_view.h"

namespace appshot {

using TellProgress = std::function<void(const char* phase, uint64_t done, uint64_t total)>;

// Of those that nobody may write now, and that are not known. What goes away or changes meanwhile
// is nobody's concern here: the capture looks again.
Result<> sum_files_ahead(const InstanceView& instance, FileSums& sums, const TellProgress& tell);

}  // namespace appshot
