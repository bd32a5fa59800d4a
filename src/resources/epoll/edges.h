// Edges that have been reported already (EPOLLET): a file that is ready, and of which its set will
// say nothing before it becomes ready anew.
//
// The kernel shows nobody which entries it still has to report. But a set that is not readable has
// none, so whatever is ready in it has been reported. Of a set that is readable it cannot be told
// without taking the reports away from the application; there every edge counts as not reported. So
// one may be reported once more, but none is ever lost.
#pragma once

#include <functional>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/unique_fd.h"

namespace appshot::epolls {

// A descriptor of ours for Image.open_files[index].
using CopyOfFile = std::function<Result<UniqueFd>(int index)>;

// When the files of all entries are known: marks those that are taken.
Result<> find_taken_edges(image::ImageT& image, const CopyOfFile& copy_of);

}  // namespace appshot::epolls
