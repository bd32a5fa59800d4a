// Sees to it that the next process of a pid namespace gets a certain id: for those who may not
// choose it themselves (resources/births.h). One for each such namespace, since only who lives
// there can; it ends when all threads exist. Meanwhile nobody else is given the next id: all others
// choose theirs.
#pragma once

#include "base/result.h"
#include "resources/births.h"
#include "restore/zone.h"

namespace appshot {

// By a process that was made for it, and has the id `own` in the instance. `keeper`: its number
// among Births::keepers().
[[noreturn]] void keep_ids_child(const Zone& zone, int keeper, pid_t own);
// By the harness; a failed restore ends them with init. `but`: one that goes on; -1: none.
void end_id_keepers(const Zone& zone, int but = -1);

// What the stub must know to take its turn.
StubKeptIds to_stub(const std::vector<Births::Kept>& kept);

// By C++ code that makes a child; the stub has its own. In the child it is nobody's turn.
class IdTurn {
 public:
  // Waits; where no id is to be kept there is no need, but for who must be `alone` in having a
  // turn.
  IdTurn(const Zone& zone, const std::vector<Births::Kept>& kept, bool alone = false);
  IdTurn(const IdTurn&) = delete;
  ~IdTurn();
  void forget() { control_ = nullptr; }

 private:
  StubControl* control_ = nullptr;
  StubKeptIds ids_;
};

}  // namespace appshot
