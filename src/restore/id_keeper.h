// Sees to it that the next process of the instance's pid namespace gets a certain id: for those who
// may not choose it themselves (births.h). A child of init, since only who lives in the namespace
// can; it ends when all threads exist. Meanwhile nobody else is given the next id: all others
// choose theirs.
#pragma once

#include "base/result.h"
#include "restore/zone.h"

namespace appshot {

// By init. `id`: one that is free.
Result<> start_id_keeper(const Zone& zone, pid_t id);
// By the harness; a failed restore ends it with init.
void end_id_keeper(const Zone& zone);

// By C++ code that makes a child; the stub has its own. In the child it is nobody's turn.
class IdTurn {
 public:
  IdTurn(const Zone& zone, pid_t id);  // waits; 0: none is needed
  IdTurn(const IdTurn&) = delete;
  ~IdTurn();
  void forget() { control_ = nullptr; }

 private:
  StubControl* control_ = nullptr;
};

}  // namespace appshot
