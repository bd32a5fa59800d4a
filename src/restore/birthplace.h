// Where the children of a process are born. A pid namespace cannot be entered: who makes a process
// in another one sends its children there for a while, or begins a new one with the child.
#pragma once

#include <functional>

#include "base/result.h"
#include "os/child.h"
#include "resources/births.h"
#include "restore/zone.h"

namespace appshot {

class Birthplace {
 public:
  Birthplace(const Births& births, const Zone& zone) : births_(births), zone_(zone) {}

  // 0 in the child, which goes on with this object for children of its own.
  Result<pid_t> fork(const image::ProcessT& process, ChildOptions options);
  // In the caller's memory, and in the same pid namespace: see clone_child().
  Result<pid_t> clone(const image::ProcessT& process, ChildOptions options, void* stack_end,
                      void (*entry)(void*), void* argument);
  // One that is none of the image's, in that pid namespace.
  Result<pid_t> fork_helper(int space, pid_t id, ChildOptions options);
  // One that only does `work`, which returns 0 or an errno. Several may want the same id, one after
  // the other.
  Result<> run_helper(pid_t id, uint64_t flags, const std::function<int()>& work);
  // The caller has entered that user namespace.
  void has_entered(int users) { users_ = users; }
  bool is_elsewhere() const { return users_ >= 0; }  // than in the instance's own

  int space() const { return here_; }  // that the caller lives in
  // Its later children are born there; it is begun already.
  Result<> send_children_to(int space);
  // They cannot be born: it has ended. `id`: one that is free.
  Result<> send_children_nowhere(pid_t id);

 private:
  Result<pid_t> fork_into(int space, pid_t id, ChildOptions options);

  const Births& births_;
  const Zone& zone_;
  int here_ = -1, next_ = -1;  // pid namespaces, Image.namespaces[]; -1: the instance's own
  int users_ = -1;             // the user namespace that the caller is in, the same
};

}  // namespace appshot
