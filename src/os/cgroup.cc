#include "os/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "os/controllers.h"
#include "os/file.h"

namespace appshot {
namespace {

constexpr long kFirstLookNs = 50'000;
constexpr long kLastLookNs = 5'000'000;

}  // namespace

Result<std::string> cgroup_root() {
  std::string mounts = TRY(read_file("/proc/self/mountinfo"));
  std::istringstream lines(mounts);
  for (std::string line; std::getline(lines, line);) {
    size_t dash = line.find(" - cgroup2 ");
    if (dash == std::string::npos) continue;
    std::istringstream fields(line);
    std::string id, parent, device, root, point;
    fields >> id >> parent >> device >> root >> point;
    return point;
  }
  return Error(ErrorClass::unsupported, "cgroup v2 is not mounted on this machine")
      .hint("mount it: mount -t cgroup2 none /sys/fs/cgroup/unified");
}

// Names are unique within a node's state folder, and many nodes may share a machine.
Result<std::string> instance_group(const std::string& aid, const std::string& state_dir) {
  uint64_t hash = 1469598103934665603ULL;  // FNV-1a
  for (unsigned char c : state_dir) hash = (hash ^ c) * 1099511628211ULL;
  std::ostringstream path;
  path << TRY(cgroup_root()) << "/appshot/" << aid << "-" << std::hex << std::setw(8)
       << std::setfill('0') << (hash & 0xffffffff);
  return path.str();
}

Result<> remove_instance_group(const std::string& path, Deadline deadline) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return remove_limited_groups(path);
  Cgroup instance = TRY(Cgroup::open(path));
  TRY(instance.kill_all());
  TRY(instance.wait_empty(deadline));
  for (const std::string& name : TRY(list_folder(path))) {
    std::string folder = path + "/" + name;
    if (::rmdir(folder.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
      return Error::from_errno(errno, "rmdir " + folder);
  }
  TRY(remove_limited_groups(path));
  TRY(instance.remove());
  ::rmdir(path.substr(0, path.find_last_of('/')).c_str());
  return {};
}

Result<Cgroup> Cgroup::create(const std::string& path) {
  TRY(make_folders(path));
  return open(path);
}

Result<Cgroup> Cgroup::open(const std::string& path) {
  UniqueFd folder = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
  return Cgroup(path, std::move(folder));
}

Result<> Cgroup::begin_freeze() const { return write_file(path_ + "/cgroup.freeze", "1"); }

Result<> Cgroup::freeze(Deadline deadline) const {
  TRY(begin_freeze());
  Result<> frozen = wait_event("frozen 1", deadline);
  if (!frozen) {
    TRY(thaw());
    return frozen;
  }
  return {};
}

Result<> Cgroup::thaw() const { return write_file(path_ + "/cgroup.freeze", "0"); }

// The kernel tells of an event at once only if it has told of none in the last ten milliseconds;
// else much later than a look can see it. So there are looks in between, ever fewer of them.
Result<> Cgroup::wait_event(std::string_view event, Deadline deadline) const {
  UniqueFd events = TRY(open_at(folder_.get(), "cgroup.events", O_RDONLY));
  for (long until_look_ns = kFirstLookNs;;
       until_look_ns = std::min(2 * until_look_ns, kLastLookNs)) {
    TRY_SYS(::lseek(events.get(), 0, SEEK_SET));
    std::string text = TRY(read_whole(events.get()));
    if (text.find(event) != std::string::npos) return {};
    pollfd waiting{events.get(), POLLPRI, 0};
    const timespec until_look{0, until_look_ns};
    if (::ppoll(&waiting, 1, &until_look, nullptr) < 0 && errno != EINTR)
      return Error::from_errno(errno, "poll cgroup.events");
    if (deadline.passed())
      return Error(ErrorClass::timeout,
                   "cgroup " + path_ + " did not come to '" + std::string(event) + "' in time");
  }
}

Result<bool> Cgroup::populated() const {
  std::string text = TRY(read_file_at(folder_.get(), "cgroup.events"));
  return text.find("populated 1") != std::string::npos;
}

Result<> Cgroup::wait_empty(Deadline deadline) const { return wait_event("populated 0", deadline); }

Result<> Cgroup::take(pid_t pid) const {
  return write_file(path_ + "/cgroup.procs", std::to_string(pid));
}

Result<> Cgroup::kill_all() const {
  // cgroup.kill exists since 5.14; it catches forks under way.
  return write_file(path_ + "/cgroup.kill", "1");
}

Result<std::vector<pid_t>> Cgroup::processes() const {
  std::string text = TRY(read_file_at(folder_.get(), "cgroup.procs"));
  std::istringstream lines(text);
  std::vector<pid_t> pids;
  for (pid_t pid; lines >> pid;) pids.push_back(pid);
  return pids;
}

Result<> Cgroup::remove() const {
  if (::rmdir(path_.c_str()) != 0 && errno != ENOENT)
    return Error::from_errno(errno, "rmdir " + path_);
  return {};
}

}  // namespace appshot
