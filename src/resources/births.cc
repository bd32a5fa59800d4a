#include "resources/births.h"

#include <algorithm>

#include "resources/user_spaces.h"

namespace appshot {

Births::Births(const image::ImageT& image) : image_(image), spaces_(image) {
  // Parents come first.
  for (const auto& process : image.processes) {
    int users = users_of_parent(*process);
    if (spaces_.is_first(*process)) {
      const auto space = static_cast<size_t>(spaces_.space_of(*process));
      const int owner = image.namespaces[space]->owner;
      if (owner >= 0 && user_spaces::is_within(image, owner, users)) users = owner;
    }
    born_[process->pid] = users;
  }
}

int Births::users_of_parent(const image::ProcessT& process) const {
  auto parent = born_.find(process.parent);
  return parent == born_.end() ? -1 : parent->second;
}

bool Births::is_born_by_way_of_another(const image::ProcessT& process) const {
  return users_at_birth(process) != users_of_parent(process);
}

Births::Ids Births::ids(int users, int space, int id) const {
  Ids ids{spaces_.nested_ids(space, id), users < 0 ? id : 0, users < 0 ? 0 : id};
  if (users < 0) return ids;
  // Only in those that belong to it, which are the innermost.
  auto first = ids.nested.begin() + static_cast<long>(ids.nested.size());
  for (int at = space; at >= 0 && first != ids.nested.begin(); at = spaces_.parent(at)) {
    const int owner = image_.namespaces[static_cast<size_t>(at)]->owner;
    if (!user_spaces::is_within(image_, owner, users)) break;
    --first;
  }
  ids.nested.erase(ids.nested.begin(), first);
  return ids;
}

bool Births::needs_keeper() const {
  return std::ranges::any_of(image_.processes, [&](const auto& process) {
    return users_at_birth(*process) >= 0 ||
           (process->threads.size() > 1 && user_spaces::of(image_, *process) >= 0);
  });
}

}  // namespace appshot
