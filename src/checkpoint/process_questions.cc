#include "checkpoint/process_questions.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "resources/files/close_on_exec.h"
#include "resources/mqueue/notification.h"
#include "resources/timers/overruns.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kAnswerMax{10};

}  // namespace

Deadline ProcessQuestions::soon() { return Deadline::in(kAnswerMax); }

ProcessQuestions::ProcessQuestions(CaptureContext& context, FrozenProcess& frozen,
                                   const ProcessSource& source, image::ProcessT& record,
                                   RemoteMemory remote)
    : context_(context),
      frozen_(frozen),
      source_(source),
      record_(record),
      remote_(std::move(remote)),
      first_(static_cast<size_t>(frozen.held() - frozen.threads.data())),
      data_(nullptr, 0, 0) {}

Result<std::unique_ptr<ProcessQuestions>> ProcessQuestions::begin(CaptureContext& context,
                                                                  FrozenProcess& frozen,
                                                                  const ProcessSource& source,
                                                                  image::ProcessT& record) {
  const proc::Mapping* vdso = source.mapping_named("[vdso]");
  if (vdso == nullptr)
    return Error(ErrorClass::refused,
                 source.words() + " has no vdso, without which it cannot be asked about its state");
  std::unique_ptr<ProcessQuestions> questions(
      new ProcessQuestions(context, frozen, source, record, TRY(RemoteMemory::open(source.host))));
  questions->injection_ = TRY(Injection::begin(questions->target(questions->first_),
                                               questions->remote_, vdso->start, vdso->length()));
  return questions;
}

// All that concerns the process, and its first thread with it.
Result<> ProcessQuestions::ask() {
  TRY(injection_->ready(soon()));
  TRY(look_at_waiting_signals());
  fired_before_ = timers::FiredTimers::among(record_);
  calls_ = CallList();
  data_ = injection_->new_data();
  actions_.ask(calls_, data_);
  timers_.ask(TRY(posix_timers()), calls_, data_);
  attributes_.ask(calls_, data_);
  thread_.ask(calls_, data_);
  credentials_.ask(calls_);
  continued_.ask(calls_, data_);
  keys_.ask(calls_, data_);
  return injection_->start(target(first_), calls_, data_);
}

Result<> ProcessQuestions::collect(const ProcessSource& table) {
  TRY(injection_->finish(calls_, data_, soon()));
  TRY(look_at_future_memory());
  actions_.collect(data_, record_);
  TRY(timers_.collect(calls_, data_, record_));
  attributes_.collect(calls_, data_, source_, record_, context_.obstacles);
  thread_.collect(data_, *record_.threads[first_]);
  record_.threads[first_]->credentials = credentials_.collect(calls_, TRY(status_of(first_)));
  keys_.collect(calls_, data_, source_, context_.obstacles);
  if (continued_.collect(calls_, data_)) TRY(ask_which_continued());
  for (size_t i = first_ + 1; i < frozen_.threads.size(); ++i)
    if (frozen_.threads[i].tracee.is_held()) TRY(ask_thread(i));
  TRY(ask_close_on_exec());
  TRY(ask_notifications(table));
  TRY(ask_overruns());
  TRY(look_at_waiting_signals());
  timers::settle_fired(record_, fired_before_);
  timers::forget_signals_sent_again(record_);
  return {};
}

InjectionTarget ProcessQuestions::target(size_t thread, uint64_t avoid) const {
  auto mask = [&](const char* key) { return proc::field_number(source_.status, key, 16); };
  uint64_t pending = pending_for(thread) | avoid;
  int done = pick_completion_signal(mask("SigIgn"), mask("SigCgt"), pending);
  return {frozen_.threads[thread].tracee, frozen_.own_id, frozen_.threads[thread].own_id, done};
}

uint64_t ProcessQuestions::pending_for(size_t thread) const {
  uint64_t pending = proc::field_number(source_.status, "ShdPnd", 16) |
                     proc::field_number(source_.status, "SigPnd", 16);
  for (const auto& signal : record_.threads[thread]->pending)
    pending |= 1ULL << (signal->info[0] - 1);
  return pending;
}

Result<> ProcessQuestions::look_at_waiting_signals() {
  for (size_t i = 0; i < frozen_.threads.size(); ++i)
    if (frozen_.threads[i].tracee.is_held())
      record_.threads[i]->pending = TRY(signals::capture_pending(frozen_.threads[i].tracee, false));
  record_.pending = TRY(signals::capture_pending(frozen_.threads[first_].tracee, true));
  return {};
}

// Memory that we have just mapped is locked if all that is mapped is to be.
Result<> ProcessQuestions::look_at_future_memory() {
  if (proc::field_number(source_.status, "VmLck") == 0) return {};
  for (const proc::Mapping& mapping : TRY(source_.dir.mappings())) {
    if (mapping.start > injection_->area() || mapping.end <= injection_->area()) continue;
    if ((mapping.vm_flags & proc::VmFlag::kLockOnFault) != 0)
      record_.address_space->future = image::FutureMemory::locked_on_fault;
    else if ((mapping.vm_flags & proc::VmFlag::kLocked) != 0)
      record_.address_space->future = image::FutureMemory::locked;
  }
  return {};
}

// The kernel names the thread a timer signals by the id it has for us.
Result<std::vector<image::PosixTimerT>> ProcessQuestions::posix_timers() const {
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

Result<> ProcessQuestions::ask_thread(size_t index) {
  CallList calls;
  DataSpace data = new_data();
  threads::Questions thread;
  credentials::Questions credentials;
  thread.ask(calls, data);
  credentials.ask(calls);
  keys::Questions keys;
  keys.ask(calls, data);
  TRY(perform_in(index, calls, data));
  keys.collect(calls, data, source_, context_.obstacles);
  thread.collect(data, *record_.threads[index]);
  record_.threads[index]->credentials = credentials.collect(calls, TRY(status_of(index)));
  return {};
}

Result<> ProcessQuestions::ask_close_on_exec() {
  for (auto& question : TRY(files::CloseOnExecQuestion::all_of(source_, record_))) {
    CallList calls;
    DataSpace data = new_data();
    question.ask(calls);
    TRY(perform(calls, data));
    question.collect(calls, record_);
  }
  return {};
}

Result<> ProcessQuestions::ask_notifications(const ProcessSource& table) {
  for (auto& question :
       TRY(mqueues::find_notifications(context_, source_, table, pending_for(first_)))) {
    CallList calls;
    DataSpace data = new_data();
    question.ask(calls, data);
    TRY(perform(calls, data, 1ULL << (question.signal() - 1)));
    question.collect(context_, source_, calls, data);
  }
  return {};
}

Result<> ProcessQuestions::ask_overruns() {
  for (auto& question : timers::OverrunQuestion::all_of(record_)) {
    CallList calls, again;
    DataSpace data = new_data();
    question.ask(calls, data);
    TRY(perform(calls, data));
    if (!TRY(question.collect(calls, data))) continue;
    DataSpace setting = new_data();
    question.send_again(again, setting);
    TRY(perform(again, setting));
  }
  return {};
}

Result<> ProcessQuestions::ask_which_continued() {
  constexpr size_t kAtOnce = 100;  // what an injection has room for
  const std::vector<children::WhichContinued::Asked> children = TRY(living_children());
  for (size_t done = 0; done < children.size(); done += kAtOnce) {
    CallList calls;
    DataSpace data = new_data();
    children::WhichContinued which;
    const size_t count = std::min(kAtOnce, children.size() - done);
    which.ask(std::span(children).subspan(done, count), calls, data);
    TRY(perform(calls, data));
    which.collect(calls, data, record_);
  }
  return {};
}

Result<std::vector<children::WhichContinued::Asked>> ProcessQuestions::living_children() const {
  std::vector<children::WhichContinued::Asked> children;
  for (pid_t pid : TRY(context_.instance.application->processes())) {
    proc::ProcessDir dir = TRY(proc::ProcessDir::open(HostPid{pid}));
    if (TRY(dir.stat()).parent != frozen_.pid.value) continue;
    const proc::Fields status = TRY(dir.status());
    children.push_back({VirtualPid{proc::id_inside(status, "NStgid")},
                        VirtualPid{proc::id_seen_by(source_.status, status, "NStgid")}});
  }
  return children;
}

Result<proc::Fields> ProcessQuestions::status_of(size_t thread) const {
  HostPid tid = frozen_.threads[thread].tracee.tid();
  if (tid == source_.host) return source_.status;
  return source_.dir.status_of_thread(tid);
}

}  // namespace appshot
