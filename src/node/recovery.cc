#include "node/recovery.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "node/log.h"
#include "node/process_identity.h"
#include "os/file.h"
#include "os/pidfd.h"

namespace appshot {
namespace {

constexpr std::chrono::seconds kHarnessStartWait{10};
constexpr int kHarnessEndWaitMs = 10'000;

// A harness that the daemon before had only just started may not listen yet: waits for its socket,
// or for its end.
void await_socket(const std::string& run_dir, const ProcessIdentity& harness) {
  UniqueFd changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  Result<Pidfd> pidfd = Pidfd::open(HostPid{harness.pid});
  if (!changes || !pidfd) return;
  ::inotify_add_watch(changes.get(), run_dir.c_str(), IN_CREATE | IN_MOVED_TO);
  Deadline deadline = Deadline::in(kHarnessStartWait);
  std::string socket = run_dir + "/harness.sock";
  while (is_running(harness) && ::access(socket.c_str(), F_OK) != 0 && !deadline.passed()) {
    pollfd entries[] = {{changes.get(), POLLIN, 0}, {pidfd->fd(), POLLIN, 0}};
    if (::poll(entries, 2, deadline.left_ms()) <= 0 || entries[1].revents != 0) return;
    char drained[4096];
    while (::read(changes.get(), drained, sizeof(drained)) > 0) continue;
  }
}

void recover_instance(Node& node, Lifecycle& lifecycle, const InstanceRecord& record) {
  std::shared_ptr<Instance> instance = lifecycle.hold_on(record.aid);
  Result<> connected = lifecycle.connect(instance);
  if (!connected && is_running(record.harness)) {
    await_socket(node.paths.instance_run(record.aid), record.harness);
    connected = lifecycle.connect(instance);
  }
  if (connected) return;
  log_info(record.aid + ": " + connected.error().message());
  // The link's own end settles it when the connection stood for a moment.
  if (!lifecycle.wait_harness_gone(*instance, Deadline::in(std::chrono::seconds(5)))) return;
  Result<InstanceRecord> now = node.registry.instance(record.aid);
  if (now && is_alive(now->state) && lifecycle.busy_with(record.aid).empty())
    lifecycle.settle_lost(instance);
}

// A restore or wake that the daemon before did not live to see is undone, as if it had never been
// tried: nobody has been told that it succeeded.
Result<> undo_start(Lifecycle& lifecycle, const InstanceRecord& record) {
  log_info(record.aid + ": an unfinished start is undone");
  if (Result<Pidfd> harness = Pidfd::open(HostPid{record.harness.pid});
      harness && is_running(record.harness)) {
    ::kill(record.harness.pid, SIGKILL);
    pollfd ended{harness->fd(), POLLIN, 0};
    ::poll(&ended, 1, kHarnessEndWaitMs);
  }
  lifecycle.sweep(record.aid);
  if (record.why == kBeingRestored) return lifecycle.purge(record.aid);
  TRY(lifecycle.change(record.aid, [](InstanceRecord& edited) { edited.harness = {}; }));
  return {};
}

}  // namespace

Result<> recover(Node& node, Lifecycle& lifecycle, Snapshots& snapshots) {
  TRY(make_folders(node.paths.snapshots(), 0700));
  for (const InstanceRecord& record : TRY(node.registry.instances())) {
    if (is_alive(record.state)) {
      recover_instance(node, lifecycle, record);
    } else if (record.harness.pid != 0 || record.why == kBeingRestored) {
      TRY(undo_start(lifecycle, record));
    }
  }
  TRY(snapshots.settle());
  TRY(lifecycle.wake_images().settle());
  TRY(snapshots.adopt_folders());
  return snapshots.check_durability();
}

}  // namespace appshot
