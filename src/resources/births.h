// In which user namespace each process of an image is born, and which of its ids it can be given.
//
// Who restores may choose any id. But a pid namespace that belongs to a user namespace can only be
// begun by who has entered that one, and nobody comes back from there: its first process and all
// below it are born without rights over the instance's own ids. They choose their ids in their own
// namespace; the one in the instance's is kept free for them (id_keeper.h). The same holds for the
// threads of a process that has entered a user namespace.
#pragma once

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

  struct Ids {
    std::vector<pid_t> nested;  // the outermost first
    pid_t own = 0;              // in the instance's pid namespace; 0: it cannot be chosen …
    pid_t kept = 0;             // … but is kept free
  };
  // Of one that is born in that pid namespace, by somebody who lives in that one of users.
  Ids ids(int users, int space, int id) const;
  bool needs_keeper() const;

 private:
  int users_of_parent(const image::ProcessT& process) const;

  const image::ImageT& image_;
  PidSpaces spaces_;
  std::map<int, int> born_;  // by process id
};

}  // namespace appshot
