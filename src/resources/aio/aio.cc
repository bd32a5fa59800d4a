#include "resources/aio/aio.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "os/file.h"
#include "os/kernel_aio.h"

namespace appshot::aio {
namespace {

// Of what stands at the beginning of a ring (struct aio_ring of the kernel).
struct RingHead {
  uint32_t id, count, head, tail;
};

// The memory in which the kernel and a program share what has ended.
bool is_ring(const proc::Mapping& mapping) { return mapping.name.starts_with("/[aio]"); }

Result<UniqueFd> memory_of(const ProcessSource& process) {
  return open_file("/proc/" + std::to_string(process.host.value) + "/mem", O_RDONLY | O_CLOEXEC);
}

const AioContext* context_at(const std::vector<AioContext>& contexts, uint64_t address) {
  auto found = std::ranges::find(contexts, address, &AioContext::address);
  return found == contexts.end() ? nullptr : &*found;
}

Result<bool> has_news(int memory, uint64_t ring) {
  RingHead head{};
  const ssize_t got = TRY_SYS(::pread(memory, &head, sizeof head, static_cast<off_t>(ring)));
  return got == sizeof head && head.head != head.tail;
}

Result<> find_in(KernelView& kernel, const ProcessSource& process, Obstacles& obstacles) {
  const UniqueFd memory = TRY(memory_of(process));
  const std::vector<AioContext> contexts = TRY(aio_contexts(kernel, memory.get()));
  for (const proc::Mapping& mapping : process.mappings) {
    if (!is_ring(mapping)) continue;
    const std::string words =
        process.words() + " has a context for asynchronous input and output (io_setup) ";
    const AioContext* context = context_at(contexts, mapping.start);
    if (context == nullptr)
      obstacles.add(words + "that it has from its parent and cannot use",
                    "let it unmap the memory of the context");
    else if (context->in_flight != 0)
      obstacles.add_passing(words + "with requests that have not ended", "try again");
    else if (TRY(has_news(memory.get(), mapping.start)))
      obstacles.add_passing(words + "with events that it has not taken", "let it take them");
  }
  return {};
}

}  // namespace

Result<> find_obstacles(const InstanceView& instance, const std::vector<ProcessSource>& processes,
                        Obstacles& obstacles) {
  std::optional<Result<KernelView>> kernel;
  for (const ProcessSource& process : processes) {
    if (process.shared.memory || !std::ranges::any_of(process.mappings, is_ring)) continue;
    if (!kernel) kernel.emplace(KernelView::open(instance.kernel_layout));
    Result<> looked =
        *kernel ? find_in(**kernel, process, obstacles) : Result<>(Error(kernel->error()));
    if (looked || looked.error().cls() == ErrorClass::gone) continue;
    obstacles.add(process.words() + " has a context for asynchronous input and output (io_setup; " +
                      looked.error().message() + ")",
                  "let it destroy the context (io_destroy)");
  }
  return {};
}

Result<> capture(const InstanceView& instance, const ProcessSource& process,
                 image::AddressSpaceT& space) {
  if (process.shared.memory || !std::ranges::any_of(process.mappings, is_ring)) return {};
  KernelView kernel = TRY(KernelView::open(instance.kernel_layout));
  const UniqueFd memory = TRY(memory_of(process));
  const std::vector<AioContext> contexts = TRY(aio_contexts(kernel, memory.get()));
  for (const auto& mapping : space.mappings) {
    if (mapping->kind != image::MappingKind::aio_ring) continue;
    const AioContext* context = context_at(contexts, mapping->start);
    if (context == nullptr)
      return Error(ErrorClass::refused, "a context for asynchronous input and output has gone");
    mapping->aio_events = context->wanted;
  }
  return {};
}

}  // namespace appshot::aio
