#include "restore/restore.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "checkpoint/machine.h"
#include "image/format.h"
#include "image/manifest.h"
#include "image/pages_parts.h"
#include "isolation/clocks.h"
#include "os/child.h"
#include "os/fault.h"
#include "os/file.h"
#include "protocol/error_json.h"
#include "resources/limits/limits.h"
#include "resources/terminals/states.h"
#include "restore/differences.h"
#include "restore/hold_restored.h"
#include "restore/id_keeper.h"
#include "restore/inside.h"
#include "restore/last_words.h"
#include "restore/restore_plan.h"
#include "restore/room_here.h"
#include "restore/seed.h"
#include "restore/stages.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kRestoreMax{60};
constexpr int64_t kSecond = 1'000'000'000;

// Ends the new instance unless it is released: init takes everything in its namespace with it.
class UnfinishedInit {
 public:
  explicit UnfinishedInit(pid_t pid) : pid_(pid) {}
  ~UnfinishedInit() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    // Threads that we trace are waited for by us first, or init's death would wait for them.
    while (::waitpid(-1, nullptr, __WALL) > 0) {
    }
  }
  void release() { pid_ = 0; }

 private:
  pid_t pid_;
};

Result<pid_t> start_init(RestoreRequest& request, const image::ImageT& image) {
  Share share = request.init.files.share;
  if (!share.time)
    TRY(enter_time_namespace_for_children(
        {{image.clock_monotonic->sec(), image.clock_monotonic->nsec()},
         {image.clock_boottime->sec(), image.clock_boottime->nsec()}}));
  UniqueFd group = TRY(open_file(request.application.path() + "/..", O_RDONLY | O_DIRECTORY));
  pid_t pid = TRY(fork_child({.flags = request.init.files.namespaces(), .cgroup = group.get()}));
  if (pid != 0) return pid;
  Result<> bound = die_with_parent(0);
  if (!bound) ::_exit(1);
  run_init(std::move(request.init));
}

// CLOCK_MONOTONIC as the restored application sees it: it goes on from the image's when init
// starts.
class ApplicationClock {
 public:
  explicit ApplicationClock(const image::Time& at_start)
      : ahead_ns_(at_start.sec() * kSecond + at_start.nsec() - ours()) {}
  int64_t now_ns() const { return ours() + ahead_ns_; }

 private:
  static int64_t ours() {
    const timespec now = clocks_now().monotonic;
    return now.tv_sec * kSecond + now.tv_nsec;
  }
  int64_t ahead_ns_;
};

// Init tells when the tree has been begun; a failure before that comes in words.
Error init_died(HostPid init) {
  int status = 0;
  std::string how = "the instance's init has died";
  pid_t got = ::waitpid(init.value, &status, __WALL);
  if (got < 0) how += std::string(" (") + std::strerror(errno) + ")";
  if (got > 0)
    how += WIFSIGNALED(status) ? " by signal " + std::to_string(WTERMSIG(status))
                               : " with status " + std::to_string(WEXITSTATUS(status));
  return Error(ErrorClass::gone, how);
}

bool is_told_on_the_way(const Json& event) {
  const std::string kind = string_at(event, "event");
  return kind == "progress" || kind == "lost";
}

// However much there is to load: as long as it goes on.
Result<> wait_for_init(RestoreRequest& request, const Zone& zone, HostPid init) {
  std::optional<Packet> packet;
  do {
    if (packet && request.tell) request.tell(packet->document);
    packet = TRY(request.control.receive(Deadline::in(kRestoreMax)));
  } while (packet && is_told_on_the_way(packet->document));
  const Deadline deadline = Deadline::in(kRestoreMax);
  if (zone.control()->failed != 0) TRY(zone.wait_stage(kStageTree, deadline));
  if (!packet) return init_died(init);
  if (string_at(packet->document, "event") != "ready")
    return error_from_json(field(packet->document, "error"));
  return {};
}

Result<Pager> start_pager(const RestoreRequest& request, const RestorePlan& plan, HostPid init) {
  const image::ImageT& image = request.image.manifest;
  PagerSetup setup{
      request.image.pages,
      TRY(plan.lazy.register_all(image, request.image.pages, plan.late, request.application)),
      request.image_folder, "snapshot " + image.id, TRY(request.end(init))};
  return Pager::start(std::move(setup));
}

// A process that dies on its way (which the kernel may do to it for many reasons) never arrives.
Result<> expect_processes(const image::ImageT& image, const Cgroup& application) {
  size_t expected = 0;
  for (const auto& process : image.processes)
    expected += process->state != image::ProcessState::zombie && !process->shares_memory;
  size_t living = TRY(application.processes()).size();
  if (living >= expected) return {};
  return Error(ErrorClass::gone, std::to_string(expected - living) + " of " +
                                     std::to_string(expected) +
                                     " processes have died while they were being restored");
}

}  // namespace

Result<OpenedImage> OpenedImage::open(const std::string& folder) {
  image::ImageT manifest = TRY(image::read_manifest(folder));
  image::PagesReader pages = TRY(image::PagesReader::open(folder, manifest.pages));
  return OpenedImage{std::move(manifest), std::move(pages)};
}

Result<RestoredInstance> restore(RestoreRequest request) {
  const image::ImageT& image = request.image.manifest;

  // What makes it impossible here is told before anything exists.
  TRY(refuse_differences(image, tell_now_and_then(request.tell, "files")));
  TRY(refuse_too_many_descriptors(image));
  TRY(fault_point("restore.begin"));

  // Where everything will lie, and every call that will be made.
  std::unique_ptr<RestorePlan> own_plan;
  if (request.seed == nullptr) own_plan = TRY(RestorePlan::make(image, request.memory));
  if (request.seed != nullptr) TRY(request.seed->begin_restore());
  RestorePlan& plan = own_plan ? *own_plan : request.seed->plan();
  Zone& zone = *plan.zone;
  TRY(fault_point("restore.planned"));

  // The instance's init: its world, its global objects, all memory in windows, the first processes.
  RestoreInside inside{request.image,
                       plan,
                       std::move(request.streams),
                       std::move(request.kept),
                       request.application.folder(),
                       request.keeps_connections,
                       request.init.files.users.space.get(),
                       request.is_clone};
  request.init.populate = [&inside](KeptDescriptors& kept, const InitSetup::Tell& tell) {
    return inside.populate(kept, tell);
  };
  request.init.populate_uses = inside.descriptors();
  request.init.host_name = image.host_name;
  request.init.domain_name = image.domain_name;
  RestoredInstance instance;
  const ApplicationClock clock(*image.clock_monotonic);
  instance.init = HostPid{TRY(start_init(request, image))};
  UnfinishedInit unfinished(instance.init.value);
  request.init = InitSetup{};  // our copies of its descriptors
  if (request.seed != nullptr) request.seed->let_go_of_memory();
  TRY(request.meanwhile());
  TRY(wait_for_init(request, zone, instance.init));
  const Deadline deadline = Deadline::in(kRestoreMax);
  TRY(fault_point("restore.populated"));

  // Everyone in step: tree, groups, memory and threads.
  auto all_live = [&] { return expect_processes(image, request.application); };
  TRY(zone.wait_stage(kStageTree, deadline));
  zone.open_stage(kStageTree);
  TRY(zone.wait_stage(kStageGroups, deadline, all_live));
  zone.open_stage(kStageGroups);
  if (plan.lazy.any()) {
    TRY(zone.wait_stage(kStageMemory, deadline, all_live));
    instance.pager = TRY(start_pager(request, plan, instance.init));
    zone.open_stage(kStageMemory);
  }
  TRY(zone.wait_stage(kStageThreads, deadline, all_live));
  zone.open_stage(kStageThreads);
  // For those who are born last.
  end_id_keepers(zone, plan.script.born_late.empty() ? -1 : plan.births.keeper_of(-1));
  TRY(zone.wait_stage(kStageTraced, deadline, all_live));
  RestoredThreads threads = TRY(RestoredThreads::seize(image, request.application));
  TRY(fault_point("restore.traced"));
  zone.open_stage(kStageTraced);
  TRY(zone.wait_stage(kStageReady, deadline, all_live));

  // Registers and masks; the zone goes; then all at once.
  TRY(threads.put_back(
      zone, plan.script, plan.births, [&] { return clock.now_ns(); }, deadline));
  end_id_keepers(zone);
  TRY(fault_point("restore.ready"));
  if (const int terminal = terminals::of_instance(image); terminal >= 0) {
    instance.terminal = TRY(fetch_terminal(request.control, deadline));
    instance.terminal_index = image.terminals[static_cast<size_t>(terminal)]->index;
  }
  if (instance.pager) TRY(entrust_pager(request.control, *instance.pager, deadline));
  TRY(threads.bind_traced(request.application, deadline));
  TRY(request.application.begin_freeze());
  TRY(threads.release());
  TRY(fault_point("restore.released"));
  TRY(commit_init(request.control, deadline));
  TRY(request.plug());
  unfinished.release();
  if (request.before_it_runs) request.before_it_runs(request.control, instance.init);
  TRY(request.application.thaw());
  if (instance.pager) instance.pager->application_runs();
  instance.control = std::move(request.control);
  if (request.seed != nullptr) request.seed->end_restore();
  return instance;
}

}  // namespace appshot
