#include "os/kernel_aio.h"

#include "os/kernel_files.h"
#include "os/kernel_per_cpu.h"

namespace appshot {
namespace {

constexpr uint32_t kContextsMax = 1 << 16;

class Reader {
 public:
  Reader(KernelView& kernel, std::vector<uint64_t> processors)
      : memory_(kernel.memory), at_(kernel.layout), processors_(std::move(processors)) {}

  Result<std::vector<AioContext>> all_of(uint64_t memory) {
    std::vector<AioContext> all;
    const auto table = TRY(memory_.read<uint64_t>(memory + at_.memory_contexts));
    if (table == 0) return all;
    const auto count = TRY(memory_.read<uint32_t>(table + at_.contexts_count));
    if (count > kContextsMax) return unexpected_memory("a table of contexts");
    for (uint64_t i = 0; i < count; ++i) {
      const auto context = TRY(memory_.read<uint64_t>(table + at_.contexts + i * sizeof(uint64_t)));
      if (context != 0) all.push_back(TRY(one(context)));
    }
    return all;
  }

 private:
  // Room that has been given out is in flight, or has ended and its event was not yet counted out.
  Result<AioContext> one(uint64_t context) {
    AioContext it;
    it.address = TRY(memory_.read<uint64_t>(context + at_.context_id));
    it.wanted = TRY(memory_.read<uint32_t>(context + at_.context_wanted));
    const uint64_t room = TRY(memory_.read<uint32_t>(context + at_.context_events)) - 1ULL;
    uint64_t left = TRY(memory_.read<uint32_t>(context + at_.context_available));
    left += TRY(memory_.read<uint32_t>(context + at_.context_completed));
    const auto each = TRY(memory_.read<uint64_t>(context + at_.context_each));
    for (const uint64_t processor : processors_)
      left += TRY(memory_.read<uint32_t>(each + processor + at_.each_available));
    it.in_flight = left < room ? room - left : 0;
    const uint64_t active = context + at_.context_active;  // an empty list leads to itself
    it.waits = TRY(memory_.read<uint64_t>(active)) != active;
    return it;
  }

  KernelMemory& memory_;
  const KernelLayout& at_;
  std::vector<uint64_t> processors_;
};

}  // namespace

Result<std::vector<AioContext>> aio_contexts(KernelView& kernel, int memory) {
  const KernelLayout& at = kernel.layout;
  for (const uint32_t place :
       {at.memory_contexts, at.contexts_count, at.contexts, at.context_id, at.context_wanted,
        at.context_events, at.context_available, at.context_completed, at.context_each,
        at.context_active, at.each_available, at.map_values})
    if (place == KernelLayout::kAbsent) return unexpected_memory("contexts for input and output");
  const uint64_t file = TRY(file_address(kernel, memory));
  const auto its = TRY(kernel.memory.read<uint64_t>(file + kernel.layout.file_private));
  return Reader(kernel, TRY(per_cpu_offsets(kernel))).all_of(its);
}

}  // namespace appshot
