#include "checkpoint/capture_undo.h"

#include <sys/syscall.h>

#include <algorithm>

#include "os/kcmp.h"
#include "resources/ipc/sem_undo.h"
#include "resources/namespaces.h"
#include "trace/injection.h"

namespace appshot {
namespace {

constexpr size_t kCallsAtOnce = 12;  // of the largest probes: what an injection has room for
constexpr int kLowest = -32768;
constexpr int kWide = 256;  // two rounds of this many find 16 bits

class UndoCapture {
 public:
  // What it has to undo is all in the IPC namespace that it lives in: leaving one undoes it.
  UndoCapture(image::ImageT& image, ProcessQuestions& process, int space)
      : image_(image), process_(process), space_(space) {}

  // Whether it has any.
  Result<bool> all_sets() {
    std::vector<Piece> pieces;
    for (auto& set : image_.sysv_sem) {
      if (set->space != space_) continue;
      for (size_t first = 0; first < set->values.size(); first += ipc::kProbesMax)
        pieces.push_back({set.get(), first, std::min(first + ipc::kProbesMax, set->values.size())});
    }
    bool any = false;
    for (size_t done = 0; done < pieces.size(); done += kCallsAtOnce / 2) {
      size_t end = std::min(done + kCallsAtOnce / 2, pieces.size());
      std::vector<Probe> probes;
      for (size_t i = done; i < end; ++i)
        for (bool above : {true, false})
          probes.push_back({pieces[i].set, operations(pieces[i], above)});
      std::vector<int64_t> results = TRY(perform(probes));
      for (size_t i = done; i < end; ++i) {
        const size_t at = 2 * (i - done);
        if (results[at] == -ERANGE || results[at + 1] == -ERANGE) any |= TRY(look_into(pieces[i]));
      }
    }
    return any;
  }

 private:
  struct Piece {
    image::SysvSemT* set;
    size_t first, end;
  };
  struct Probe {
    const image::SysvSemT* set;
    ipc::SemOperations operations;
  };

  static ipc::SemOperations operations(const Piece& piece, bool above) {
    ipc::SemOperations all;
    for (size_t i = piece.first; i < piece.end; ++i)
      (above ? ipc::probe_above : ipc::probe_below)(static_cast<uint16_t>(i), piece.set->values[i],
                                                    0, all);
    ipc::refuse_all(all);
    return all;
  }

  Result<bool> look_into(const Piece& piece) {
    bool any = false;
    for (size_t i = piece.first; i < piece.end; ++i) {
      auto semaphore = static_cast<uint16_t>(i);
      int base = kLowest + kWide * TRY(count_bounds(*piece.set, semaphore, kLowest, kWide));
      int adjustment = base + TRY(count_bounds(*piece.set, semaphore, base, 1));
      if (adjustment == 0) continue;
      piece.set->undo.emplace_back(semaphore, static_cast<int16_t>(adjustment),
                                   process_.source().id.value);
      any = true;
    }
    return any;
  }

  // How many of base + step, base + 2 * step … the adjustment reaches.
  Result<int> count_bounds(const image::SysvSemT& set, uint16_t semaphore, int base, int step) {
    std::vector<Probe> probes;
    for (int i = 1; i < kWide; ++i)
      probes.push_back(
          {&set, ipc::probe_at_least(semaphore, set.values[semaphore], base + i * step)});
    std::vector<int64_t> results = TRY(perform(probes));
    int reached = 0;
    for (int i = 1; i < kWide; ++i)
      reached += ipc::is_at_least(base + i * step, results[static_cast<size_t>(i - 1)]);
    return reached;
  }

  Result<std::vector<int64_t>> perform(const std::vector<Probe>& probes) {
    CallList calls;
    DataSpace data = process_.new_data();
    for (const Probe& probe : probes) {
      const ipc::SemOperations& list = probe.operations;
      uint64_t at = data.put(list.data(), list.size() * sizeof(sembuf));
      calls.add_may_fail(SYS_semop, probe.set->permissions->id, at, list.size());
    }
    TRY(process_.perform(calls, data));
    std::vector<int64_t> results;
    for (size_t i = 0; i < probes.size(); ++i) results.push_back(calls.result(i));
    return results;
  }

  image::ImageT& image_;
  ProcessQuestions& process_;
  const int space_;
};

}  // namespace

Result<> capture_sem_undo(CaptureContext& context,
                          const std::vector<std::unique_ptr<ProcessQuestions>>& processes) {
  if (context.image.sysv_sem.empty()) return {};
  std::vector<const ProcessSource*> with_undo;
  for (const auto& process : processes) {
    const ProcessSource& source = process->source();
    UndoCapture undo(context.image, *process,
                     namespaces::space_of(context.image, process->record(), "ipc"));
    if (!TRY(undo.all_sets().within(source.words()))) continue;
    for (const ProcessSource* other : with_undo)
      if (share(other->host, source.host, SharedPart::sem_undo))
        context.obstacles.add(source.words() +
                                  " shares what its end will undo on semaphores with " +
                                  other->words() + " (CLONE_SYSVSEM)",
                              "give the semaphores back first");
    with_undo.push_back(&source);
  }
  return {};
}

}  // namespace appshot
