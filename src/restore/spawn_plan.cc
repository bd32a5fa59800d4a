#include "restore/spawn_plan.h"

#include <algorithm>
#include <set>

#include "resources/made_early.h"
#include "resources/maker.h"

namespace appshot {
namespace {

class Planner {
 public:
  Planner(const image::ImageT& image, const Births& births, int free_id_max)
      : image_(image), births_(births), next_free_(free_id_max) {
    for (const auto& process : image.processes) {
      by_pid_[process->pid] = process.get();
      used_.insert(process->pid);
      used_.insert(process->session);
      used_.insert(process->group);
      for (const auto& thread : process->threads) used_.insert(thread->tid);
    }
  }

  SpawnPlan plan() {
    for (size_t i = 0; i < image_.processes.size(); ++i) place(i);
    for (auto& [pid, node] : plan_.nodes)
      if (std::max(node.children.size(), node.before_session.size()) >= SpawnPlan::kManyChildren)
        node.midwife = free_id();
    find_helpers();
    return std::move(plan_);
  }

 private:
  bool leads(const image::ProcessT& process) const { return process.session == process.pid; }

  void place(size_t index) {
    const image::ProcessT& process = *image_.processes[index];
    // Else its parent makes it when it has its memory.
    if (process.shares_memory && !is_made_early(image_, process)) return;
    // By its maker, in whose session it is born.
    auto parent = by_pid_.find(maker_of(process));
    int parent_session = parent == by_pid_.end() ? 0 : parent->second->session;
    SpawnPlan::Node& node = plan_.nodes[maker_of(process)];
    if (leads(process) || process.session == parent_session) {
      node.children.push_back(index);
      return;
    }
    // Its parent began a session of its own after making it; or it is an orphan.
    bool parent_leads = parent != by_pid_.end() && leads(*parent->second);
    if (parent_leads &&
        (!parent->second->subreaper || process.session == session_born_into(*parent->second))) {
      node.before_session.push_back(index);
      return;
    }
    auto leader = by_pid_.find(process.session);
    if (leader == by_pid_.end()) {
      stand_in(process.parent, process.session).children.push_back(index);
    } else if (leader->second->state == image::ProcessState::zombie) {
      plan_.nodes[process.session].children.push_back(index);  // makes it, then dies
    } else {
      stand_in(process.session, 0).children.push_back(index);
    }
  }

  void find_helpers() {
    for (int space : births_.keepers()) plan_.keepers[space] = free_id();
    for (const auto& process : image_.processes) {
      if (births_.is_born_by_way_of_another(*process)) plan_.ways[process->pid] = free_id();
      if (process->space_of_children >= 0) plan_.last_ones[process->pid] = free_id();
    }
    for (const auto& system : image_.file_systems)
      if (system->processes_of >= 0 && plan_.mounters.count(system->processes_of) == 0)
        plan_.mounters[system->processes_of] = free_id();
    if (!plan_.mounters.empty()) plan_.mounters_sender = free_id();
  }

  // Of one that has begun its own since.
  int session_born_into(const image::ProcessT& process) const {
    auto parent = by_pid_.find(process.parent);
    return parent == by_pid_.end() ? 0 : parent->second->session;
  }

  SpawnPlan::StandIn& stand_in(int by, int pid) {
    std::vector<SpawnPlan::StandIn>& known = plan_.nodes[by].stand_ins;
    for (SpawnPlan::StandIn& one : known)
      if (pid == 0 ? !one.leads_session : one.pid == pid) return one;
    known.push_back({pid == 0 ? free_id() : pid, pid != 0, {}});
    return known.back();
  }

  int free_id() {
    while (used_.count(next_free_) != 0 || births_.spaces().is_used(next_free_)) --next_free_;
    used_.insert(next_free_);
    return next_free_;
  }

  const image::ImageT& image_;
  const Births& births_;
  int next_free_;
  std::map<int, const image::ProcessT*> by_pid_;
  std::set<int> used_;
  SpawnPlan plan_;
};

}  // namespace

SpawnPlan plan_spawn(const image::ImageT& image, const Births& births, int free_id_max) {
  return Planner(image, births, free_id_max).plan();
}

}  // namespace appshot
