// The messages of a POSIX queue. They can be read only by receiving them, so they are received and
// sent back in the same order, by a process of its own that goes on when the caller is killed in
// the middle: nothing is lost then.
#pragma once

#include <mqueue.h>

#include <memory>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot::mqueues {

// `fd` is open for reading and writing and does not block; nobody else uses the queue meanwhile,
// and nobody is registered to be notified. `bytes` is the size of all messages together.
Result<> copy_messages(int fd, const mq_attr& attributes, size_t bytes,
                       std::vector<std::unique_ptr<image::PosixMessageT>>& messages);

}  // namespace appshot::mqueues
