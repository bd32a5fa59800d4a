#include "os/kernel_features.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <thread>

#include "os/accept_queue.h"
#include "os/bpf.h"
#include "os/cgroup.h"
#include "os/child.h"
#include "os/file.h"
#include "os/kcmp.h"
#include "os/kernel_view.h"
#include "os/links.h"
#include "os/mount_tree.h"
#include "os/netlink.h"
#include "os/page_scan.h"
#include "os/pidfd.h"
#include "os/proc/timer_list.h"
#include "os/user_namespace.h"

namespace appshot {
namespace {

constexpr int kMadvCollapse = 25;                 // 6.1
constexpr int kPrTimerCreateRestoreIds = 77;      // 6.15
constexpr int kMembarrierGetRegistrations = 512;  // 6.3
constexpr pid_t kChosenPid = 77;
constexpr size_t kHugePage = 2 << 20;
constexpr std::chrono::seconds kFreezeMax{5};
constexpr char kSomeIds[] = "0 524288 65536\n";

Result<> from(int err, const char* call) {
  if (err == 0) return {};
  return Error::from_errno(err, call);
}

int errno_of(long result) { return result < 0 ? errno : 0; }

// In a process of its own that ends with it: what `body` returns, an errno or 0. It runs between
// clone and exit of a program with threads: system calls only. The child's end raises no SIGCHLD,
// so that nobody else in this process waits for it.
Result<> in_child(ChildOptions options, const char* what, const std::function<int()>& body) {
  options.exit_signal = 0;
  pid_t pid = TRY(fork_child(options));
  if (pid == 0) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) ::_exit(errno);
    ::_exit(body());
  }
  int status = 0;
  while (::waitpid(pid, &status, __WALL) < 0)
    if (errno != EINTR) return Error::from_errno(errno, "waitpid");
  if (WIFSIGNALED(status))
    return Error(ErrorClass::gone,
                 std::string(what) + ": killed by signal " + std::to_string(WTERMSIG(status)));
  return from(WEXITSTATUS(status), what);
}

// A process that does nothing until it is ended.
Result<pid_t> start_sleeper(ChildOptions options) {
  options.exit_signal = 0;
  pid_t pid = TRY(fork_child(options));
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (;;) ::pause();
}

void end_sleeper(pid_t pid) {
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) continue;
}

// A folder that goes with the object.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  ~ScratchFolder() { (void)!remove_tree(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Two probes at once must not meet.
std::string own_name() {
  static std::atomic<int> serial{0};
  return "probe-" + std::to_string(::getpid()) + "-" + std::to_string(++serial);
}

// ---- processes ----

Result<> has_capability(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  TRY_SYS(::syscall(SYS_capget, &header, data));
  if ((data[capability / 32].effective >> (capability % 32) & 1) != 0) return {};
  return Error(ErrorClass::denied, "this process does not have it");
}

Result<> copies_descriptors() {
  Pidfd self = TRY(Pidfd::open(HostPid{::getpid()}));
  TRY(self.take_copy(self.fd()));
  return {};
}

Result<> compares_descriptors() {
  Pidfd self = TRY(Pidfd::open(HostPid{::getpid()}));
  TRY(compare_open_files(HostPid{::getpid()}, self.fd(), HostPid{::getpid()}, self.fd()));
  return {};
}

// A word of another process: the kernel permits it to whom it permits ptrace.
Result<> reads_other_memory() {
  static uint64_t word = 0x61707073686f7421;
  pid_t pid = TRY(start_sleeper({}));
  uint64_t copy = 0;
  iovec local{&copy, sizeof copy};
  iovec remote{&word, sizeof word};
  long got = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
  Result<> read = from(errno_of(got), "process_vm_readv");
  end_sleeper(pid);
  return read;
}

Result<> chooses_pids() {
  return in_child({.flags = CLONE_NEWPID}, "clone3 with a chosen pid", [] {
    clone_args args{};
    pid_t wanted = kChosenPid;
    args.set_tid = reinterpret_cast<uint64_t>(&wanted);
    args.set_tid_size = 1;
    args.exit_signal = SIGCHLD;
    auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    if (pid == 0) ::_exit(0);
    return pid < 0 ? errno : pid == kChosenPid ? 0 : EIO;
  });
}

Result<> has_memory_map_calls() {
  unsigned size = 0;
  TRY_SYS(::prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0));
  return {};
}

Result<> restores_timer_ids() {
  return in_child({}, "prctl(PR_TIMER_CREATE_RESTORE_IDS)",
                  [] { return errno_of(::prctl(kPrTimerCreateRestoreIds, 1, 0, 0, 0)); });
}

Result<> filters_calls() {
  uint32_t action = SECCOMP_RET_ERRNO;
  TRY_SYS(::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
  return {};
}

Result<> tells_barriers() {
  TRY_SYS(::syscall(SYS_membarrier, kMembarrierGetRegistrations, 0, 0));
  return {};
}

// ---- memory ----

Result<> scans_pages() {
  static char page[4096];
  page[0] = 1;
  PageScan scan = TRY(PageScan::open("/proc/self"));
  auto start = reinterpret_cast<uint64_t>(page) & ~4095ULL;
  if (TRY(scan.find(start, start + 4096, kPagePresent, 0)).empty())
    return Error(ErrorClass::unsupported, "PAGEMAP_SCAN does not find a page that is there");
  return {};
}

Result<> collapses_pages() {
  void* memory = ::mmap(nullptr, 2 * kHugePage, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return Error::from_errno(errno, "mmap");
  auto at = (reinterpret_cast<uint64_t>(memory) + kHugePage - 1) & ~(kHugePage - 1);
  *reinterpret_cast<volatile char*>(at) = 1;
  Result<> done =
      from(errno_of(::madvise(reinterpret_cast<void*>(at), kHugePage, kMadvCollapse)), "madvise");
  ::munmap(memory, 2 * kHugePage);
  return done;
}

// ---- namespaces and files ----

Result<> makes_namespace(int flag) {
  return in_child({}, "unshare", [flag] { return errno_of(::unshare(flag)); });
}

int leave_host_mounts() {
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0) return errno;
  return errno_of(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
}

// As an instance has it: a private layer, kept where instances are kept, over the host's files.
Result<> layers_files(const std::string& scratch) {
  ScratchFolder folder(scratch + "/" + own_name());
  for (const char* name : {"/upper", "/work", "/merged"}) TRY(make_folders(folder.path() + name));
  const std::string target = folder.path() + "/merged";
  const std::string options =
      "lowerdir=/,upperdir=" + folder.path() + "/upper,workdir=" + folder.path() + "/work,volatile";
  return in_child({}, "mount overlay", [&] {
    if (int failed = leave_host_mounts(); failed != 0) return failed;
    return errno_of(::mount("overlay", target.c_str(), "overlay", 0, options.c_str()));
  });
}

// Of where an instance's own files are kept, and of the host's.
Result<> maps_ids(const std::string& scratch) {
  const UniqueFd users = TRY(make_user_namespace({.users = kSomeIds, .groups = kSomeIds}));
  for (const std::string& path : {scratch, std::string("/")}) {
    const UniqueFd folder = TRY(open_file(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    TRY(map_ids(TRY(copy_mount(folder.get())).get(), users.get()).within(path));
  }
  return {};
}

Result<> mounts(const std::string& scratch, const char* type, const char* options) {
  ScratchFolder folder(scratch + "/" + own_name());
  TRY(make_folders(folder.path()));
  return in_child({}, "mount", [&] {
    if (int failed = leave_host_mounts(); failed != 0) return failed;
    return errno_of(::mount(type, folder.path().c_str(), type, 0, options));
  });
}

// ---- cgroups ----

// Removed with everything in it.
class ScratchGroup {
 public:
  static Result<ScratchGroup> create() {
    std::string path = TRY(cgroup_root()) + "/appshot/" + own_name();
    // The common parent may go with somebody's last instance at this very moment.
    Result<Cgroup> group = Cgroup::create(path);
    for (int attempt = 0; !group && group.error().err() == ENOENT && attempt < 3; ++attempt)
      group = Cgroup::create(path);
    if (!group) return group.take_error();
    return ScratchGroup(std::move(*group));
  }
  ScratchGroup(ScratchGroup&&) = default;
  ScratchGroup& operator=(ScratchGroup&&) = delete;
  ~ScratchGroup() {
    if (group_.path().empty()) return;
    (void)!group_.thaw();
    (void)!remove_instance_group(group_.path(), Deadline::in(kFreezeMax));
  }
  const Cgroup& group() const { return group_; }

 private:
  explicit ScratchGroup(Cgroup group) : group_(std::move(group)) {}
  Cgroup group_;
};

// In a network of its own: there nobody is connected over loopback.
Result<> in_own_network(const std::function<Result<>()>& body) {
  Result<> tried;
  std::thread([&] {
    tried =
        ::unshare(CLONE_NEWNET) == 0 ? body() : Error::from_errno(errno, "unshare(CLONE_NEWNET)");
  }).join();
  return tried;
}

Result<> fills_accept_queues() {
  TRY(AcceptQueue::open());
  return {};
}

Result<> lets_programs_see_packets() {
  const std::array<bpf_insn, 2> passes = {bpf::set(0, 0), bpf::end()};
  bpf_attr about{};
  about.prog_type = BPF_PROG_TYPE_SCHED_CLS;
  const UniqueFd program = TRY(bpf::load(about, passes));
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  const int loopback = TRY(links::find(socket, "lo")).index;
  TRY(socket.change(links::let_programs_see(loopback)));
  return socket.change(links::add_program(loopback, links::Way::coming, program.get()));
}

Result<> has_groups() {
  TRY(ScratchGroup::create());
  return {};
}

Result<> starts_in_group() {
  ScratchGroup scratch = TRY(ScratchGroup::create());
  return in_child({.cgroup = scratch.group().folder()}, "clone3", [] { return 0; });
}

// Freezes a process, thaws it, and ends it with its group.
Result<> freezes_and_kills() {
  ScratchGroup scratch = TRY(ScratchGroup::create());
  pid_t pid = TRY(start_sleeper({.cgroup = scratch.group().folder()}));
  Result<> frozen = scratch.group().freeze(Deadline::in(kFreezeMax));
  if (frozen) frozen = scratch.group().thaw();
  Result<> killed = scratch.group().kill_all();
  end_sleeper(pid);
  return frozen ? std::move(killed) : std::move(frozen);
}

}  // namespace

std::vector<KernelFeature> probe_kernel_features(const std::string& scratch) {
  std::vector<KernelFeature> found;
  auto add = [&](const char* name, bool essential, const char* needed_for, const Result<>& tried) {
    found.push_back({name, needed_for, essential, static_cast<bool>(tried),
                     tried ? "" : tried.error().message()});
  };
  constexpr bool kEssential = true, kOptional = false;
  add("CAP_SYS_ADMIN", kEssential, "namespaces and mounts", has_capability(CAP_SYS_ADMIN));
  add("pid namespaces", kEssential, "process ids that stay the same",
      makes_namespace(CLONE_NEWPID));
  add("mount namespaces", kEssential, "files of its own", makes_namespace(CLONE_NEWNS));
  add("IPC namespaces", kEssential, "IPC ids that stay the same", makes_namespace(CLONE_NEWIPC));
  add("UTS namespaces", kEssential, "a host name of its own", makes_namespace(CLONE_NEWUTS));
  add("network namespaces", kEssential, "ports of its own", makes_namespace(CLONE_NEWNET));
  add("time namespaces", kEssential, "clocks that go on after a restore",
      makes_namespace(0x00000080));  // CLONE_NEWTIME
  add("cgroup namespaces", kEssential, "hiding the host's control groups",
      makes_namespace(CLONE_NEWCGROUP));
  add("overlayfs", kEssential, "a private layer over the host's files", layers_files(scratch));
  add("idmapped mounts", kOptional, "users of an instance's own (run --userns)", maps_ids(scratch));
  add("devpts instances", kEssential, "terminals of its own",
      mounts(scratch, "devpts", "newinstance,ptmxmode=0666"));
  add("POSIX message queues", kEssential, "a /dev/mqueue of its own",
      mounts(scratch, "mqueue", nullptr));
  add("seccomp filters", kEssential, "keeping out what nobody can look into", filters_calls());
  add("cgroup v2", kEssential, "holding an application together", has_groups());
  add("clone3 into a cgroup", kEssential, "processes that are in it from birth", starts_in_group());
  add("cgroup freezer and kill", kEssential, "stopping all processes at one moment",
      freezes_and_kills());
  add("clone3 with a chosen pid", kEssential, "restoring process ids", chooses_pids());
  add("process_vm_readv, ptrace", kEssential, "looking at an application from outside",
      reads_other_memory());
  add("pidfd_getfd", kEssential, "looking at open files", copies_descriptors());
  add("kcmp", kEssential, "finding out what processes share", compares_descriptors());
  add("PAGEMAP_SCAN", kEssential, "finding the pages to store", scans_pages());
  add("PR_SET_MM_MAP", kEssential, "restoring the layout of memory", has_memory_map_calls());
  add("PR_TIMER_CREATE_RESTORE_IDS", kOptional, "POSIX timers whose ids have gaps",
      restores_timer_ids());
  add("MEMBARRIER_CMD_GET_REGISTRATIONS", kOptional, "keeping registered memory barriers",
      tells_barriers());
  Result<KernelView> memory = KernelView::open(nullptr);
  add("kernel memory by BPF", kOptional, "connections that have data before they are accepted",
      memory ? Result<>() : Result<>(memory.take_error()));
  add("TCP handshakes by BPF", kOptional, "TCP connections that wait to be accepted",
      in_own_network(fills_accept_queues));
  add("packets by BPF", kOptional, "an address that stays the same inside (restore --as)",
      in_own_network(lets_programs_see_packets));
  Result<proc::Wakeups> list = proc::wakeups();
  add("/proc/timer_list", kOptional, "sleeps that go on for the time that was left",
      list ? Result<>() : Result<>(list.take_error()));
  add("MADV_COLLAPSE", kOptional, "restoring much memory faster", collapses_pages());
  add("CAP_SYS_RESOURCE", kOptional, "images with higher hard limits than are given here",
      has_capability(CAP_SYS_RESOURCE));
  return found;
}

bool able(const std::vector<KernelFeature>& features) {
  for (const KernelFeature& feature : features)
    if (feature.essential && !feature.present) return false;
  return true;
}

}  // namespace appshot
