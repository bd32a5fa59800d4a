// What the flat encoding's own verifier cannot know: that indexes are inside their tables, that
// address ranges make sense, that process ids are unique and parents exist. After this the engine
// may follow any reference without looking again.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>
#include <string_view>

#include "image/format.h"
#include "image/manifest.h"
#include "image/pages_parts.h"
#include "image/verify_inet.h"
#include "image/verify_ipc.h"
#include "image/verify_memory.h"
#include "image/verify_mounts.h"
#include "image/verify_namespaces.h"
#include "image/verify_networks.h"
#include "image/verify_sharing.h"
#include "image/verify_tracing.h"
#include "image/verify_words.h"

namespace appshot::image {
namespace {

constexpr int kPidMax = 1 << 22;
constexpr size_t kSignals = 64;
constexpr size_t kSigInfoBytes = 128;
constexpr size_t kCallArguments = 6;
constexpr size_t kSunPathMax = 108;
constexpr std::string_view kNamespaceKinds[] = {"cgroup", "ipc",  "mnt",  "net",
                                                "pid",    "time", "user", "uts"};
constexpr uint32_t kModeBits = 07777;
constexpr int kTerminalsMax = 4096;
constexpr size_t kRegisterBytes = 27 * 8;  // user_regs_struct

// How much of a private file's path is the place it is restored below: "shm/", "dev/",
// "layers/NAME/" or "mounts/2/". 0: none of them, or a path that leads elsewhere.
size_t place_length(std::string_view path) {
  size_t place = 0;
  if (path.starts_with("shm/") || path.starts_with("dev/")) place = 4;
  for (std::string_view several : {"layers/", "mounts/"})  // 0 when there is none
    if (path.starts_with(several)) place = path.find('/', several.size()) + 1;
  return leads_down(path) ? place : 0;
}

// "12/task/13/status": below /proc, and nowhere else.
bool is_about_process(std::string_view path) {
  if (path.empty() || path[0] < '1' || path[0] > '9' || path.find('\0') != path.npos) return false;
  return ("/" + std::string(path) + "/").find("/../") == std::string::npos;
}

class Verifier {
 public:
  explicit Verifier(const ImageT& image) : image_(image) {}

  Result<> run() {
    TRY(machine());
    TRY(verify_parts(image_.pages));
    TRY(objects());
    TRY(private_files());
    TRY(terminals());
    TRY(verify_namespaces(image_));
    TRY(verify_networks(image_));
    TRY(verify_mounts(image_));
    TRY(verify_sharing(image_));
    TRY(verify_tracing(image_));
    TRY(verify_left_tcp(image_));
    for (const auto& file : image_.open_files) TRY(open_file(*file));
    for (const auto& process : image_.processes)
      TRY(this->process(*process).within("process " + std::to_string(process->pid)));
    for (const auto& process : image_.processes)
      TRY(continued_children(*process).within("process " + std::to_string(process->pid)));
    TRY(verify_ids_in_namespaces(image_));
    if (image_.processes.empty()) return wrong("it holds no process");
    bool clocks = image_.clock_monotonic && image_.clock_boottime;
    if (some_process_lives_ && !clocks) return wrong("it does not say what its clocks showed");
    return {};
  }

 private:
  Result<> machine() {
    if (!image_.machine) return wrong("it does not say what machine it was made on");
    // Another machine's is possible; that it is not this one's is told by the restore.
    const uint32_t page = image_.machine->page_size;
    if (page < kPageSize || (page & (page - 1)) != 0) return wrong("page size");
    if (image_.pages_block != kPagesBlock) return wrong("the size of its blocks of pages");
    return {};
  }

  Result<> name(const std::unique_ptr<FileNameT>& name, bool required = true) {
    if (!name) return required ? Result<>(wrong("a file without a name")) : Result<>{};
    if (name->ghost != -1 && !inside(name->ghost, image_.ghosts.size()))
      return wrong("a lost file's content");
    if (name->path.find('\0') != std::string::npos) return wrong("a path");
    return verify_space(image_, name->space, "mnt");
  }

  // It is looked up as it is told, and compared.
  Result<> expected_file(const ExpectedFileT& file) {
    TRY(name(file.name));
    const bool is_named = file.name->path.starts_with('/') && file.name->ghost == -1;
    if (!is_named || !S_ISREG(file.name->mode) || !file.name->mtime)
      return wrong("a file that it expects");
    return {};
  }

  Result<> objects() {
    for (const auto& ghost : image_.ghosts) {
      if (!ghost->mtime) return wrong("a lost file's time");
      TRY(verify_runs(image_, ghost->pages, 0,
                      (ghost->size + kPageSize - 1) / kPageSize * kPageSize, true));
    }
    for (const auto& memory : image_.shared_memory) {
      if (!known(memory->kind)) return wrong("shared memory of no kind");
      if (!can_be_huge(memory->huge_page, memory->size))
        return wrong("shared memory of huge pages");
      TRY(verify_runs(image_, memory->pages, 0,
                      (memory->size + kPageSize - 1) / kPageSize * kPageSize, true));
      TRY(verify_space(image_, memory->sysv_space, "ipc"));
    }
    for (const auto& file : image_.mapped_files) {
      if (!file) return wrong("a mapped file without a name");
      if (file->ghost != -1 && !inside(file->ghost, image_.ghosts.size()))
        return wrong("a lost file's content");
      TRY(verify_space(image_, file->space, "mnt"));
    }
    for (const auto& expected : image_.expected_files) TRY(expected_file(*expected));
    TRY(verify_ipc(image_));
    for (const auto& pipe : image_.pipes) {
      uint64_t total = 0;
      for (const PipeChunk& chunk : pipe->chunks) total += chunk.length();
      if (total != pipe->data.size()) return wrong("a pipe's content");
      if ((pipe->mode & ~kModeBits) != 0) return wrong("a pipe's mode");
    }
    return {};
  }

  Result<> terminals() {
    std::set<int> indexes;
    int of_instance = 0;
    for (const auto& terminal : image_.terminals) {
      if (terminal->index < 0 || terminal->index > kTerminalsMax ||
          !indexes.insert(terminal->index).second)
        return wrong("a terminal's number");
      of_instance += terminal->of_instance;
    }
    return of_instance > 1 ? Result<>(wrong("whose its terminals are")) : Result<>{};
  }

  // At most one of each kind.
  Result<> lives_in(const std::vector<int>& namespaces) {
    std::set<std::string_view> kinds;
    for (int index : namespaces)
      if (!inside(index, image_.namespaces.size()) ||
          !kinds.insert(image_.namespaces[static_cast<size_t>(index)]->kind).second)
        return wrong("a namespace it lives in");
    return {};
  }

  Result<> namespace_file(const NamespaceFileT& file) {
    const bool known_kind =
        std::ranges::find(kNamespaceKinds, file.kind) != std::end(kNamespaceKinds);
    const bool known_one =
        file.index == -1 || (inside(file.index, image_.namespaces.size()) &&
                             image_.namespaces[static_cast<size_t>(file.index)]->kind == file.kind);
    return known_kind && known_one ? Result<>{} : Result<>(wrong("a namespace held open"));
  }

  // Each lies in a folder that was told before it, so that nothing is ever made through a link.
  Result<> private_files() {
    std::set<std::string_view> folders;
    for (size_t i = 0; i < image_.private_files.size(); ++i) {
      const PrivateFileT& file = *image_.private_files[i];
      std::string_view path = file.path;
      size_t place = place_length(path);
      size_t parent = path.find_last_of('/') + 1;
      if (place == 0 || (parent > place && folders.count(path.substr(0, parent - 1)) == 0))
        return wrong("a private file's path");
      if (!file.mtime) return wrong("a private file's time");
      if (file.ghost != -1 && !inside(file.ghost, image_.ghosts.size()))
        return wrong("a private file's content");
      if (file.same_as != -1) {
        if (!inside(file.same_as, i)) return wrong("a private file's other name");
        const PrivateFileT& first = *image_.private_files[static_cast<size_t>(file.same_as)];
        bool same_place = std::string_view(first.path).substr(0, place) == path.substr(0, place);
        if (!same_place || first.same_as != -1 || S_ISDIR(first.mode))
          return wrong("a private file's other name");
      } else if (S_ISDIR(file.mode)) {
        folders.insert(path);
      }
    }
    return {};
  }

  Result<> locks(const std::vector<std::unique_ptr<LockT>>& locks) {
    for (const auto& lock : locks)
      if (!known(lock->kind)) return wrong("a lock");
    return {};
  }

  Result<> open_file(const OpenFileT& file) {
    // The kind's name may be there without its content.
    if (file.kind.value == nullptr) return wrong("an open file of no kind");
    TRY(locks(file.locks));
    TRY(verify_space(image_, file.network, "net"));
    switch (file.kind.type) {
      case FileKind::RegularFile:
        return name(file.kind.AsRegularFile()->name);
      case FileKind::DeviceFile:
        return name(file.kind.AsDeviceFile()->name);
      case FileKind::NamedPipe:
        if (!inside(file.kind.AsNamedPipe()->pipe, image_.pipes.size())) return wrong("a pipe");
        return name(file.kind.AsNamedPipe()->name);
      case FileKind::Pipe:
        if (!inside(file.kind.AsPipe()->pipe, image_.pipes.size())) return wrong("a pipe");
        return {};
      case FileKind::Stream:
        if ((file.kind.AsStream()->mode & ~kModeBits) != 0) return wrong("a stream's mode");
        return {};
      case FileKind::Epoll:
        for (const auto& target : file.kind.AsEpoll()->targets)
          if (!inside(target->file, image_.open_files.size()) || target->fd < 0)
            return wrong("an epoll set");
        return {};
      case FileKind::Timerfd:
        if (!file.kind.AsTimerfd()->value || !file.kind.AsTimerfd()->interval)
          return wrong("a timerfd");
        return {};
      case FileKind::Inotify:
        for (const auto& watch : file.kind.AsInotify()->watches) TRY(name(watch->name));
        return {};
      case FileKind::Memfd:
        if (!inside(file.kind.AsMemfd()->object, image_.shared_memory.size()))
          return wrong("a memfd");
        return {};
      case FileKind::Terminal:
        if (file.kind.AsTerminal()->terminal != -1 &&
            !inside(file.kind.AsTerminal()->terminal, image_.terminals.size()))
          return wrong("a terminal");
        return {};
      case FileKind::TerminalMaster:
        if (!inside(file.kind.AsTerminalMaster()->terminal, image_.terminals.size()))
          return wrong("a terminal's master");
        return {};
      case FileKind::UnixSocket:
        return unix_socket(*file.kind.AsUnixSocket());
      case FileKind::TcpSocket:
        return verify_tcp_socket(*file.kind.AsTcpSocket());
      case FileKind::UdpSocket:
        return verify_udp_socket(*file.kind.AsUdpSocket());
      case FileKind::ProcessFile:
        return is_about_process(file.kind.AsProcessFile()->path)
                   ? Result<>{}
                   : Result<>(wrong("a file about a process"));
      case FileKind::NamespaceFile:
        return namespace_file(*file.kind.AsNamespaceFile());
      case FileKind::PlainSocket:
        if (file.kind.AsPlainSocket()->name.size() > sizeof(sockaddr_storage) ||
            file.kind.AsPlainSocket()->peer_name.size() > sizeof(sockaddr_storage))
          return wrong("the name of a socket");
        return {};
      default:
        return {};
    }
  }

  // An index of a file; -1 is none.
  bool file_or_none(int index) const {
    return index == -1 || inside(index, image_.open_files.size());
  }

  Result<> unix_socket(const UnixSocketT& socket) {
    if (!known(socket.state)) return wrong("the state of a UNIX socket");
    if (socket.name.size() > kSunPathMax || socket.peer_name.size() > kSunPathMax)
      return wrong("the name of a UNIX socket");
    if (socket.file) TRY(name(socket.file));
    if (!is_unix_socket_or_none(socket.peer)) return wrong("the peer of a UNIX socket");
    for (const auto& waiting : socket.waiting) {
      if (!is_unix_socket_or_none(waiting->client) || waiting->client_name.size() > kSunPathMax)
        return wrong("who waits for a UNIX socket");
      if (waiting->client >= 0 && !waiting_.insert(waiting->client).second)
        return wrong("who waits for two UNIX sockets");
      TRY(unix_messages(waiting->messages));
    }
    return unix_messages(socket.messages);
  }

  Result<> unix_messages(const std::vector<std::unique_ptr<UnixMessageT>>& messages) {
    for (const auto& message : messages) {
      if (message->from.size() > kSunPathMax) return wrong("the sender of a message");
      if (message->urgent && message->data.size() != 1) return wrong("a byte out of band");
      for (int file : message->files)
        if (!inside(file, image_.open_files.size())) return wrong("a file on its way");
    }
    return {};
  }

  bool is_unix_socket_or_none(int index) const {
    if (!file_or_none(index)) return false;
    return index == -1 ||
           image_.open_files[static_cast<size_t>(index)]->kind.AsUnixSocket() != nullptr;
  }

  Result<> process(const ProcessT& process) {
    if (process.parent != 1 && pids_.count(process.parent) == 0) return wrong("its parent");
    if (process.pid < 2 || process.pid > kPidMax || !ids_.insert(process.pid).second)
      return wrong("its id");
    pids_.insert(process.pid);
    if (!known(process.state)) return wrong("its state");
    if (process.group < 0 || process.group > kPidMax || process.session < 0 ||
        process.session > kPidMax)
      return wrong("its group or session");
    TRY(lives_in(process.namespaces));
    if (process.state == ProcessState::zombie) return {};
    some_process_lives_ = true;
    living_.insert(process.pid);
    if (process.threads.empty()) return wrong("it has no threads");
    for (size_t i = 0; i < process.threads.size(); ++i) TRY(thread(process, i));
    for (const auto& signal : process.pending)
      if (signal->info.size() != kSigInfoBytes) return wrong("a pending signal");
    if (process.actions.size() != kSignals) return wrong("its signal actions");
    if (process.interval_timers.size() != 3) return wrong("its interval timers");
    for (const auto& timer : process.posix_timers)
      if (!timer->value || !timer->interval || !expired_possibly(*timer)) return wrong("a timer");
    TRY(name(process.cwd));
    TRY(name(process.root));
    int last = -1;
    for (const auto& descriptor : process.descriptors) {
      if (descriptor->fd <= last || !inside(descriptor->file, image_.open_files.size()))
        return wrong("descriptor " + std::to_string(descriptor->fd));
      last = descriptor->fd;
      TRY(locks(descriptor->locks));
    }
    if (!process.address_space) return wrong("it has no memory");
    TRY(name(process.address_space->exe));
    return verify_memory(image_, *process.address_space);
  }

  // It is reckoned with how long it took to expire so often.
  static bool expired_possibly(const PosixTimerT& timer) {
    constexpr int64_t kSecondsMax = 1'000'000'000;
    if (timer.waiting_overrun < 0) return true;
    const int64_t period = timer.interval->sec(), due = timer.value->sec();
    return period >= 0 && due >= 0 && due <= kSecondsMax &&
           period <= kSecondsMax / (int64_t{timer.waiting_overrun} + 1);
  }

  Result<> continued_children(const ProcessT& parent) {
    for (int pid : parent.continued_children) {
      auto is_it = [&](const auto& process) {
        return process->pid == pid && process->parent == parent.pid;
      };
      auto child = std::find_if(image_.processes.begin(), image_.processes.end(), is_it);
      const bool may_be = child != image_.processes.end() &&
                          (*child)->state != ProcessState::zombie &&
                          (*child)->state != ProcessState::stopped;
      if (!may_be || parent.state == ProcessState::zombie)
        return wrong("a child that went on after a stop");
    }
    return {};
  }

  Result<> thread(const ProcessT& process, size_t index) {
    const ThreadT& thread = *process.threads[index];
    if (thread.tid < 2 || thread.tid > kPidMax) return wrong("a thread's id");
    // The leader comes first, and its id is the process's; one that has exited is not listed.
    bool leads = thread.tid == process.pid;
    bool may_lead = index == 0 && process.state != ProcessState::leader_exited;
    if (leads != may_lead || (!leads && !ids_.insert(thread.tid).second))
      return wrong("a thread's id");
    if (!thread.credentials || !thread.scheduling) return wrong("a thread's credentials");
    if (thread.credentials->uid.size() != 4 || thread.credentials->gid.size() != 4)
      return wrong("a thread's credentials");
    if (!thread.alt_stack || !thread.rseq) return wrong("what a thread has registered");
    if (thread.registers.size() != kRegisterBytes) return wrong("a thread's registers");
    if (!thread.has_namespaces && !thread.namespaces.empty())
      return wrong("the namespaces of a thread");
    TRY(lives_in(thread.namespaces));
    if (thread.folders_of != 0 &&
        (thread.folders || std::ranges::none_of(process.threads, [&](const auto& other) {
           return other->tid == thread.folders_of && other->folders;
         })))
      return wrong("whose folders a thread has");
    if (thread.folders) {
      TRY(name(thread.folders->cwd));
      TRY(name(thread.folders->root));
    }
    if (thread.waiting && thread.waiting->args.size() != kCallArguments)
      return wrong("the call a thread waits in");
    for (const auto& signal : thread.pending)
      if (signal->info.size() != kSigInfoBytes) return wrong("a pending signal");
    for (const auto& filter : thread.filters)
      if (filter->instructions.size() % 8 != 0) return wrong("a seccomp filter");
    return {};
  }

  const ImageT& image_;
  std::set<int> pids_;     // of processes
  std::set<int> ids_;      // of processes and threads
  std::set<int> living_;   // processes that are not dead
  std::set<int> waiting_;  // clients that have not been accepted
  bool some_process_lives_ = false;
};

}  // namespace

Result<> verify_references(const ImageT& image) { return Verifier(image).run(); }

}  // namespace appshot::image
