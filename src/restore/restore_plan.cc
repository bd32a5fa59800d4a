#include "restore/restore_plan.h"

#include <unistd.h>

#include <algorithm>

#include "os/proc/process_dir.h"

namespace appshot {
namespace {

constexpr int kDescriptorsAtLeast = 64;

}  // namespace

int first_free_descriptor(const image::ImageT& image) {
  int highest = kDescriptorsAtLeast;
  for (const auto& process : image.processes)
    for (const auto& descriptor : process->descriptors) highest = std::max(highest, descriptor->fd);
  for (const auto& file : image.open_files)
    if (file->kind.type == image::FileKind::Epoll)
      for (const auto& target : file->kind.AsEpoll()->targets)
        highest = std::max(highest, target->fd);
  return highest + 1;
}

RestorePlan::RestorePlan(const image::ImageT& image)
    : births(image),
      late(image, first_free_descriptor(image)),
      own_parts(image, late),
      exe_fd(own_parts.end() + 1),
      files(image, exe_fd + 1) {}

Result<std::unique_ptr<RestorePlan>> RestorePlan::make(const image::ImageT& image,
                                                       MemoryWish wish) {
  std::unique_ptr<RestorePlan> plan(new RestorePlan(image));
  const std::vector<proc::Mapping> ours =
      TRY(TRY(proc::ProcessDir::open(HostPid{::getpid()})).mapped_ranges());
  plan->layout = TRY(plan_layout(image, ours, zone_bytes_for(image)));
  if (plan->births.keepers().size() > Births::kKeepersMax)
    return Error(ErrorClass::corrupt, "the image has too many pid namespaces of other owners");
  plan->lazy = TRY(LazyMemory::choose(image, plan->births, wish));
  plan->zone.emplace(TRY(Zone::map(plan->layout)));
  plan->script = TRY(write_script(image, plan->layout, ours, plan->exe_fd, plan->files, plan->lazy,
                                  plan->late, plan->own_parts, plan->births, *plan->zone));
  return plan;
}

}  // namespace appshot
