#include "checkpoint/capture_process.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "isolation/clocks.h"
#include "os/file.h"
#include "resources/attributes/attributes.h"
#include "resources/file_names.h"
#include "resources/limits/limits.h"
#include "resources/memory/capture_memory.h"
#include "resources/scheduling/scheduling.h"
#include "resources/seccomp/seccomp.h"
#include "resources/threads/threads.h"
#include "trace/remote_memory.h"

namespace appshot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

class ProcessCapture {
 public:
  ProcessCapture(CaptureContext& context, FrozenProcess& frozen, const ProcessSource& source)
      : context_(context),
        frozen_(frozen),
        source_(source),
        record_(std::make_unique<image::ProcessT>()) {}

  Result<> identity() {
    const proc::Stat leader = frozen_.leader_exited ? TRY(frozen_.dir.stat()) : source_.stat;
    record_->pid = frozen_.id.value;
    record_->group = proc::innermost(source_.status, "NSpgid");
    record_->session = proc::innermost(source_.status, "NSsid");
    record_->name = leader.name;
    record_->exit_signal = source_.stat.exit_signal;
    record_->stop_signal = frozen_.stop_signal;
    if (frozen_.stop_signal != 0) {
      record_->state = image::ProcessState::stopped;
      // The kernel keeps the signal here until the parent has been told by wait.
      record_->stop_reported = leader.exit_code == 0;
    }
    if (frozen_.leader_exited) {
      record_->state = image::ProcessState::leader_exited;
      record_->exit_status = leader.exit_code;
    }
    return {};
  }

  // Seen from outside, the process standing still.
  Result<> threads() {
    for (FrozenThread& frozen : frozen_.threads) {
      auto thread = std::make_unique<image::ThreadT>();
      thread->tid = frozen.id.value;
      HostPid tid = frozen.tracee.tid();
      // The source was read through one of them.
      const bool of_source = tid == source_.host;
      TRY(threads::capture(
          frozen.tracee, of_source ? source_.stat : TRY(source_.dir.stat_of_thread(tid)), *thread));
      if (frozen.call) thread->waiting = TRY(waiting(*frozen.call, frozen.end_ns));
      thread->scheduling = TRY(scheduling::capture(tid));
      TRY(seccomp::capture(frozen.tracee,
                           of_source ? source_.status : TRY(source_.dir.status_of_thread(tid)),
                           *thread));
      record_->threads.push_back(std::move(thread));
    }
    return {};
  }

  Result<> surroundings() {
    record_->limits = limits::parse(TRY(source_.dir.record("limits")));
    TRY(attributes::capture(source_, *record_));
    record_->cwd = TRY(folder("cwd"));
    record_->root = TRY(folder("root"));
    return {};
  }

  Result<> memory() {
    RemoteMemory remote = TRY(RemoteMemory::open(source_.host));
    record_->address_space = TRY(memory::capture(context_, source_, remote));
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
  std::unique_ptr<image::ProcessT> record_;
};

}  // namespace

Result<std::unique_ptr<image::ProcessT>> capture_process(CaptureContext& context, FileTable& files,
                                                         FrozenProcess& frozen,
                                                         const ProcessSource& source) {
  ProcessCapture capture(context, frozen, source);
  TRY(capture.identity());
  TRY(capture.threads());
  TRY(capture.surroundings());
  TRY(capture.memory());
  std::unique_ptr<image::ProcessT> record = capture.take();
  TRY(files.add(source, *record));
  return record;
}

}  // namespace appshot
