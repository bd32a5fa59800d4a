// What has happened to a terminal in packet mode that its master has not been told yet: flushed,
// stopped, set otherwise. The kernel's memory tells; it is caused once more.
#pragma once

#include <string>

#include "base/result.h"
#include "image/schema/values.h"
#include "resources/capture_context.h"

namespace appshot::terminals {

bool has_untold(int master);
// Why it cannot be known on this machine; empty: it can, or there is nothing.
std::string why_untold_is_hidden(int master);

// Into the record, with whether it prints; such a terminal must hold nothing else, which could not
// be looked at without being told.
Result<> capture_untold(CaptureContext& context, int master, image::TerminalStateT& into);

// Packet mode is on, and the terminal does not print exactly when it did not, once it is over.
Result<> cause_untold(int master, int slave, const image::TerminalStateT& from);
// Stopped before packet mode begins, so that it is not told.
bool is_stopped_untold(const image::TerminalStateT& state);

}  // namespace appshot::terminals
