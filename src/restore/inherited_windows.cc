#include "restore/inherited_windows.h"

#include <sys/mman.h>

#include <cerrno>

namespace appshot {

template <typename Visit>
void InheritedWindows::visit_tree(size_t process, const Visit& visit) const {
  visit(process);
  visit_below(image_.processes[process]->pid, visit);
}

template <typename Visit>
void InheritedWindows::visit_below(int pid, const Visit& visit) const {
  auto node = plan_.nodes.find(pid);
  if (node == plan_.nodes.end()) return;
  for (size_t child : node->second.before_session) visit_tree(child, visit);
  for (size_t child : node->second.children) visit_tree(child, visit);
  for (const SpawnPlan::StandIn& stand_in : node->second.stand_ins)
    for (size_t child : stand_in.children) visit_tree(child, visit);
}

// All that it forks is one process, which takes everything.
bool InheritedWindows::has_one_child(int pid) const {
  auto node = plan_.nodes.find(pid);
  return node != plan_.nodes.end() && node->second.stand_ins.empty() &&
         node->second.before_session.size() + node->second.children.size() == 1;
}

// In one call; that there is nothing between two windows is said at the end, when all is done.
Result<> InheritedWindows::advise(size_t process, int advice) const {
  const MemoryLayout::Span& span = layout_.spans[process];
  if (span.start == span.end) return {};
  if (::madvise(reinterpret_cast<void*>(span.start), span.end - span.start, advice) != 0 &&
      errno != ENOMEM)
    return Error::from_errno(errno, "madvise of windows");
  return {};
}

Result<> InheritedWindows::withhold_below(int pid) const {
  Result<> outcome;
  if (has_one_child(pid)) return outcome;
  visit_below(pid, [&](size_t process) {
    if (outcome) outcome = advise(process, MADV_DONTFORK);
  });
  return outcome;
}

Result<> InheritedWindows::withhold(size_t process) const {
  return advise_tree(process, MADV_DONTFORK);
}

Result<> InheritedWindows::pass_on(size_t process) const {
  return advise_tree(process, MADV_DOFORK);
}

Result<> InheritedWindows::advise_tree(size_t process, int advice) const {
  Result<> outcome;
  visit_tree(process, [&](size_t one) {
    if (outcome) outcome = advise(one, advice);
  });
  return outcome;
}

void InheritedWindows::forget(size_t process) const {
  visit_tree(process, [&](size_t one) {
    const MemoryLayout::Span& span = layout_.spans[one];
    if (span.start != span.end)
      ::munmap(reinterpret_cast<void*>(span.start), span.end - span.start);
  });
}

}  // namespace appshot
