// How the kernel keeps what belongs to a thread and to its process. A part of KernelLayout, and as
// little to be relied on: where anything of it is not found, all of it is absent.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "os/kernel_types.h"

namespace appshot {

// Offsets in bytes, "structure.member"; a "bit" is counted in bits.
struct KernelThreadLayout {
  bool known = false;

  uint32_t task_vfork_done, task_blocked, task_pending, task_alt_stack, task_alt_stack_size,
      task_alt_stack_flags, task_clear_child_tid, task_robust_list, task_death_signal, task_rseq,
      task_rseq_length, task_rseq_signature, task_cred, task_filter, task_flags, task_signal,
      task_actions, task_undo;
  uint32_t thread_fs_base, thread_gs_base, thread_fs, thread_gs, thread_ds, thread_es,
      thread_breakpoints, thread_pkru;
  uint32_t task_fpu;  // struct fpu
  uint32_t fpu_state, fpstate_features, fpstate_registers;
  uint32_t pending_list, queued_list, queued_info, info_size;
  uint32_t actions, action_size;
  uint32_t signal_pending, signal_flags, signal_stop_count, signal_subreaper_bit, signal_timer,
      signal_timer_expires, signal_timer_state, signal_timer_again, signal_processor_timers;
  uint32_t cred_securebits, table_closed_on_exec, undo_list;
  uint32_t filter_before, filter_program, filter_logs, program_original, original_length,
      original_instructions;

  // `types` must know of kStructures.
  static KernelThreadLayout find(const KernelTypes& types);
  static std::span<const std::string_view> structures();
};

}  // namespace appshot
