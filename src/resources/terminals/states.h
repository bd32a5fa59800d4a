// What a terminal itself knows: settings, window size, whose session and foreground group it
// serves, and what has been typed or printed and not been read.
#pragma once

#include "resources/capture_context.h"
#include "resources/pid_spaces.h"
#include "resources/process_source.h"
#include "resources/restore_context.h"
#include "trace/call_list.h"

namespace appshot::terminals {

// When all descriptors are known.
Result<> capture_states(CaptureContext& context, const std::vector<ProcessSource>& processes);

// All terminals of the image, each with the number it had.
Result<> make_all(RestoreContext& context);
// When all files are open: what waits to be read, and what would have kept files from being opened.
Result<> finish_all(RestoreContext& context);

// In Image.terminals: the one whose master the harness has; -1: the instance has none.
int of_instance(const image::ImageT& image);

// By the session leader whose terminal it was: makes it the controlling one again.
Result<> take_as_controlling_child(const RestoreContext& context, const image::ProcessT& process);
// By the leader, once all groups exist.
Result<> set_foreground_child(const RestoreContext& context, const image::ProcessT& process);

// The same by one that shares the memory of its maker, which must have it open.
void plan_foreground(const image::ImageT& image, const PidSpaces& spaces,
                     const image::ProcessT& process, CallList& calls, DataSpace& data);

// Whether a terminal is its session's, which it leads; and it has none open that it could be asked
// by.
bool controls_terminal(const image::ImageT& image, const image::ProcessT& process);
bool controls_without_descriptor(const image::ImageT& image, const image::ProcessT& process);

}  // namespace appshot::terminals
