// A user namespace of the instance's own (`run --userns`): its ids are a range of the machine's
// that nobody else has, so that root inside is nobody outside. Files keep the ids they have on
// disk: its layers are seen through mounts that map them (private_layer).
//
// What the instance's programs live in beside it belongs to it, so that root inside may do there
// what root does: network, IPC and host name. Not so its processes' ids and what is mounted, as
// init is outside.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"
#include "isolation/share.h"
#include "os/unique_fd.h"

namespace appshot {

constexpr uint32_t kIdsOfAnInstance = 65536;

struct OwnUsers {
  uint32_t root = 0;  // what root inside is outside; 0: root, and there is no namespace
  UniqueFd space;     // the user namespace
  UniqueFd network;   // none of these where they are the host's
  UniqueFd ipc, names;

  explicit operator bool() const { return root != 0; }

  static Result<OwnUsers> make(uint32_t root, const Share& share);

  // By init: into those that are not the network's.
  Result<> enter_around() const;
  // By a process with one thread, on its way to a program: it becomes root inside.
  Result<> enter() const;
};

// What the calling thread makes meanwhile belongs to root inside; it has all its rights still.
class MadeByRootInside {
 public:
  explicit MadeByRootInside(uint32_t root);
  ~MadeByRootInside();
  MadeByRootInside(const MadeByRootInside&) = delete;

 private:
  bool is_other_;
};
// The same, for good, of this process and those that it forks; 0: as the machine's root.
void make_as_root_inside(uint32_t root);

}  // namespace appshot
