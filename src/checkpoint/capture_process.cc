#include "checkpoint/capture_process.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "isolation/clocks.h"
#include "os/file.h"
#include "os/kcmp.h"
#include "resources/aio/aio.h"
#include "resources/attributes/attributes.h"
#include "resources/file_names.h"
#include "resources/limits/limits.h"
#include "resources/memory/capture_memory.h"
#include "resources/namespaces.h"
#include "resources/scheduling/scheduling.h"
#include "resources/seccomp/seccomp.h"
#include "resources/threads/threads.h"
#include "resources/threads/traced.h"

namespace appshot {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

void capture_identity(const FrozenProcess& frozen, const ProcessSource& source,
                      const proc::Stat& leader, image::ProcessT& record) {
  record.pid = frozen.id.value;
  record.group = proc::id_inside(source.status, "NSpgid");
  record.session = proc::id_inside(source.status, "NSsid");
  record.nested_ids = proc::nested_ids(source.status, "NStgid");
  record.nested_groups = proc::nested_ids(source.status, "NSpgid");
  record.nested_sessions = proc::nested_ids(source.status, "NSsid");
  record.name = leader.name;
  record.exit_signal = source.stat.exit_signal;
  record.stop_signal = frozen.stop_signal;
  if (frozen.stop_signal != 0) {
    record.state = image::ProcessState::stopped;
    // The kernel keeps the signal here until the parent has been told by wait.
    record.stop_reported = leader.exit_code == 0;
  }
  if (frozen.leader_exited) {
    record.state = image::ProcessState::leader_exited;
    record.exit_status = leader.exit_code;
  }
}

// The end as the application's own clock will show it, however long it sleeps as an image.
Result<std::unique_ptr<image::WaitingT>> waiting(const InstanceView& instance,
                                                 const TimedCall& call,
                                                 const std::optional<int64_t>& end_ns) {
  auto waiting = std::make_unique<image::WaitingT>();
  waiting->syscall = call.number;
  waiting->args.assign(call.args.begin(), call.args.end());
  if (!end_ns) return waiting;
  const int64_t end = *end_ns + nanoseconds(TRY(clocks_of(instance.init)).monotonic) -
                      nanoseconds(clocks_now().monotonic);
  waiting->end = std::make_unique<image::Time>(end / kSecond, end % kSecond);
  return waiting;
}

Result<std::unique_ptr<image::ThreadT>> capture_thread(const InstanceView& instance,
                                                       const FrozenThread& frozen,
                                                       const ProcessSource& source) {
  auto thread = std::make_unique<image::ThreadT>();
  thread->tid = frozen.id.value;
  HostPid tid = frozen.tracee.tid();
  // The source was read through one of them.
  const bool of_source = tid == source.host;
  const proc::Fields status = of_source ? source.status : TRY(source.dir.status_of_thread(tid));
  thread->nested_ids = proc::nested_ids(status, "NSpid");
  thread->scheduling = TRY(scheduling::capture(tid));
  if (!frozen.tracee.is_held()) return thread;  // see waiting_threads.h
  TRY(threads::capture(frozen.tracee, of_source ? source.stat : TRY(source.dir.stat_of_thread(tid)),
                       *thread));
  if (frozen.traced) thread->traced = threads::describe(*frozen.traced);
  if (frozen.call) thread->waiting = TRY(waiting(instance, *frozen.call, frozen.end_ns));
  TRY(seccomp::capture(frozen.tracee, status, *thread));
  return thread;
}

Result<std::unique_ptr<image::FileNameT>> folder(CaptureContext& context,
                                                 const ProcessSource& source, const char* which) {
  struct stat info {};
  if (::fstatat(source.dir.folder(), which, &info, 0) != 0)
    return Error::from_errno(errno, std::string("stat ") + which);
  std::string link = TRY(source.dir.link(which));
  const uint64_t mount = TRY(mount_if_needed(
      context, "/proc/" + std::to_string(source.host.value) + "/" + std::string(which)));
  if (link.starts_with("/proc/")) return name_as_told(link, info);
  return capture_name(context, link, info, mount, [] { return Result<UniqueFd>(UniqueFd()); });
}

}  // namespace

Result<> capture_held(const InstanceView& instance, FrozenProcess& frozen,
                      const ProcessSource& source, image::ProcessT& record) {
  capture_identity(frozen, source, frozen.leader_exited ? TRY(frozen.dir.stat()) : source.stat,
                   record);
  for (const FrozenThread& thread : frozen.threads)
    record.threads.push_back(TRY(capture_thread(instance, thread, source)));
  return {};
}

Result<> capture_seen(CaptureContext& context, FileTable& files, const ProcessSource& source,
                      image::ProcessT& record) {
  record.maker = source.shared.maker.value;
  record.shares_memory = source.shared.memory;
  record.shares_descriptors = source.shared.descriptors;
  record.shares_folders = source.shared.folders;
  record.shares_actions = source.shared.actions;
  record.limits = limits::parse(TRY(source.dir.record("limits")));
  TRY(attributes::capture(source, record));
  TRY(namespaces::capture_of_process(context, source, record));
  record.cwd = TRY(folder(context, source, "cwd"));
  record.root = TRY(folder(context, source, "root"));
  record.address_space = TRY(memory::capture(context, source));
  TRY(aio::capture(context.instance, source, *record.address_space));
  return files.add(source, record);
}

namespace {

// The thread before it that has the folders which are not its process's; 0: it is the first.
int shares_folders_with(const FrozenProcess& frozen, size_t index, const image::ProcessT& record) {
  for (size_t i = 0; i < index; ++i)
    if (record.threads[i]->folders &&
        share(frozen.threads[i].tracee.tid(), frozen.threads[index].tracee.tid(),
              SharedPart::folders))
      return record.threads[i]->tid;
  return 0;
}

}  // namespace

Result<> capture_own_parts(CaptureContext& context, const FrozenProcess& frozen,
                           const ProcessSource& source, image::ProcessT& record) {
  for (size_t i = 0; i < frozen.threads.size(); ++i) {
    const HostPid tid = frozen.threads[i].tracee.tid();
    if (tid == source.host) continue;
    TRY(namespaces::capture_of_thread(context, source, tid, record, *record.threads[i]));
    if (!differ(source.host, tid, SharedPart::folders)) continue;
    if (const int other = shares_folders_with(frozen, i, record); other != 0) {
      record.threads[i]->folders_of = other;
      continue;
    }
    const std::string task = "task/" + std::to_string(tid.value) + "/";
    auto folders = std::make_unique<image::FoldersT>();
    folders->cwd = TRY(folder(context, source, (task + "cwd").c_str()));
    folders->root = TRY(folder(context, source, (task + "root").c_str()));
    const proc::Fields status = TRY(source.dir.status_of_thread(tid));
    folders->umask = static_cast<uint32_t>(proc::field_number(status, "Umask", 8));
    record.threads[i]->folders = std::move(folders);
  }
  return {};
}

}  // namespace appshot
