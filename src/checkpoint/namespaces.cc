#include "checkpoint/namespaces.h"

#include <sys/utsname.h>

#include <set>
#include <utility>
#include <vector>

#include "isolation/clocks.h"
#include "os/namespace_visit.h"
#include "resources/file_names.h"
#include "resources/ipc/ipc.h"
#include "resources/mqueue/queues.h"

namespace appshot {
namespace {

Result<NamespaceVisit> visit_of(HostPid init, const std::string& kind) {
  return NamespaceVisit::to("/proc/" + std::to_string(init.value) + "/ns/" + kind, kind);
}

Result<> capture_clocks(CaptureContext& context) {
  Clocks clocks = TRY(clocks_of(context.instance.init));
  context.image.clock_monotonic = std::make_unique<image::Time>(to_time(clocks.monotonic));
  context.image.clock_boottime = std::make_unique<image::Time>(to_time(clocks.boottime));
  return {};
}

// The instance's own, then those that the application has made.
Result<> capture_ipc(CaptureContext& context) {
  std::vector<std::pair<int, std::string>> spaces{
      {-1, "/proc/" + std::to_string(context.instance.init.value) + "/ns/ipc"}};
  for (const auto& [space, fd] : context.ipc_spaces)
    spaces.emplace_back(space, "/proc/self/fd/" + std::to_string(fd.get()));
  std::set<uint64_t> queue_devices;
  for (const auto& [space, path] : spaces) {
    NamespaceVisit visit = TRY(NamespaceVisit::to(path, "ipc"));
    queue_devices.insert(TRY(mqueues::device_of_queues()));
    if (space < 0 && context.instance.share.ipc) continue;  // the host's
    TRY(ipc::capture(context, space));
    TRY(mqueues::capture_queues(context, space));
  }
  TRY(ipc::find_unreachable(context));
  mqueues::find_unreachable(context, queue_devices);
  return {};
}

}  // namespace

Result<> capture_namespaces(CaptureContext& context) {
  const InstanceView& instance = context.instance;
  TRY(capture_clocks(context));
  if (!instance.share.uts) {
    NamespaceVisit visit = TRY(visit_of(instance.init, "uts"));
    utsname name{};
    TRY_SYS(::uname(&name));
    context.image.host_name = name.nodename;
    context.image.domain_name = name.domainname;
  }
  return capture_ipc(context);
}

}  // namespace appshot
