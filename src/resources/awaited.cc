#include "resources/awaited.h"

#include <algorithm>

#include "resources/maker.h"

namespace appshot {

Waiter waiter_for(const image::ImageT& image, const image::ProcessT& child) {
  if (!child.shares_memory) return {};  // as nearly everyone
  for (const auto& process : image.processes)
    for (const auto& thread : process->threads)
      if (thread->awaited != 0 && thread->awaited == child.pid)
        return {process.get(), thread.get()};
  return {};
}

bool awaits_children(const image::ProcessT& process) {
  return std::ranges::any_of(process.threads,
                             [](const auto& thread) { return thread->awaited != 0; });
}

bool has_root_of_waiter(const image::ImageT& image, const image::ProcessT& child) {
  const Waiter waiter = waiter_for(image, child);
  for (const auto& thread : waiter.process->threads)
    if (thread->folders &&
        (thread.get() == waiter.thread || thread->tid == waiter.thread->folders_of))
      return *child.root == *thread->folders->root;
  return *child.root == *waiter.process->root;
}

const image::ProcessT& table_owner(const image::ImageT& image, const image::ProcessT& process) {
  const image::ProcessT* maker = process.shares_descriptors ? find_maker(image, process) : nullptr;
  return maker == nullptr ? process : table_owner(image, *maker);
}

bool has_table_of_awaiting(const image::ImageT& image, const image::ProcessT& process) {
  return std::ranges::any_of(image.processes, [&](const auto& other) {
    const bool may_have_it = other.get() == &process || other->shares_descriptors;
    return may_have_it && awaits_children(*other) && &table_owner(image, *other) == &process;
  });
}

}  // namespace appshot
