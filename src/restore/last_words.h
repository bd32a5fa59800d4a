// The end of a restore as the new instance's init sees it.
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "os/unique_fd.h"
#include "pager/pager.h"
#include "protocol/channel.h"

namespace appshot {

Result<UniqueFd> fetch_terminal(Channel& control, Deadline deadline);
// For a harness that takes over.
Result<> entrust_pager(Channel& control, const Pager& pager, Deadline deadline);
// From here on the instance lives without us.
Result<> commit_init(Channel& control, Deadline deadline);

}  // namespace appshot
