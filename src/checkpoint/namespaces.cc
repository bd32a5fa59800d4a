#include "checkpoint/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/utsname.h>

#include "base/check.h"
#include "isolation/clocks.h"
#include "os/file.h"
#include "resources/file_names.h"
#include "resources/ipc/ipc.h"
#include "resources/mqueue/queues.h"

namespace appshot {
namespace {

// The calling thread visits one of the instance's namespaces and comes back, whatever happens.
class Visit {
 public:
  static Result<Visit> to(HostPid init, const std::string& kind, int flag) {
    UniqueFd home = TRY(open_file("/proc/self/ns/" + kind, O_RDONLY));
    UniqueFd there =
        TRY(open_file("/proc/" + std::to_string(init.value) + "/ns/" + kind, O_RDONLY));
    TRY_SYS(::setns(there.get(), flag));
    return Visit(std::move(home), flag);
  }
  Visit(Visit&&) = default;
  ~Visit() {
    if (home_) CHECK(::setns(home_.get(), flag_) == 0);
  }

 private:
  Visit(UniqueFd home, int flag) : home_(std::move(home)), flag_(flag) {}
  UniqueFd home_;
  int flag_;
};

Result<> capture_clocks(CaptureContext& context) {
  Clocks clocks = TRY(clocks_of(context.instance.init));
  context.image.clock_monotonic = std::make_unique<image::Time>(to_time(clocks.monotonic));
  context.image.clock_boottime = std::make_unique<image::Time>(to_time(clocks.boottime));
  return {};
}

}  // namespace

Result<> capture_namespaces(CaptureContext& context) {
  const InstanceView& instance = context.instance;
  TRY(capture_clocks(context));
  if (!instance.share.uts) {
    Visit visit = TRY(Visit::to(instance.init, "uts", CLONE_NEWUTS));
    utsname name{};
    TRY_SYS(::uname(&name));
    context.image.host_name = name.nodename;
    context.image.domain_name = name.domainname;
  }
  if (!instance.share.ipc) {
    Visit visit = TRY(Visit::to(instance.init, "ipc", CLONE_NEWIPC));
    TRY(ipc::capture(context));
    TRY(mqueues::capture_queues(context));
  }
  return {};
}

}  // namespace appshot
