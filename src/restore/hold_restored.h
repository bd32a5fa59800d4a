// The harness's hold on the threads of a restored application, from before their filters and
// credentials to the moment they run.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "image/schema/values.h"
#include "os/cgroup.h"
#include "resources/births.h"
#include "restore/script.h"
#include "restore/zone.h"
#include "trace/traced.h"
#include "trace/tracee.h"

namespace appshot {

class RestoredThreads {
 public:
  // They run on; if we die, the kernel kills them.
  static Result<RestoredThreads> seize(const image::ImageT& image, const Cgroup& application);

  // Stops them, has them bear those for whom they wait, takes the zone away, gives them their
  // registers, state and masks. Processes that were stopped as a whole are so again, and their
  // parents know as much of it as they did.
  // `clock_ns`: tells the restored application's CLOCK_MONOTONIC.
  Result<> put_back(Zone& zone, const Script& script, const Births& births,
                    const std::function<int64_t()>& clock_ns, Deadline deadline);
  // Those that others of them trace are let go of, and traced again by these. The application is
  // frozen then, if there are any.
  Result<> bind_traced(const Cgroup& application, Deadline deadline);
  // Lets go of the rest.
  Result<> release();

 private:
  struct HeldThread {
    Tracee tracee;
    const image::ThreadT* record;
    std::optional<int64_t> result{};  // of the timed call it waits in
  };
  struct HeldProcess {
    HostPid pid;
    const image::ProcessT* record;
    std::vector<HeldThread> threads;
    HeldThread& free();   // one that does not wait in the kernel; there must be one
    bool unmaps = false;  // takes the zone away; of those who share their memory one does
  };

  Result<TracerThread> find_tracer(VirtualPid id);
  void find_who_unmaps();
  Result<> interrupt_all(Deadline deadline);
  Result<> bear_awaited(Zone& zone, const Script& script, const Births& births,
                        const std::function<int64_t()>& clock_ns, Deadline deadline);
  Result<> settle_stopped_children(HeldProcess& process, Zone& zone, Deadline deadline);
  Result<> prepare(HeldProcess& process, Zone& zone, const std::function<int64_t()>& clock_ns,
                   Deadline deadline);
  Result<> finish(const std::vector<HeldProcess*>& processes, Zone& zone, Deadline deadline);
  Result<> stop_again(HeldProcess& process, Deadline deadline);

  const image::ImageT* image_ = nullptr;
  std::vector<HeldProcess> processes_;  // parents before children
};

}  // namespace appshot
