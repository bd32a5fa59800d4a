#include "checkpoint/waiting_threads.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>

#include "os/file.h"
#include "os/kernel_thread.h"
#include "os/proc/timer_list.h"
#include "resources/credentials/credentials.h"
#include "resources/timers/timers.h"

namespace appshot::waiting {
namespace {

constexpr int64_t kSecond = 1'000'000'000, kMicrosecond = 1000;
constexpr uint64_t kRobustListBytes = 24;       // struct robust_list_head
constexpr uint64_t kKernelsOwnMark = 0x800000;  // of an action's flags: not told to anyone
constexpr int kAltStackMarks = static_cast<int>(1U << 31);  // SS_AUTODISARM
constexpr const char* kWaitUntilItStarts = "wait until its child has started a program";

bool may_wait(FrozenProcess& process) {
  return std::ranges::any_of(process.threads,
                             [](const FrozenThread& thread) { return !thread.tracee.is_held(); });
}

std::vector<std::unique_ptr<image::QueuedSignalT>> queued(const std::vector<siginfo_t>& infos) {
  std::vector<std::unique_ptr<image::QueuedSignalT>> all;
  for (const siginfo_t& info : infos) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&info);
    all.push_back(std::make_unique<image::QueuedSignalT>());
    all.back()->info.assign(bytes, bytes + sizeof info);
  }
  return all;
}

image::Time time_of(int64_t ns) {
  ns = ns / kMicrosecond * kMicrosecond;  // as getitimer tells it
  return image::Time(ns / kSecond, ns % kSecond);
}

class Waiting {
 public:
  Waiting(CaptureContext& context, FrozenApplication& frozen,
          const std::vector<ProcessSource>& sources, KernelView kernel)
      : context_(context), frozen_(frozen), sources_(sources), kernel_(std::move(kernel)) {}

  Result<> complete_threads(size_t index) {
    const FrozenProcess& process = frozen_.processes()[index];
    const image::ProcessT& record = *context_.image.processes[index];
    for (size_t i = 0; i < process.threads.size(); ++i)
      if (!process.threads[i].tracee.is_held())
        TRY(complete_thread(index, i).within("thread " + std::to_string(record.threads[i]->tid)));
    return {};
  }

  // When all threads are.
  Result<> complete_process(size_t index) {
    if (frozen_.processes()[index].held() != nullptr) return {};
    image::ProcessT& record = *context_.image.processes[index];
    const uint64_t task = TRY(task_of(sources_[index].dir, frozen_.processes()[index].any()));
    const KernelProcess process = TRY(describe_process(kernel_, task));
    for (const KernelProcess::Action& action : process.actions)
      record.actions.emplace_back(action.handler, action.flags & ~kKernelsOwnMark, action.restorer,
                                  action.mask);
    record.pending = queued(process.pending);
    record.subreaper = process.subreaper;
    record.memory_error_policy = !process.decides_on_memory_errors ? PR_MCE_KILL_DEFAULT
                                 : process.killed_early            ? PR_MCE_KILL_EARLY
                                                                   : PR_MCE_KILL_LATE;
    TRY(complete_timers(process, record));
    TRY(complete_descriptors(task, record));
    TRY(find_continued(index, record));
    TRY(find_obstacles_of(index, process));
    if (const image::ProcessT* other = asked_of_memory(record)) complete_memory(*other, record);
    return {};
  }

 private:
  Result<uint64_t> task_of(const proc::ProcessDir& dir, HostPid tid) {
    UniqueFd folder(::openat(dir.folder(), ("task/" + std::to_string(tid.value)).c_str(),
                             O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return Error::from_errno(errno, "the folder of a thread in /proc");
    return task_address(kernel_, folder.get());
  }

  // -1: none of the application's.
  Result<int> find_awaited(size_t index, uint64_t task) {
    for (size_t i = 0; i < sources_.size(); ++i) {
      const FrozenProcess& child = frozen_.processes()[i];
      if (sources_[i].stat.parent != frozen_.processes()[index].pid.value) continue;
      if (TRY(waits_for_start_of(kernel_, task, TRY(task_of(child.dir, child.pid)))))
        return static_cast<int>(i);
    }
    return -1;
  }

  // Any other thread's; as long as all of them have the same features it does not matter whose.
  std::span<const uint8_t> some_xstate() const {
    for (const auto& process : context_.image.processes)
      for (const auto& thread : process->threads)
        if (!thread->xstate.empty()) return thread->xstate;
    return {};
  }

  void refuse(size_t index, const std::string& why) {
    context_.obstacles.add(
        sources_[index].words() +
            " waits for a process that it has made to start a program (vfork), " + why,
        kWaitUntilItStarts);
  }

  Result<> complete_thread(size_t index, size_t number) {
    const FrozenThread& frozen = frozen_.processes()[index].threads[number];
    image::ThreadT& record = *context_.image.processes[index]->threads[number];
    const uint64_t task = TRY(task_of(sources_[index].dir, frozen.tracee.tid()));
    const int awaited = TRY(find_awaited(index, task));
    if (awaited < 0)
      refuse(index, "which is not its child");
    else if (!sources_[static_cast<size_t>(awaited)].shared.memory)
      refuse(index, "which does not share its memory");
    else
      record.awaited = context_.image.processes[static_cast<size_t>(awaited)]->pid;

    const KernelThread thread = TRY(describe_thread(kernel_, task, some_xstate()));
    const proc::Fields status = TRY(sources_[index].dir.status_of_thread(frozen.tracee.tid()));
    const auto* registers = reinterpret_cast<const uint8_t*>(&thread.registers);
    record.registers.assign(registers, registers + sizeof thread.registers);
    record.xstate = thread.xstate;
    if (thread.has_breakpoints) refuse(index, "and has breakpoints in its debug registers");
    record.blocked = thread.blocked;
    record.name = TRY(sources_[index].dir.stat_of_thread(frozen.tracee.tid())).name;
    record.rseq =
        std::make_unique<image::Rseq>(thread.rseq, thread.rseq_length, thread.rseq_signature, 0);
    const int marks =
        thread.alt_stack_size == 0 ? SS_DISABLE : thread.alt_stack_flags & kAltStackMarks;
    record.alt_stack =
        std::make_unique<image::AltStack>(thread.alt_stack, marks, thread.alt_stack_size);
    record.clear_child_tid = thread.clear_child_tid;
    record.robust_list = thread.robust_list;
    record.robust_list_length = kRobustListBytes;
    record.parent_death_signal = thread.death_signal;
    record.pending = queued(thread.pending);
    record.credentials = credentials::describe(status, thread.securebits);
    record.seccomp_mode = static_cast<int>(proc::field_number(status, "Seccomp"));
    for (const KernelThread::Filter& filter : thread.filters) {
      record.filters.push_back(std::make_unique<image::SeccompFilterT>());
      record.filters.back()->instructions = filter.instructions;
      record.filters.back()->flags = filter.logs ? SECCOMP_FILTER_FLAG_LOG : 0;
    }
    return {};
  }

  // Of those that share its memory one that has been asked about it.
  const image::ProcessT* asked_of_memory(const image::ProcessT& process) const {
    for (size_t i = 0; i < sources_.size(); ++i) {
      const image::ProcessT& other = *context_.image.processes[i];
      if (other.pid != process.threads.front()->awaited) continue;
      return frozen_.processes()[i].held() != nullptr ? &other : asked_of_memory(other);
    }
    return nullptr;
  }

  static void complete_memory(const image::ProcessT& other, image::ProcessT& record) {
    record.dumpable = other.dumpable;
    record.memory_barriers = other.memory_barriers;
    record.deny_write_execute = other.deny_write_execute;
    record.address_space->thp_disabled = other.address_space->thp_disabled;
    record.address_space->future = other.address_space->future;
    record.address_space->marks =
        std::make_unique<image::AddressMarks>(*other.address_space->marks);
  }

  Result<> find_obstacles_of(size_t index, const KernelProcess& process) {
    if (process.has_processor_timers) refuse(index, "and has a timer of processor time");
    if (process.has_undo) refuse(index, "and has something to undo on semaphores (SEM_UNDO)");
    if (process.stops) refuse(index, "and is stopped");
    for (const siginfo_t& info : process.pending)
      if (info.si_signo == SIGSTOP) refuse(index, "and is about to stop");
    for (const auto& queue : context_.image.message_queues)
      if (queue->notify_pid == context_.image.processes[index]->pid)
        refuse(index, "and to be notified by message queue " + queue->name);
    if (!timers::parse_posix_timers(TRY(sources_[index].dir.read("timers"))).empty())
      refuse(index, "and has timers (timer_create)");
    return {};
  }

  Result<> complete_timers(const KernelProcess& process, image::ProcessT& record) {
    int64_t left = 0;
    if (process.timer_end_ns >= 0)
      left = std::max(kMicrosecond, process.timer_end_ns - TRY(proc::wakeups()).now_ns);
    record.interval_timers.emplace_back(time_of(left), time_of(process.timer_again_ns));
    for (int i = 1; i < 3; ++i) record.interval_timers.emplace_back(time_of(0), time_of(0));
    return {};
  }

  Result<> complete_descriptors(uint64_t task, image::ProcessT& record) {
    for (auto& descriptor : record.descriptors)
      descriptor->close_on_exec = TRY(is_closed_on_exec(kernel_, task, descriptor->fd));
    return {};
  }

  Result<> find_continued(size_t index, image::ProcessT& record) {
    for (size_t i = 0; i < sources_.size(); ++i) {
      const FrozenProcess& child = frozen_.processes()[i];
      if (sources_[i].stat.parent != frozen_.processes()[index].pid.value) continue;
      const uint64_t task = TRY(task_of(child.dir, child.pid));
      if (TRY(describe_process(kernel_, task)).has_continued)
        record.continued_children.push_back(child.id.value);
    }
    return {};
  }

  CaptureContext& context_;
  FrozenApplication& frozen_;
  const std::vector<ProcessSource>& sources_;
  KernelView kernel_;
};

}  // namespace

bool can_be_read(const InstanceView& instance) {
  Result<KernelView> kernel = KernelView::open(instance.kernel_layout);
  return kernel && kernel->layout.threads.known;
}

Result<> complete(CaptureContext& context, FrozenApplication& frozen,
                  const std::vector<ProcessSource>& sources) {
  std::vector<FrozenProcess>& processes = frozen.processes();
  if (std::ranges::none_of(processes, may_wait)) return {};
  Waiting waiting(context, frozen, sources, TRY(KernelView::open(context.instance.kernel_layout)));
  for (size_t i = 0; i < processes.size(); ++i)
    TRY(waiting.complete_threads(i).within(sources[i].words()));
  for (size_t i = 0; i < processes.size(); ++i)
    TRY(waiting.complete_process(i).within(sources[i].words()));
  return {};
}

}  // namespace appshot::waiting
