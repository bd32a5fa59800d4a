// Sandboxes take as their root a folder that is empty for ever: one of /proc about a process that
// has ended since. It cannot be entered any more, not even by who lives there; so at a restore such
// a process is there for a moment again, and takes its maker with it.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/instance_view.h"
#include "resources/process_source.h"

namespace appshot::process_files {

// Of a process whose root is such a folder, as /proc tells (fs root and working folder alike): why
// it cannot be kept; empty: it can.
std::string why_root_not_kept(const InstanceView& instance, const ProcessSource& process,
                              const std::string& link);
bool has_ended_root(const image::ProcessT& process);

// Makes the caller's root, and its working folder, such a folder. `run` lets a child with that id,
// which shares the caller's folders, do some work: 0 or an errno.
using RunChild = std::function<Result<>(pid_t id, const std::function<int()>& work)>;
Result<> enter_ended_root_child(const image::ProcessT& process, const RunChild& run);

}  // namespace appshot::process_files
