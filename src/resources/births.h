// In which user namespace each process of an image is born, and which of its ids it can be given.
//
// Who restores may choose any id. But a pid namespace that belongs to a user namespace can only be
// begun by who has entered that one, and nobody comes back from there: its first process and all
// below it are born without rights over the ids of namespaces that belong to others, the instance's
// own among them. There they get the next id, and a keeper sees to it that this is the right one
// (restore/id_keeper.h). The same holds for the threads of a process that has entered a user
// namespace, and for who is born last, of a thread that has given up that right (vfork).
#pragma once

#include <map>
#include <vector>

#include "image/schema/values.h"
#include "resources/pid_spaces.h"

namespace appshot {

class Births {
 public:
  explicit Births(const image::ImageT& image);

  const PidSpaces& spaces() const { return spaces_; }

  // User namespaces are Image.namespaces[]; -1: the instance's own.
  int users_at_birth(const image::ProcessT& process) const { return born_.at(process.pid); }
  // Of what makes it: it has to enter that of the pid namespace which it begins.
  bool is_born_by_way_of_another(const image::ProcessT& process) const;

  struct Kept {
    int keeper;  // of keepers()
    pid_t id;
  };
  struct Ids {
    std::vector<pid_t> chosen;  // the innermost pid namespace's first
    std::vector<Kept> kept;     // in those outside of these
  };
  // Of one that is born in that pid namespace, by somebody who lives in that one of users.
  Ids ids(int users, int space, int id) const;
  // Of one for whom `waiter` waits in vfork, or of a thread of it: with the rights which that
  // thread has.
  Ids ids_born_late(const image::ProcessT& process, const image::ThreadT& waiter, int id) const;
  static bool may_choose_ids(const image::ThreadT& thread);
  // The pid namespaces in which somebody must keep ids, by number; -1: the instance's own.
  const std::vector<int>& keepers() const { return keepers_; }
  // Which of them it is; -1: nobody need keep ids there.
  int keeper_of(int space) const;
  static constexpr size_t kKeepersMax = 8;

 private:
  int users_of_parent(const image::ProcessT& process) const;
  bool makes_more(const image::ProcessT& process) const;
  bool may_choose(int users, int space) const;
  void note_keepers(int users, int space);

  const image::ImageT& image_;
  PidSpaces spaces_;
  std::map<int, int> born_;  // by process id
  std::vector<int> keepers_;
};

}  // namespace appshot
