// Seccomp filters, oldest first. They are installed while the harness has their effect suspended,
// so that they do not judge the last steps of the restore itself.
#pragma once

#include "base/result.h"
#include "image/schema/values.h"
#include "os/proc/process_dir.h"
#include "trace/call_list.h"
#include "trace/tracee.h"

namespace appshot::seccomp {

Result<> capture(const Tracee& thread, const proc::Fields& status, image::ThreadT& into);
// `there`: how many of the oldest it was born with.
void plan(const image::ThreadT& thread, size_t there, CallList& calls, DataSpace& data);

}  // namespace appshot::seccomp
