// Pid namespaces of the application's own. An image tells of everybody by what the instance's own
// namespace calls them; who lives in one below calls itself and its neighbours by other ids, and
// has both.
#pragma once

#include <sys/types.h>

#include <map>
#include <vector>

#include "base/result.h"
#include "image/schema/values.h"

namespace appshot {

class PidSpaces {
 public:
  explicit PidSpaces(const image::ImageT& image);

  // The one a process lives in, Image.namespaces[]; -1: the instance's own.
  static int of(const image::ImageT& image, const image::ProcessT& process);

  // What a process, thread, group or session is called there; 0: it cannot be seen from there.
  int id_in(int space, int id) const;
  int seen_by(const image::ProcessT& viewer, int id) const { return id_in(space_of(viewer), id); }
  // The ids one has who is born there, the outermost of the application's own namespaces first.
  std::vector<pid_t> nested_ids(int space, int id) const;

  int space_of(const image::ProcessT& process) const { return of(image_, process); }
  // -1: it is the instance's own, or was made there.
  int parent(int space) const;
  // Whether it is the first there, whose death ends all others.
  bool is_first(const image::ProcessT& process) const;
  // The process whose birth begins it; nullptr: nobody lives there (yet, or any more).
  const image::ProcessT* first_of(int space) const;
  bool is_used(int id) const;  // by anybody, in any of them

 private:
  int free_in(int space, int id) const;
  void note(int space, int id, const std::vector<int>& nested);

  const image::ImageT& image_;
  std::map<std::pair<int, int>, int> ids_;  // namespace and id in the instance -> id there
  std::map<int, const image::ProcessT*> first_;
};

}  // namespace appshot
