#include "resources/births.h"

#include <linux/capability.h>

#include <algorithm>

#include "resources/awaited.h"
#include "resources/maker.h"
#include "resources/user_spaces.h"

namespace appshot {

Births::Births(const image::ImageT& image) : image_(image), spaces_(image) {
  // Parents and makers come first.
  for (const auto& process : image.processes) {
    const int space = spaces_.space_of(*process);
    int users = users_of_parent(*process);
    if (spaces_.is_first(*process)) {
      const int owner = image.namespaces[static_cast<size_t>(space)]->owner;
      if (owner >= 0 && user_spaces::is_within(image, owner, users)) users = owner;
    }
    const Waiter waiter = waiter_for(image, *process);
    // By then it has entered its own.
    if (waiter.process != nullptr) users = user_spaces::of(image, *waiter.process);
    born_[process->pid] = users;
    note_keepers(users, space);
    if (waiter.process != nullptr && !may_choose_ids(*waiter.thread) && keeper_of(-1) < 0)
      keepers_.push_back(-1);
    if (makes_more(*process)) note_keepers(user_spaces::of(image, *process), space);
  }
}

// When it is in its own user namespace: threads, and processes in its memory.
bool Births::makes_more(const image::ProcessT& process) const {
  return process.threads.size() > 1 || process.state == image::ProcessState::leader_exited ||
         std::ranges::any_of(image_.processes, [&](const auto& other) {
           return other->shares_memory && maker_of(*other) == process.pid;
         });
}

int Births::users_of_parent(const image::ProcessT& process) const {
  auto parent = born_.find(maker_of(process));
  return parent == born_.end() ? -1 : parent->second;
}

bool Births::is_born_by_way_of_another(const image::ProcessT& process) const {
  return users_at_birth(process) != users_of_parent(process);
}

bool Births::may_choose(int users, int space) const {
  const int owner = space < 0 ? -1 : image_.namespaces[static_cast<size_t>(space)]->owner;
  return user_spaces::is_within(image_, owner, users);
}

void Births::note_keepers(int users, int space) {
  for (;; space = spaces_.parent(space)) {
    if (!may_choose(users, space) && keeper_of(space) < 0) keepers_.push_back(space);
    if (space < 0) return;
  }
}

int Births::keeper_of(int space) const {
  const auto found = std::ranges::find(keepers_, space);
  return found == keepers_.end() ? -1 : static_cast<int>(found - keepers_.begin());
}

bool Births::may_choose_ids(const image::ThreadT& thread) {
  constexpr uint64_t kRights = 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_CHECKPOINT_RESTORE;
  return (thread.credentials->effective & kRights) != 0;
}

Births::Ids Births::ids_born_late(const image::ProcessT& process, const image::ThreadT& waiter,
                                  int id) const {
  if (may_choose_ids(waiter)) return ids(users_at_birth(process), spaces_.space_of(process), id);
  return {{}, {{keeper_of(-1), id}}};
}

Births::Ids Births::ids(int users, int space, int id) const {
  std::vector<pid_t> all = spaces_.nested_ids(space, id);
  all.insert(all.begin(), id);
  Ids ids;
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    if (may_choose(users, space))
      ids.chosen.push_back(*at);
    else
      ids.kept.push_back({keeper_of(space), *at});
    if (space >= 0) space = spaces_.parent(space);
  }
  return ids;
}

}  // namespace appshot
