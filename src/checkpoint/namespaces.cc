#include "checkpoint/namespaces.h"

#include <sys/utsname.h>

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
  if (!instance.share.ipc) {
    NamespaceVisit visit = TRY(visit_of(instance.init, "ipc"));
    TRY(ipc::capture(context));
    TRY(mqueues::capture_queues(context));
  }
  return {};
}

}  // namespace appshot
