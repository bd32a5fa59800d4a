// An image with something in every table of the schema, for tests and as a seed for the fuzzer.
#pragma once

#include <signal.h>
#include <sys/socket.h>
#include <xxhash.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "image/format.h"
#include "image/schema/values.h"

namespace appshot::image {

inline std::unique_ptr<FileNameT> named(const std::string& path, int ghost = -1) {
  auto name = std::make_unique<FileNameT>();
  name->path = path;
  name->device = 0x801;
  name->inode = 77;
  name->size = 4096;
  name->mtime = std::make_unique<Time>(1700000000, 5);
  name->mode = 0100644;
  name->build_id = {1, 2, 3, 4};
  name->ghost = ghost;
  return name;
}

inline std::unique_ptr<QueuedSignalT> queued_signal(uint8_t number) {
  auto signal = std::make_unique<QueuedSignalT>();
  signal->info.resize(128);
  signal->info[0] = number;
  return signal;
}

template <typename Kind>
void add_open_file(ImageT& image, Kind kind) {
  auto file = std::make_unique<OpenFileT>();
  file->kind.Set(std::move(kind));
  file->flags = 2;
  file->offset = 12;
  image.open_files.push_back(std::move(file));
}

inline std::unique_ptr<ThreadT> rich_thread(int tid) {
  auto thread = std::make_unique<ThreadT>();
  thread->tid = tid;
  thread->name = "worker";
  thread->registers.resize(27 * 8, 0x11);
  thread->xstate.resize(832, 0x22);
  thread->blocked = 0x10000;
  thread->alt_stack = std::make_unique<AltStack>(0x7000, 0, 8192);
  thread->rseq = std::make_unique<Rseq>(0x8000, 32, 0x53053053, 0);
  thread->credentials = std::make_unique<CredentialsT>();
  thread->credentials->uid = {0, 1, 2, 3};
  thread->credentials->gid = {4, 5, 6, 7};
  thread->credentials->groups = {10, 11};
  thread->scheduling = std::make_unique<SchedulingT>();
  thread->scheduling->affinity = {3};
  thread->filters.push_back(std::make_unique<SeccompFilterT>());
  thread->filters.back()->instructions.resize(16, 6);
  thread->pending.push_back(queued_signal(34));
  thread->waiting = std::make_unique<WaitingT>();
  thread->waiting->syscall = 35;
  thread->waiting->args = {1, 2, 3, 4, 5, 6};
  thread->waiting->end = std::make_unique<Time>(1, 2);
  return thread;
}

inline std::unique_ptr<MappingT> rich_mapping(uint64_t start, uint64_t end, MappingKind kind,
                                              int object) {
  auto mapping = std::make_unique<MappingT>();
  mapping->start = start;
  mapping->end = end;
  mapping->prot = 3;
  mapping->kind = kind;
  mapping->object = object;
  return mapping;
}

inline std::unique_ptr<AddressSpaceT> rich_address_space() {
  auto space = std::make_unique<AddressSpaceT>();
  space->mappings.push_back(rich_mapping(0x400000, 0x401000, MappingKind::file, 0));
  auto heap = rich_mapping(0x500000, 0x504000, MappingKind::anonymous, -1);
  heap->pages = {PageRun(0x500000, 0x1000, 0), PageRun(0x502000, 0x2000, 0x1000)};
  heap->guards = {PageRun(0x501000, 0x1000, 0)};
  space->mappings.push_back(std::move(heap));
  space->mappings.push_back(rich_mapping(0x600000, 0x602000, MappingKind::shared_memory, 0));
  space->mappings.push_back(rich_mapping(0x7fff0000, 0x7fff2000, MappingKind::vdso, -1));
  space->mappings.push_back(rich_mapping(~0x9fffffULL, ~0x9fefffULL, MappingKind::vsyscall, -1));
  space->marks = std::make_unique<AddressMarks>(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  space->auxv.resize(64, 9);
  space->exe = named("/usr/bin/web");
  return space;
}

inline std::unique_ptr<ProcessT> rich_process(int pid, int parent) {
  auto process = std::make_unique<ProcessT>();
  process->pid = pid;
  process->parent = parent;
  process->group = process->session = 2;
  process->name = "web";
  process->threads.push_back(rich_thread(pid));
  process->threads.push_back(rich_thread(pid + 100));
  process->threads.back()->folders = std::make_unique<FoldersT>();
  process->threads.back()->folders->cwd = named("/srv/own");
  process->threads.back()->folders->root = named("/");
  process->address_space = rich_address_space();
  process->cwd = named("/srv");
  process->root = named("/");
  process->actions.resize(64);
  process->pending.push_back(queued_signal(10));
  process->interval_timers.resize(3);
  auto timer = std::make_unique<PosixTimerT>();
  timer->value = std::make_unique<Time>(1, 0);
  timer->interval = std::make_unique<Time>(0, 500);
  timer->waiting_overrun = 3;
  process->posix_timers.push_back(std::move(timer));
  process->limits.push_back(std::make_unique<LimitT>());
  for (int fd : {0, 1, 5}) {
    auto descriptor = std::make_unique<DescriptorT>();
    descriptor->fd = fd;
    descriptor->file = fd;
    descriptor->locks.push_back(std::make_unique<LockT>());
    process->descriptors.push_back(std::move(descriptor));
  }
  return process;
}

// A child for which a thread of the first process waits in vfork.
inline void add_awaited(ImageT& image) {
  ThreadT& waiter = *image.processes.front()->threads.back();
  waiter.waiting.reset();
  waiter.awaited = 5;
  waiter.has_namespaces = true;
  waiter.namespaces = {0};
  auto child = rich_process(5, 2);
  child->threads.resize(1);
  child->shares_memory = true;
  child->address_space->mappings.clear();
  image.processes.push_back(std::move(child));
}

inline std::unique_ptr<PrivateFileT> private_file(const std::string& path, uint32_t mode) {
  auto file = std::make_unique<PrivateFileT>();
  file->path = path;
  file->mode = mode;
  file->mtime = std::make_unique<Time>(1, 1);
  return file;
}

inline void add_open_files(ImageT& image) {
  add_open_file(image, RegularFileT());
  image.open_files.back()->kind.AsRegularFile()->name = named("/srv/log", 0);
  image.open_files.back()->owner = std::make_unique<OwnerT>();
  image.open_files.back()->locks.push_back(std::make_unique<LockT>());
  add_open_file(image, DeviceFileT());
  image.open_files.back()->kind.AsDeviceFile()->name = named("/dev/null");
  add_open_file(image, NamedPipeT());
  image.open_files.back()->kind.AsNamedPipe()->name = named("/srv/fifo");
  add_open_file(image, PipeT());
  EpollT epoll;
  epoll.targets.push_back(std::make_unique<EpollTargetT>());
  add_open_file(image, std::move(epoll));
  TimerfdT timer;
  timer.value = std::make_unique<Time>(1, 2);
  timer.interval = std::make_unique<Time>(3, 4);
  add_open_file(image, std::move(timer));
  InotifyT inotify;
  inotify.watches.push_back(std::make_unique<InotifyWatchT>());
  inotify.watches.back()->name = named("/srv");
  add_open_file(image, std::move(inotify));
  add_open_file(image, MemfdT());
  add_open_file(image, EventfdT());
  add_open_file(image, SignalfdT());
  add_open_file(image, PidfdT());
  add_open_file(image, MessageQueueFileT());
  add_open_file(image, TerminalT());
  add_open_file(image, TerminalMasterT());
  add_open_file(image, StreamT());
  UnixSocketT socket;
  socket.name = {'/', 's'};
  socket.file = named("/s");
  socket.peer_identity = std::make_unique<IdentityT>();
  socket.messages.push_back(std::make_unique<UnixMessageT>());
  socket.messages.back()->files = {0};
  socket.messages.back()->sender = std::make_unique<IdentityT>();
  socket.messages.push_back(std::make_unique<UnixMessageT>());
  socket.messages.back()->data = {'!'};
  socket.messages.back()->urgent = true;
  socket.options.push_back(std::make_unique<SocketOptionT>());
  socket.waiting.push_back(std::make_unique<UnixWaitingT>());
  socket.waiting.back()->client_name = {0, 'c'};
  socket.waiting.back()->identity = std::make_unique<IdentityT>();
  socket.waiting.back()->options.push_back(std::make_unique<SocketOptionT>());
  socket.waiting.back()->messages.push_back(std::make_unique<UnixMessageT>());
  socket.waiting.back()->messages.back()->files = {1};
  add_open_file(image, std::move(socket));
  TcpSocketT tcp;
  tcp.domain = AF_INET;
  tcp.name = tcp.peer_name = {AF_INET, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  tcp.connection = std::make_unique<TcpConnectionT>();
  tcp.connection->window = std::make_unique<TcpWindow>(1, 2, 3, 4, 5);
  tcp.to_send = {1, 2, 3};
  tcp.unsent = 1;
  tcp.outside = true;
  tcp.to_read = {4, 5};
  tcp.urgent_at = 1;
  tcp.waiting.push_back(std::make_unique<TcpSocketT>());
  tcp.waiting.back()->domain = AF_INET;
  tcp.waiting.back()->state = 1;  // established
  tcp.waiting.back()->name = tcp.waiting.back()->peer_name = tcp.name;
  tcp.waiting.back()->connection = std::make_unique<TcpConnectionT>();
  tcp.waiting.back()->connection->window = std::make_unique<TcpWindow>(1, 2, 3, 4, 5);
  tcp.waiting.back()->to_read = {1};
  add_open_file(image, std::move(tcp));
  auto unowned = std::make_unique<UnownedTcpT>();
  unowned->socket = std::make_unique<TcpSocketT>();
  unowned->socket->domain = AF_INET;
  unowned->socket->state = 4;  // it has finished
  unowned->socket->name =
      unowned->socket->peer_name = {AF_INET, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  unowned->socket->connection = std::make_unique<TcpConnectionT>();
  unowned->socket->connection->window = std::make_unique<TcpWindow>(1, 2, 3, 4, 5);
  unowned->socket->to_send = {1};
  image.unowned_tcp.push_back(std::move(unowned));
  image.ended_tcp.emplace_back(0, 1, 0, 2, 3, 4, 5, 6, 7, 8, 80, 81, AF_INET, 6, 7, 1);
  UdpSocketT udp;
  udp.domain = AF_INET;
  udp.datagrams.push_back(std::make_unique<DatagramT>());
  udp.errors.push_back(std::make_unique<ErrorPacketT>());
  udp.begun = std::make_unique<BegunDatagramT>();
  udp.begun->to = {AF_INET, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  add_open_file(image, std::move(udp));
  image.open_files.back()->network = 3;
  PlainSocketT raw;
  raw.packets.push_back(std::make_unique<RawPacketT>());
  raw.packets.back()->data = {0x45, 0};
  add_open_file(image, std::move(raw));
  ProcessFileT about;
  about.path = "2/task/102/status";
  add_open_file(image, std::move(about));
  NamespaceFileT space;
  space.kind = "net";
  add_open_file(image, space);
  space.kind = "uts";
  space.index = 0;
  add_open_file(image, std::move(space));
}

inline void add_ipc(ImageT& image) {
  image.sysv_shm.push_back(std::make_unique<SysvShmT>());
  image.sysv_shm.back()->permissions = std::make_unique<IpcPermissionsT>();
  image.sysv_shm.back()->space = 1;
  image.sysv_sem.push_back(std::make_unique<SysvSemT>());
  image.sysv_sem.back()->permissions = std::make_unique<IpcPermissionsT>();
  image.sysv_sem.back()->values = {1, 2};
  image.sysv_queues.push_back(std::make_unique<SysvQueueT>());
  image.sysv_queues.back()->permissions = std::make_unique<IpcPermissionsT>();
  image.sysv_queues.back()->messages.push_back(std::make_unique<SysvMessageT>());
  image.message_queues.push_back(std::make_unique<MessageQueueT>());
  image.message_queues.back()->name = "/jobs";
  image.message_queues.back()->space = 1;
  image.message_queues.back()->messages.push_back(std::make_unique<PosixMessageT>());
}

// The third namespace: the instance's own root with a tmpfs on it; and in the instance's own one
// that is kept, one that is gone, and one that is made.
inline void add_mounts(ImageT& image) {
  for (const char* place : {"/", ""}) {
    image.file_systems.push_back(std::make_unique<FileSystemT>());
    image.file_systems.back()->place = place;
    image.file_systems.back()->type = "tmpfs";
  }
  image.file_systems.back()->options = "rw,size=4k";
  image.file_systems.back()->folder = private_file("", 041777);
  auto add = [&](MountKind kind, int space, int parent, const char* point, int system) {
    image.mounts.push_back(std::make_unique<MountT>());
    MountT& mount = *image.mounts.back();
    mount.kind = kind;
    mount.space = space;
    mount.parent = parent;
    mount.point = point;
    mount.file_system = system;
  };
  add(MountKind::gone, -1, -1, "/dev/mqueue", -1);
  add(MountKind::kept, -1, -1, "/", -1);
  add(MountKind::made, -1, 1, "mnt", 1);
  add(MountKind::made, 2, -1, "", 0);
  add(MountKind::made, 2, 3, "srv/x", 1);
  image.mounts.back()->root = "file";
  image.mounts.back()->group = 3;
}

// In a pid and a user namespace of its own: its ids there, from `first` on.
inline void add_nested_ids(ProcessT& process, int first) {
  process.namespaces.push_back(4);
  process.namespaces.push_back(5);
  process.nested_ids = {first};
  process.nested_groups = process.nested_sessions = {0};
  for (size_t i = 0; i < process.threads.size(); ++i)
    process.threads[i]->nested_ids = {first + static_cast<int>(i)};
}

// The second process stands before a signal, for the first.
inline void add_tracing(ImageT& image) {
  ThreadT& thread = *image.processes[1]->threads.front();
  thread.traced = std::make_unique<TracedT>();
  thread.traced->tracer = 2;
  thread.traced->stop = TraceStop::signal;
  thread.traced->signal = SIGTRAP;
  thread.traced->signal_info.resize(128);
  thread.traced->signal_info[0] = SIGTRAP;
  thread.debug_registers = {0x1000, 0, 0, 0, 0, 1};
}

// Two living processes with two threads each and a zombie. `pages` becomes its pages file.
inline ImageT rich_image(const std::string& pages = std::string(0x6000, 'p')) {
  ImageT image;
  image.version = kFormatVersion;
  image.id = "s-1";
  image.aid = "web";
  image.parent = "s-0";
  image.created_ms = 1700000000000;
  image.argv = {"web", "--port", "80"};
  image.share = {"net"};
  image.host_name = "web";
  image.clock_monotonic = std::make_unique<Time>(5, 6);
  image.clock_boottime = std::make_unique<Time>(7, 8);
  image.machine = std::make_unique<MachineT>();
  image.machine->page_size = kPageSize;
  image.machine->cpu_features = {"sse2", "avx"};
  image.pages_block = kPagesBlock;
  image.pages.push_back(std::make_unique<PagesPartT>());
  image.pages.back()->file = kPagesName;
  image.pages.back()->length = pages.size();
  for (size_t at = 0; at < pages.size(); at += kPagesBlock)
    image.pages.back()->checksums.push_back(
        XXH3_64bits(pages.data() + at, std::min<size_t>(kPagesBlock, pages.size() - at)));

  for (const char* kind : {"uts", "ipc", "mnt", "net", "user", "pid", "time"}) {
    image.namespaces.push_back(std::make_unique<NamespaceT>());
    image.namespaces.back()->kind = kind;
  }
  image.namespaces.front()->host_name = "inner";
  for (int space : {-1, 3}) {
    image.networks.push_back(std::make_unique<NetworkT>());
    NetworkT& network = *image.networks.back();
    network.space = space;
    network.settings.push_back(std::make_unique<SettingT>());
    network.settings.back()->path = "/proc/sys/net/ipv4/ip_forward";
    network.devices.push_back(std::make_unique<NetworkObjectT>());
    network.devices.back()->body = {0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  }
  image.network_cables.emplace_back(-1, 3, 3, 3);
  image.namespaces[4]->users = image.namespaces[4]->groups = {IdRange(0, 1000, 10)};
  image.namespaces[4]->groups_denied = true;
  image.namespaces[4]->maker = 1000;
  image.namespaces[5]->owner = 4;
  image.namespaces[6]->monotonic_ahead = std::make_unique<Time>(5, 0);
  image.namespaces[6]->boottime_ahead = std::make_unique<Time>(7, 0);
  image.processes.push_back(rich_process(2, 1));
  image.processes.push_back(rich_process(3, 2));
  image.processes.front()->continued_children = {3};
  image.processes.front()->namespaces = {0, 1, 2, 3, 6};
  image.processes.front()->space_of_children = 5;
  add_nested_ids(*image.processes.back(), 1);
  image.processes.front()->cwd->space = 2;
  auto zombie = std::make_unique<ProcessT>();
  zombie->pid = 4;
  zombie->parent = 3;
  zombie->state = ProcessState::zombie;
  add_nested_ids(*zombie, 5);
  image.processes.push_back(std::move(zombie));
  add_awaited(image);

  add_tracing(image);
  add_open_files(image);
  add_ipc(image);
  image.mapped_files.push_back(named("/usr/bin/web"));
  image.expected_files.push_back(std::make_unique<ExpectedFileT>());
  image.expected_files.back()->name = named("/srv/data");
  image.expected_files.back()->sum = std::make_unique<ContentSum>(8, 9);
  image.shared_memory.push_back(std::make_unique<SharedMemoryT>());
  image.shared_memory.back()->size = 0x2000;
  image.shared_memory.back()->sysv_space = 1;
  image.shared_memory.back()->pages = {PageRun(0x1000, 0x1000, 0x3000)};
  image.pipes.push_back(std::make_unique<PipeBufferT>());
  image.pipes.back()->data = {'a', 'b', 'c'};
  image.pipes.back()->mode = 0640;
  image.pipes.back()->uid = image.pipes.back()->gid = 33;
  image.pipes.back()->chunks = {PipeChunk(1, false), PipeChunk(2, true)};
  image.ghosts.push_back(std::make_unique<GhostT>());
  image.ghosts.back()->size = 5000;
  image.ghosts.back()->mtime = std::make_unique<Time>(1, 2);
  image.ghosts.back()->pages = {PageRun(0, 0x2000, 0x4000)};
  image.private_files.push_back(private_file("layers/root/etc", 040755));
  image.private_files.push_back(private_file("layers/root/etc/web", 0100644));
  image.private_files.back()->ghost = 0;
  image.private_files.back()->attributes.push_back(std::make_unique<AttributeT>());
  image.private_files.push_back(private_file("layers/root/etc/web.link", 0100644));
  image.private_files.back()->same_as = 1;
  image.private_files.push_back(private_file("shm/counter", 0100600));
  image.private_files.push_back(private_file("mounts/1/file", 0100644));
  image.private_files.push_back(private_file("dev/own", 0100644));
  add_mounts(image);
  image.terminals.push_back(std::make_unique<TerminalStateT>());
  image.terminals.back()->typed = {'l', 's'};
  return image;
}

}  // namespace appshot::image
