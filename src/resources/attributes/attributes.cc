#include "resources/attributes/attributes.h"

#include <fcntl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "os/file.h"

namespace appshot::attributes {
namespace {

// Younger than our headers.
constexpr int kReadSegments = 0;
constexpr int kGetRegistrations = 1 << 9;
constexpr int kPrSetMdwe = 65, kPrGetMdwe = 66;

}  // namespace

void Questions::ask(CallList& calls, DataSpace& data) {
  subreaper_ = data.reserve(sizeof(int));
  dumpable_ = calls.add(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
  thp_ = calls.add(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0);
  calls.add(SYS_prctl, PR_GET_CHILD_SUBREAPER, subreaper_, 0, 0, 0);
  memory_errors_ = calls.add(SYS_prctl, PR_MCE_KILL_GET, 0, 0, 0, 0);
  brk_ = calls.add(SYS_brk, 0);
  segments_ = calls.add_may_fail(SYS_modify_ldt, kReadSegments, data.reserve(sizeof(uint64_t)),
                                 sizeof(uint64_t));
  // Kernels before 6.3 know neither; then there is nothing to keep or nobody who tells.
  barriers_ = calls.add_may_fail(SYS_membarrier, kGetRegistrations, 0, 0);
  deny_write_execute_ = calls.add_may_fail(SYS_prctl, kPrGetMdwe, 0, 0, 0, 0);
}

void Questions::collect(const CallList& calls, const DataSpace& data, const ProcessSource& source,
                        image::ProcessT& process, Obstacles& obstacles) const {
  if (static_cast<int>(calls.result(segments_)) > 0)
    obstacles.add(source.words() + " has memory segments of its own (modify_ldt)");
  process.dumpable = static_cast<int>(calls.result(dumpable_));
  int subreaper;
  std::memcpy(&subreaper, data.here(subreaper_), sizeof subreaper);
  process.subreaper = subreaper != 0;
  process.memory_error_policy = static_cast<int>(calls.result(memory_errors_));
  process.address_space->thp_disabled = calls.result(thp_) != 0;
  process.memory_barriers = static_cast<uint64_t>(std::max<int64_t>(0, calls.result(barriers_)));
  process.deny_write_execute =
      static_cast<uint64_t>(std::max<int64_t>(0, calls.result(deny_write_execute_)));
  const image::AddressMarks m = *process.address_space->marks;
  *process.address_space->marks =
      image::AddressMarks(m.start_code(), m.end_code(), m.start_data(), m.end_data(), m.start_brk(),
                          static_cast<uint64_t>(calls.result(brk_)), m.start_stack(), m.arg_start(),
                          m.arg_end(), m.env_start(), m.env_end());
}

Result<> capture(const ProcessSource& source, image::ProcessT& process) {
  process.umask = static_cast<uint32_t>(proc::field_number(source.status, "Umask", 8));
  process.personality = std::strtoull(TRY(source.dir.record("personality")).c_str(), nullptr, 16);
  process.oom_score_adj = std::atoi(TRY(source.dir.record("oom_score_adj")).c_str());
  return {};
}

Result<> apply_child(const image::ProcessT& process) {
  ::umask(process.umask);
  TRY_SYS(::personality(process.personality));
  Result<> written = write_file("/proc/self/oom_score_adj", std::to_string(process.oom_score_adj));
  // Below what it was born with needs CAP_SYS_RESOURCE; a process that is killed a little earlier
  // than before is better than one that is not restored.
  if (!written && written.error().err() != EACCES) return written;
  return {};
}

void plan(const image::ProcessT& process, CallList& calls) {
  if (process.subreaper) calls.add(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  calls.add(SYS_prctl, PR_MCE_KILL, PR_MCE_KILL_SET, process.memory_error_policy, 0, 0);
  if (process.address_space->thp_disabled) calls.add(SYS_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0);
  for (uint64_t command = 1; command != 0; command <<= 1)
    if ((process.memory_barriers & command) != 0) calls.add(SYS_membarrier, command, 0, 0);
  if (process.deny_write_execute != 0)
    calls.add(SYS_prctl, kPrSetMdwe, process.deny_write_execute, 0, 0, 0);
}

void plan_dumpable(const image::ProcessT& process, CallList& calls) {
  // 2 (readable by root only) can only be had by changing credentials, which has happened.
  if (process.dumpable != 2) calls.add(SYS_prctl, PR_SET_DUMPABLE, process.dumpable, 0, 0, 0);
}

}  // namespace appshot::attributes
