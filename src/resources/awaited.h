// Children for whose start or end a thread waits in the kernel (vfork).
#pragma once

#include "image/schema/values.h"

namespace appshot {

struct Waiter {
  const image::ProcessT* process = nullptr;  // nullptr: nobody
  const image::ThreadT* thread = nullptr;
};
Waiter waiter_for(const image::ImageT& image, const image::ProcessT& child);

inline bool is_awaited(const image::ImageT& image, const image::ProcessT& child) {
  return waiter_for(image, child).process != nullptr;
}
// Whether it has any such child.
bool awaits_children(const image::ProcessT& process);

// Whether it has the same root as who waits for it. It must be waited for.
bool has_root_of_waiter(const image::ImageT& image, const image::ProcessT& child);

// The process of which one has its descriptors: itself, or who first had those that it shares.
const image::ProcessT& table_owner(const image::ImageT& image, const image::ProcessT& process);
// Whether it is one, of somebody who has such children.
bool has_table_of_awaiting(const image::ImageT& image, const image::ProcessT& process);

}  // namespace appshot
