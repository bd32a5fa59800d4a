#include "restore/inherited_windows.h"

#include <sys/mman.h>

namespace appshot {
namespace {

char* pointer(uint64_t address) { return reinterpret_cast<char*>(address); }

}  // namespace

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

Result<> InheritedWindows::advise(size_t process, int advice) const {
  if (!image_.processes[process]->address_space) return {};
  const auto& mappings = image_.processes[process]->address_space->mappings;
  for (size_t m = 0; m < mappings.size(); ++m) {
    if (layout_.windows[process][m] == 0) continue;
    TRY_SYS(::madvise(pointer(layout_.windows[process][m]), mappings[m]->end - mappings[m]->start,
                      advice));
  }
  return {};
}

Result<> InheritedWindows::withhold_below(int pid) const {
  Result<> outcome;
  visit_below(pid, [&](size_t process) {
    if (outcome) outcome = advise(process, MADV_DONTFORK);
  });
  return outcome;
}

Result<> InheritedWindows::pass_on(size_t process) const {
  Result<> outcome;
  visit_tree(process, [&](size_t one) {
    if (outcome) outcome = advise(one, MADV_DOFORK);
  });
  return outcome;
}

void InheritedWindows::forget(size_t process) const {
  visit_tree(process, [&](size_t one) {
    if (!image_.processes[one]->address_space) return;
    const auto& mappings = image_.processes[one]->address_space->mappings;
    for (size_t m = 0; m < mappings.size(); ++m)
      if (layout_.windows[one][m] != 0)
        ::munmap(pointer(layout_.windows[one][m]), mappings[m]->end - mappings[m]->start);
  });
}

}  // namespace appshot
