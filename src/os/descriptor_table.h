// The room a process has for descriptors, which the kernel enlarges as more are opened.
#pragma once

namespace appshot {

// While there is only one thread. With several, the kernel lets whoever opens one descriptor too
// many wait until no processor can be looking at the old table any more: ten milliseconds and more,
// each time it doubles.
void reserve_descriptors(int count);

}  // namespace appshot
