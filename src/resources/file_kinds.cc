// The kinds that a descriptor can be, in the order in which they are tried.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "resources/epoll/epoll.h"
#include "resources/eventfd/eventfd.h"
#include "resources/file_kind.h"
#include "resources/files/device_file.h"
#include "resources/files/regular_file.h"
#include "resources/inotify/inotify.h"
#include "resources/memfd/memfd.h"
#include "resources/mqueue/mqueue.h"
#include "resources/obstacles.h"
#include "resources/pidfd/pidfd.h"
#include "resources/pipes/pipe.h"
#include "resources/plain_sockets/plain_socket.h"
#include "resources/process_files/namespace_file.h"
#include "resources/process_files/process_file.h"
#include "resources/signalfd/signalfd.h"
#include "resources/streams/stream.h"
#include "resources/tcp/tcp_socket.h"
#include "resources/terminals/terminal.h"
#include "resources/timerfd/timerfd.h"
#include "resources/udp/udp_socket.h"
#include "resources/unix_sockets/unix_socket.h"

namespace appshot {
namespace {

const streams::Stream kStream;
const terminals::Terminal kTerminal;
const pipes::Pipe kPipe;
const pipes::NamedPipe kNamedPipe;
const memfds::Memfd kMemfd;
const mqueues::MessageQueue kMessageQueue;
const files::RegularFile kRegularFile;
const files::DeviceFile kDeviceFile;
const eventfds::Eventfd kEventfd;
const timerfds::Timerfd kTimerfd;
const signalfds::Signalfd kSignalfd;
const epolls::Epoll kEpoll;
const inotifies::Inotify kInotify;
const pidfds::Pidfd kPidfd;
const unix_sockets::UnixSocket kUnixSocket;
const tcp::TcpSocket kTcpSocket;
const udp::UdpSocket kUdpSocket;
const terminals::TerminalMaster kTerminalMaster;
const plain_sockets::PlainSocket kPlainSocket;
const process_files::ProcessFile kProcessFile;
const process_files::NamespaceFile kNamespaceFile;

const FileKind* const kKinds[] = {
    &kStream,      &kTerminal,     &kPipe,         &kNamedPipe, &kMemfd,     &kRegularFile,
    &kDeviceFile,  &kEventfd,      &kTimerfd,      &kSignalfd,  &kEpoll,     &kInotify,
    &kPidfd,       &kMessageQueue, &kUnixSocket,   &kTcpSocket, &kUdpSocket, &kTerminalMaster,
    &kPlainSocket, &kProcessFile,  &kNamespaceFile};

struct Unknown {
  std::string_view link;  // how /proc shows it, from the beginning
  const char* what;
  const char* hint;
};

constexpr Unknown kUnknown[] = {
    {"socket:", "a socket of a kind that this version cannot capture yet",
     "close it before the snapshot"},
    {"anon_inode:[io_uring]", "an io_uring",
     "start the program without --allow-io-uring: it will use epoll"},
    {"anon_inode:[userfaultfd]", "a userfaultfd", "end its use first"},
    {"anon_inode:[perf_event]", "a perf event counter, which belongs to this machine", "close it"},
    {"anon_inode:bpf", "a BPF object, which belongs to this machine's kernel", "close it"},
    {"anon_inode:[fanotify]", "a fanotify group", "use inotify, or close it"},
    {"anon_inode:[landlock", "a Landlock ruleset", "close it"},
    {"anon_inode:seccomp", "a seccomp listener, whose filter waits for an answer from here",
     "close it"},
    {"anon_inode:kvm", "a virtual machine of /dev/kvm", "close it"},
    {"anon_inode:", "an object of a kind this version does not know", "close it"},
    {"/secretmem", "secret memory, which nobody but its process can read", "end its use first"},
    {"/proc/pressure/", "a watch of the machine's load", "close it before the snapshot"},
    {"/sys/", "a file of /sys, whose content belongs to this machine",
     "close it before the snapshot"},
};

}  // namespace

const FileKind* find_file_kind(const DescriptorRef& ref) {
  for (const FileKind* kind : kKinds)
    if (kind->recognises(ref)) return kind;
  return nullptr;
}

const FileKind* find_file_kind(image::FileKind type) {
  for (const FileKind* kind : kKinds)
    if (kind->type() == type) return kind;
  return nullptr;
}

bool is_made_late(const image::OpenFileT& file) {
  const FileKind* kind = find_file_kind(file.kind.type);
  return kind != nullptr && kind->made_late(file);
}

Obstacle explain_unknown(const DescriptorRef& ref) {
  const DescriptorSource& d = ref.descriptor;
  std::string where = ref.process.words() + " has descriptor " + std::to_string(d.fd) + " open on ";
  if (S_ISCHR(d.info.st_mode) || S_ISBLK(d.info.st_mode))
    return {where + d.link + ", a device that cannot be captured", "close it before the snapshot"};
  for (const Unknown& unknown : kUnknown)
    if (d.link.starts_with(unknown.link))
      return {where + d.link + ", " + unknown.what, unknown.hint};
  return {where + d.link + ", of a kind this version does not know",
          "close it before the snapshot"};
}

}  // namespace appshot
