#include "resources/aio/aio.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/deadline.h"
#include "os/file.h"
#include "os/kernel_aio.h"

namespace appshot::aio {
namespace {

constexpr std::chrono::milliseconds kEndMax{50};

// What stands at the beginning of a ring (struct aio_ring of the kernel); events follow.
struct RingHead {
  uint32_t id, count, head, tail, magic, compatible, incompatible, length;
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

Result<> read_at(int memory, uint64_t address, void* into, size_t length) {
  const ssize_t got = TRY_SYS(::pread(memory, into, length, static_cast<off_t>(address)));
  if (static_cast<size_t>(got) == length) return {};
  return Error(ErrorClass::gone, "the memory of a context for asynchronous input and output");
}

Result<std::vector<uint8_t>> ended_in(int memory, uint64_t ring) {
  RingHead head{};
  TRY(read_at(memory, ring, &head, sizeof head));
  if (head.length != sizeof head || head.head >= head.count || head.tail >= head.count)
    return Error(ErrorClass::refused,
                 "the ring of a context for asynchronous input and output is not as it should be");
  std::vector<uint8_t> events;
  for (uint32_t at = head.head; at != head.tail; at = (at + 1) % head.count) {
    io_event event{};
    TRY(read_at(memory, ring + sizeof head + at * sizeof event, &event, sizeof event));
    const auto* bytes = reinterpret_cast<const uint8_t*>(&event);
    events.insert(events.end(), bytes, bytes + sizeof event);
  }
  return events;
}

bool some_may_end_soon(const std::vector<AioContext>& contexts) {
  return std::ranges::any_of(contexts,
                             [](const AioContext& it) { return it.in_flight != 0 && !it.waits; });
}

// Nothing is asked for meanwhile.
Result<std::vector<AioContext>> settled(KernelView& kernel, int memory) {
  const Deadline deadline = Deadline::in(kEndMax);
  for (;;) {
    std::vector<AioContext> contexts = TRY(aio_contexts(kernel, memory));
    if (!some_may_end_soon(contexts) || deadline.passed()) return contexts;
    ::poll(nullptr, 0, 1);
  }
}

Result<> find_in(KernelView& kernel, const ProcessSource& process, Moment moment,
                 Obstacles& obstacles) {
  const UniqueFd memory = TRY(memory_of(process));
  const bool is_frozen = moment == Moment::frozen;
  const std::vector<AioContext> contexts =
      TRY(is_frozen ? settled(kernel, memory.get()) : aio_contexts(kernel, memory.get()));
  for (const proc::Mapping& mapping : process.mappings) {
    if (!is_ring(mapping)) continue;
    const std::string words =
        process.words() + " has a context for asynchronous input and output (io_setup) ";
    const AioContext* context = context_at(contexts, mapping.start);
    if (context == nullptr)
      obstacles.add(words + "that it has from its parent and cannot use",
                    "let it unmap the memory of the context");
    else if (context->waits)
      obstacles.add_passing(
          words + "with requests that wait for something to happen (IOCB_CMD_POLL)",
          "let them end");
    else if (is_frozen && context->in_flight != 0)
      obstacles.add_passing(words + "with requests that do not end", "try again");
  }
  return {};
}

}  // namespace

Result<> find_obstacles(const InstanceView& instance, const std::vector<ProcessSource>& processes,
                        Moment moment, Obstacles& obstacles) {
  std::optional<Result<KernelView>> kernel;
  for (const ProcessSource& process : processes) {
    if (process.shared.memory || !std::ranges::any_of(process.mappings, is_ring)) continue;
    if (!kernel) kernel.emplace(KernelView::open(instance.kernel_layout));
    Result<> looked =
        *kernel ? find_in(**kernel, process, moment, obstacles) : Result<>(Error(kernel->error()));
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
    mapping->aio_ended = TRY(ended_in(memory.get(), mapping->start));
  }
  return {};
}

}  // namespace appshot::aio
