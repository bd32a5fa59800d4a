#include "checkpoint/capture_process.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "isolation/clocks.h"
#include "os/file.h"
#include "resources/attributes/attributes.h"
#include "resources/credentials/credentials.h"
#include "resources/file_names.h"
#include "resources/limits/limits.h"
#include "resources/memory/capture_memory.h"
#include "resources/mqueue/notification.h"
#include "resources/scheduling/scheduling.h"
#include "resources/seccomp/seccomp.h"
#include "resources/signals/signals.h"
#include "resources/threads/threads.h"
#include "resources/timers/fired_meanwhile.h"
#include "resources/timers/timers.h"
#include "trace/injection.h"

namespace appshot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

class ProcessCapture {
 public:
  ProcessCapture(CaptureContext& context, FrozenProcess& frozen, const ProcessSource& source,
                 Deadline deadline)
      : context_(context),
        frozen_(frozen),
        source_(source),
        deadline_(deadline),
        record_(std::make_unique<image::ProcessT>()) {}

  Result<> identity() {
    leader_ = TRY(frozen_.dir.stat());
    record_->pid = frozen_.id.value;
    record_->group = proc::innermost(source_.status, "NSpgid");
    record_->session = proc::innermost(source_.status, "NSsid");
    record_->name = frozen_.leader_exited ? leader_.name : source_.stat.name;
    record_->exit_signal = source_.stat.exit_signal;
    record_->stop_signal = frozen_.stop_signal;
    if (frozen_.stop_signal != 0) {
      record_->state = image::ProcessState::stopped;
      // The kernel keeps the signal here until the parent has been told by wait.
      record_->stop_reported = leader_.exit_code == 0;
    }
    if (frozen_.leader_exited) {
      record_->state = image::ProcessState::leader_exited;
      record_->exit_status = leader_.exit_code;
    }
    return {};
  }

  // Seen from outside, the process standing still.
  Result<> threads() {
    for (FrozenThread& frozen : frozen_.threads) {
      auto thread = std::make_unique<image::ThreadT>();
      thread->tid = frozen.id.value;
      HostPid tid = frozen.tracee.tid();
      proc::Stat stat = TRY(source_.dir.stat_of_thread(tid));
      TRY(threads::capture(frozen.tracee, stat, *thread));
      if (frozen.call) thread->waiting = TRY(waiting(*frozen.call, frozen.end_ns));
      thread->scheduling = TRY(scheduling::capture(tid));
      TRY(seccomp::capture(frozen.tracee, TRY(source_.dir.status_of_thread(tid)), *thread));
      record_->threads.push_back(std::move(thread));
    }
    return waiting_signals();
  }

  Result<> waiting_signals() {
    for (size_t i = 0; i < frozen_.threads.size(); ++i)
      record_->threads[i]->pending =
          TRY(signals::capture_pending(frozen_.threads[i].tracee, false));
    record_->pending = TRY(signals::capture_pending(frozen_.any(), true));
    return {};
  }

  Result<> surroundings() {
    record_->limits = limits::parse(TRY(source_.dir.read("limits")));
    TRY(attributes::capture(source_, *record_));
    record_->cwd = TRY(folder("cwd"));
    record_->root = TRY(folder("root"));
    return {};
  }

  Result<> memory(const RemoteMemory& remote) {
    record_->address_space = TRY(memory::capture(context_, source_, remote));
    return {};
  }

  // Told by the process itself, in one batch, and by each further thread in another.
  Result<> questions(const RemoteMemory& remote) {
    const proc::Mapping* vdso = source_.mapping_named("[vdso]");
    if (vdso == nullptr)
      return Error(
          ErrorClass::refused,
          source_.words() + " has no vdso, without which it cannot be asked about its state");
    Injection injection =
        TRY(Injection::begin(frozen_.any(), remote, vdso->start, vdso->length(), deadline_));
    TRY(waiting_signals());  // much may have come while memory was read
    timers::FiredTimers before = timers::FiredTimers::among(*record_);
    Result<> asked = look_at_future_memory(injection);
    if (asked) asked = ask_process(injection);
    for (size_t i = 1; asked && i < frozen_.threads.size(); ++i) asked = ask_thread(injection, i);
    if (asked) asked = ask_notifications(injection);
    TRY(injection.end(frozen_.any(), deadline_));
    TRY(asked);
    TRY(waiting_signals());
    timers::settle_fired(*record_, before);
    return {};
  }

  std::unique_ptr<image::ProcessT> take() { return std::move(record_); }

 private:
  // The end as the application's own clock will show it, however long it sleeps as an image.
  Result<std::unique_ptr<image::WaitingT>> waiting(const TimedCall& call,
                                                   const std::optional<int64_t>& end_ns) {
    auto waiting = std::make_unique<image::WaitingT>();
    waiting->syscall = call.number;
    waiting->args.assign(call.args.begin(), call.args.end());
    if (!end_ns) return waiting;
    const int64_t end = *end_ns + nanoseconds(TRY(clocks_of(context_.instance.init)).monotonic) -
                        nanoseconds(clocks_now().monotonic);
    waiting->end = std::make_unique<image::Time>(end / kSecond, end % kSecond);
    return waiting;
  }

  uint64_t pending_for(size_t thread) const {
    uint64_t pending = proc::field_number(source_.status, "ShdPnd", 16);
    for (const auto& signal : record_->threads[thread]->pending)
      pending |= 1ULL << (signal->info[0] - 1);
    return pending;
  }

  InjectionTarget target(size_t thread, uint64_t avoid = 0) {
    auto mask = [&](const char* key) { return proc::field_number(source_.status, key, 16); };
    uint64_t pending = pending_for(thread) | avoid;
    int done = pick_completion_signal(mask("SigIgn"), mask("SigCgt"), pending);
    return {frozen_.threads[thread].tracee, frozen_.id, frozen_.threads[thread].id, done};
  }

  // Memory that we have just mapped is locked if all that is mapped is to be.
  Result<> look_at_future_memory(const Injection& injection) {
    if (proc::field_number(source_.status, "VmLck") == 0) return {};
    for (const proc::Mapping& mapping : TRY(source_.dir.mappings())) {
      if (mapping.start > injection.area() || mapping.end <= injection.area()) continue;
      if ((mapping.vm_flags & proc::VmFlag::kLockOnFault) != 0)
        record_->address_space->future = image::FutureMemory::locked_on_fault;
      else if ((mapping.vm_flags & proc::VmFlag::kLocked) != 0)
        record_->address_space->future = image::FutureMemory::locked;
    }
    return {};
  }

  Result<> ask_process(Injection& injection) {
    CallList calls;
    DataSpace data = injection.new_data();
    signals::ActionQuestions actions;
    timers::Questions timers;
    attributes::Questions attributes;
    threads::Questions thread;
    credentials::Questions credentials;
    actions.ask(calls, data);
    timers.ask(TRY(posix_timers()), calls, data);
    attributes.ask(calls, data);
    thread.ask(calls, data);
    credentials.ask(calls);
    TRY(injection.perform(target(0), calls, data, deadline_));
    actions.collect(data, *record_);
    TRY(timers.collect(calls, data, *record_));
    attributes.collect(calls, data, *record_);
    thread.collect(data, *record_->threads[0]);
    record_->threads[0]->credentials = credentials.collect(
        calls, TRY(source_.dir.status_of_thread(frozen_.threads[0].tracee.tid())));
    return {};
  }

  // The kernel names the thread a timer signals by the id it has for us.
  Result<std::vector<image::PosixTimerT>> posix_timers() {
    std::vector<image::PosixTimerT> timers =
        timers::parse_posix_timers(TRY(source_.dir.read("timers")));
    for (image::PosixTimerT& timer : timers)
      for (const FrozenThread& thread : frozen_.threads)
        if (thread.tracee.tid().value == timer.thread) {
          timer.thread = thread.id.value;
          break;
        }
    return timers;
  }

  Result<> ask_thread(Injection& injection, size_t index) {
    CallList calls;
    DataSpace data = injection.new_data();
    threads::Questions thread;
    credentials::Questions credentials;
    thread.ask(calls, data);
    credentials.ask(calls);
    TRY(injection.perform(target(index), calls, data, deadline_));
    thread.collect(data, *record_->threads[index]);
    record_->threads[index]->credentials = credentials.collect(
        calls, TRY(source_.dir.status_of_thread(frozen_.threads[index].tracee.tid())));
    return {};
  }

  Result<> ask_notifications(Injection& injection) {
    for (auto& question : TRY(mqueues::find_notifications(context_, source_, pending_for(0)))) {
      CallList calls;
      DataSpace data = injection.new_data();
      question.ask(calls, data);
      TRY(injection.perform(target(0, 1ULL << (question.signal() - 1)), calls, data, deadline_));
      question.collect(context_, source_, calls, data);
    }
    return {};
  }

  Result<std::unique_ptr<image::FileNameT>> folder(const char* which) {
    struct stat info {};
    if (::fstatat(source_.dir.folder(), which, &info, 0) != 0)
      return Error::from_errno(errno, std::string("stat ") + which);
    std::string link = TRY(source_.dir.link(which));
    return capture_name(context_, link, info, [] { return Result<UniqueFd>(UniqueFd()); });
  }

  CaptureContext& context_;
  FrozenProcess& frozen_;
  const ProcessSource& source_;
  Deadline deadline_;
  proc::Stat leader_;
  std::unique_ptr<image::ProcessT> record_;
};

}  // namespace

Result<std::unique_ptr<image::ProcessT>> capture_process(CaptureContext& context, FileTable& files,
                                                         FrozenProcess& frozen,
                                                         const ProcessSource& source,
                                                         Deadline deadline) {
  ProcessCapture capture(context, frozen, source, deadline);
  RemoteMemory remote = TRY(RemoteMemory::open(source.host));
  TRY(capture.identity());
  TRY(capture.threads());
  TRY(capture.surroundings());
  // Memory before questions: the area they are asked from must not be found in it.
  TRY(capture.memory(remote));
  TRY(capture.questions(remote));
  std::unique_ptr<image::ProcessT> record = capture.take();
  TRY(files.add(source, *record));
  return record;
}

}  // namespace appshot
