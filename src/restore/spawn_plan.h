// In which order, and by whom, processes must be made so that each is born into its session. A
// session can only be inherited or begun, so a process that outlived its parent or its session's
// leader needs a stand-in for the dead.
#pragma once

#include <map>
#include <vector>

#include "image/schema/values.h"
#include "resources/births.h"

namespace appshot {

struct SpawnPlan {
  // A short-lived stand-in: made by `by`, has the id of a session leader that is dead (and begins
  // that session) or a free id (and is in `by`'s session); makes its children and ends, so that
  // they pass to the nearest reaper.
  struct StandIn {
    int pid = 0;
    bool leads_session = false;
    std::vector<size_t> children;  // indexes of Image.processes
  };
  struct Node {
    std::vector<size_t> before_session;  // children to make before setsid
    std::vector<size_t> children;        // and after
    std::vector<StandIn> stand_ins;      // after
    // The id of who makes some of many children at a time in this one's name, and ends: a fork
    // costs by how much memory is there that is not for the child. 0: there are few.
    int midwife = 0;
  };
  static constexpr size_t kManyChildren = 12;

  std::map<int, Node> nodes;  // by process id; 1 is init

  // Free ids, in every pid namespace, of those who help for a moment.
  std::map<int, int> keepers;    // by pid namespace, -1: the instance's own (restore/id_keeper.h)
  std::map<int, int> ways;       // by process id: who makes it in a user namespace (births.h)
  std::map<int, int> last_ones;  // by process id: who ends in the namespace of its children
  std::map<int, int> mounters;   // by pid namespace: who mounts its /proc
  int mounters_sender = 0;
};

SpawnPlan plan_spawn(const image::ImageT& image, const Births& births, int free_id_max);

}  // namespace appshot
