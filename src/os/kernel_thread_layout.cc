#include "os/kernel_thread_layout.h"

namespace appshot {
namespace {

using Layout = KernelThreadLayout;

struct Wanted {
  uint32_t Layout::*into;
  std::string_view structure, member;
};

constexpr Wanted kWanted[] = {
    {&Layout::task_vfork_done, "task_struct", "vfork_done"},
    {&Layout::task_blocked, "task_struct", "blocked"},
    {&Layout::task_pending, "task_struct", "pending"},
    {&Layout::task_alt_stack, "task_struct", "sas_ss_sp"},
    {&Layout::task_alt_stack_size, "task_struct", "sas_ss_size"},
    {&Layout::task_alt_stack_flags, "task_struct", "sas_ss_flags"},
    {&Layout::task_clear_child_tid, "task_struct", "clear_child_tid"},
    {&Layout::task_robust_list, "task_struct", "robust_list"},
    {&Layout::task_death_signal, "task_struct", "pdeath_signal"},
    {&Layout::task_rseq, "task_struct", "rseq"},
    {&Layout::task_rseq_length, "task_struct", "rseq_len"},
    {&Layout::task_rseq_signature, "task_struct", "rseq_sig"},
    {&Layout::task_cred, "task_struct", "cred"},
    {&Layout::task_filter, "task_struct", "seccomp.filter"},
    {&Layout::task_flags, "task_struct", "flags"},
    {&Layout::task_signal, "task_struct", "signal"},
    {&Layout::task_actions, "task_struct", "sighand"},
    {&Layout::task_undo, "task_struct", "sysvsem.undo_list"},
    {&Layout::thread_fs_base, "task_struct", "thread.fsbase"},
    {&Layout::thread_gs_base, "task_struct", "thread.gsbase"},
    {&Layout::thread_fs, "task_struct", "thread.fsindex"},
    {&Layout::thread_gs, "task_struct", "thread.gsindex"},
    {&Layout::thread_ds, "task_struct", "thread.ds"},
    {&Layout::thread_es, "task_struct", "thread.es"},
    {&Layout::thread_breakpoints, "task_struct", "thread.ptrace_bps"},
    {&Layout::thread_pkru, "task_struct", "thread.pkru"},
    {&Layout::fpu_state, "fpu", "fpstate"},
    {&Layout::fpstate_features, "fpstate", "user_xfeatures"},
    {&Layout::fpstate_registers, "fpstate", "regs"},
    {&Layout::pending_list, "sigpending", "list"},
    {&Layout::queued_list, "sigqueue", "list"},
    {&Layout::queued_info, "sigqueue", "info"},
    {&Layout::actions, "sighand_struct", "action"},
    {&Layout::signal_pending, "signal_struct", "shared_pending"},
    {&Layout::signal_flags, "signal_struct", "flags"},
    {&Layout::signal_stop_count, "signal_struct", "group_stop_count"},
    {&Layout::signal_timer, "signal_struct", "real_timer"},
    {&Layout::signal_timer_expires, "hrtimer", "node.expires"},
    {&Layout::signal_timer_state, "hrtimer", "state"},
    {&Layout::signal_timer_again, "signal_struct", "it_real_incr"},
    {&Layout::signal_processor_timers, "signal_struct", "it"},
    {&Layout::cred_securebits, "cred", "securebits"},
    {&Layout::undo_list, "sem_undo_list", "list_proc"},
    {&Layout::table_closed_on_exec, "fdtable", "close_on_exec"},
    {&Layout::filter_before, "seccomp_filter", "prev"},
    {&Layout::filter_program, "seccomp_filter", "prog"},
    {&Layout::filter_logs, "seccomp_filter", "log"},
    {&Layout::program_original, "bpf_prog", "orig_prog"},
    {&Layout::original_length, "sock_fprog_kern", "len"},
    {&Layout::original_instructions, "sock_fprog_kern", "filter"},
};

constexpr std::string_view kStructures[] = {"task_struct",    "fpu",
                                            "fpstate",        "sigpending",
                                            "sigqueue",       "kernel_siginfo",
                                            "sighand_struct", "k_sigaction",
                                            "signal_struct",  "hrtimer",
                                            "cred",           "seccomp_filter",
                                            "bpf_prog",       "sock_fprog_kern",
                                            "fdtable",        "sem_undo_list"};

Result<Layout> find_all(const KernelTypes& types) {
  Layout layout{};
  for (const Wanted& wanted : kWanted)
    layout.*wanted.into = TRY(types.offset_of(wanted.structure, wanted.member));
  layout.signal_subreaper_bit = TRY(types.bit_of("signal_struct", "is_child_subreaper"));
  layout.info_size = TRY(types.size_of("kernel_siginfo"));
  layout.action_size = TRY(types.size_of("k_sigaction"));
  // Since 6.16 it lies behind the structure, no longer in it.
  layout.task_fpu = types.has("task_struct", "thread.fpu")
                        ? TRY(types.offset_of("task_struct", "thread.fpu"))
                        : TRY(types.size_of("task_struct"));
  layout.known = true;
  return layout;
}

}  // namespace

KernelThreadLayout KernelThreadLayout::find(const KernelTypes& types) {
  return find_all(types).value_or(KernelThreadLayout{});
}

std::span<const std::string_view> KernelThreadLayout::structures() { return kStructures; }

}  // namespace appshot
