#include "resources/pid_spaces.h"

#include <algorithm>

namespace appshot {
namespace {

constexpr int kFreeFrom = 30000;

}  // namespace

PidSpaces::PidSpaces(const image::ImageT& image) : image_(image) {
  for (const auto& process : image.processes) {
    const int space = space_of(*process);
    if (space < 0) continue;
    note(space, process->pid, process->nested_ids);
    note(space, process->group, process->nested_groups);
    note(space, process->session, process->nested_sessions);
    for (const auto& thread : process->threads) note(space, thread->tid, thread->nested_ids);
    if (is_first(*process)) first_[space] = process.get();
  }
}

void PidSpaces::note(int space, int id, const std::vector<int>& nested) {
  for (auto at = nested.rbegin(); at != nested.rend() && space >= 0; ++at) {
    if (*at != 0) ids_[{space, id}] = *at;
    space = parent(space);
  }
}

int PidSpaces::of(const image::ImageT& image, const image::ProcessT& process) {
  for (int index : process.namespaces)
    if (image.namespaces[static_cast<size_t>(index)]->kind == "pid") return index;
  return -1;
}

int PidSpaces::parent(int space) const {
  return image_.namespaces[static_cast<size_t>(space)]->parent;
}

int PidSpaces::id_in(int space, int id) const {
  if (space < 0) return id;
  auto found = ids_.find({space, id});
  return found == ids_.end() ? 0 : found->second;
}

std::vector<pid_t> PidSpaces::nested_ids(int space, int id) const {
  std::vector<pid_t> ids;
  for (; space >= 0; space = parent(space)) {
    const int there = id_in(space, id);
    ids.push_back(there != 0 ? there : free_in(space, id));
  }
  std::ranges::reverse(ids);
  return ids;
}

// The same number, when nobody has it there.
int PidSpaces::free_in(int space, int id) const {
  auto is_taken = [&](int there) {
    return std::ranges::any_of(ids_, [&](const auto& known) {
      return known.first.first == space && known.second == there;
    });
  };
  if (!is_taken(id)) return id;
  int free = kFreeFrom;
  while (is_taken(free)) --free;
  return free;
}

bool PidSpaces::is_first(const image::ProcessT& process) const {
  return space_of(process) >= 0 && !process.nested_ids.empty() && process.nested_ids.back() == 1;
}

const image::ProcessT* PidSpaces::first_of(int space) const {
  auto found = first_.find(space);
  return found == first_.end() ? nullptr : found->second;
}

bool PidSpaces::is_used(int id) const {
  return std::ranges::any_of(ids_, [&](const auto& known) { return known.second == id; });
}

}  // namespace appshot
