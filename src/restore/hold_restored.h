// The harness's hold on the threads of a restored application, from before their filters and
// credentials to the moment they run.
#pragma once

#include <map>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "image/schema/image_generated.h"
#include "os/cgroup.h"
#include "protocol/channel.h"
#include "restore/zone.h"
#include "trace/tracee.h"

namespace appshot {

class RestoredThreads {
 public:
  // They run on; if we die, the kernel kills them.
  static Result<RestoredThreads> seize(const image::ImageT& image, const Cgroup& application);

  // Stops them, takes the zone away, gives them their registers, state and masks.
  Result<> put_back(const image::ImageT& image, const Zone& zone, Deadline deadline);
  // Lets go. Those that were stopped are stopped again.
  Result<> release();

 private:
  struct Held {
    Tracee tracee;
    HostPid process;
    const image::ProcessT* record;
    const image::ThreadT* thread;
  };
  Result<> unmap_zone(Tracee& thread, const Zone& zone, Deadline deadline);
  std::vector<Held> held_;
};

// The end of a restore as init sees it.
Result<UniqueFd> fetch_terminal(Channel& control, Deadline deadline);
Result<> commit_init(Channel& control, Deadline deadline);

}  // namespace appshot
