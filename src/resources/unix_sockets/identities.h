// Who a UNIX socket's peer, or the sender of a message, was: the kernel tells its process id in the
// ids of whoever asks, also of one that has ended.
#pragma once

#include <vector>

#include "base/result.h"
#include "resources/capture_context.h"
#include "resources/process_source.h"

namespace appshot::unix_sockets {

// When all sockets are captured and nothing else is under way: from our process ids, which capture
// left in the records, to the instance's.
Result<> translate_identities(CaptureContext& context, const std::vector<ProcessSource>& processes);

// Runs `work` as somebody with that identity would be seen by the kernel. It returns 0 or an errno.
Result<> act_as_identity(const image::IdentityT* identity, const std::function<int()>& work,
                         uint64_t flags = 0);

}  // namespace appshot::unix_sockets
