#include "resources/unix_sockets/messages.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

#include "os/kernel_sockets.h"
#include "resources/empty_messages.h"
#include "resources/sockets.h"
#include "resources/unix_sockets/identities.h"

namespace appshot::unix_sockets {
namespace {

constexpr size_t kMessageMax = 8 << 20;  // untouched, it costs nothing
constexpr size_t kControlMax = 4096;     // all that can come with one message
constexpr int kScmMaxFiles = 253;

struct Peeked {
  ssize_t bytes = 0;
  sockaddr_un from{};
  socklen_t from_length = 0;
  std::vector<UniqueFd> files;
  ucred sender{};
  bool has_sender = false;
  bool is_message = false;  // else the end of what is there
  bool is_urgent = false;
};

bool is_stream(int socket) { return number_of(socket, SO_TYPE).value_or(0) == SOCK_STREAM; }

// Walks through a queue from its beginning. Readers of the socket must stand still: where a peek
// begins is a setting of the socket, put back when this goes.
class QueueWalk {
 public:
  // `urgent_at`: so many bytes before one that was sent out of band, which then is seen among the
  // others, and by itself.
  static Result<QueueWalk> begin(int socket, std::optional<size_t> urgent_at) {
    QueueWalk walk(socket, is_stream(socket), urgent_at);
    walk.offset_before_ = TRY(number_of(socket, SO_PEEK_OFF));
    walk.credentials_before_ = TRY(number_of(socket, SO_PASSCRED));
    TRY_SYS(::ioctl(socket, FIONREAD, &walk.left_));
    if (urgent_at) {
      walk.inline_before_ = TRY(number_of(socket, SO_OOBINLINE));
      TRY(walk.set(SO_OOBINLINE, 1));
    }
    TRY(walk.set(SO_PASSCRED, 1));  // else nobody is told of any
    TRY(walk.set(SO_PEEK_OFF, 0));
    return walk;
  }
  QueueWalk(QueueWalk&& other) noexcept = default;
  QueueWalk& operator=(QueueWalk&&) = delete;
  ~QueueWalk() {
    if (!data_) return;
    (void)set(SO_PEEK_OFF, offset_before_);
    (void)set(SO_PASSCRED, credentials_before_);
    if (urgent_at_) (void)set(SO_OOBINLINE, inline_before_);
  }

  // Not a message: there are no more. A stream is walked through no further than what it holds:
  // behind that an error may wait, and whoever meets it takes it.
  Result<Peeked> next() {
    if (stream_ && left_ <= 0) return Peeked();
    Peeked message = TRY(peek());
    message.is_urgent = urgent_at_ && walked_ == *urgent_at_;
    left_ -= static_cast<int>(message.bytes);
    walked_ += static_cast<size_t>(message.bytes);
    return message;
  }

  Result<bool> begins_with_empty() {
    TRY(set(SO_PEEK_OFF, -1));
    const Peeked first = TRY(peek());
    return first.is_message && first.bytes == 0;
  }

  const uint8_t* data() const { return data_.get(); }

 private:
  QueueWalk(int socket, bool stream, std::optional<size_t> urgent_at)
      : socket_(socket), stream_(stream), urgent_at_(urgent_at), data_(new uint8_t[kMessageMax]) {}

  size_t up_to_urgent() const {
    if (!urgent_at_ || walked_ > *urgent_at_) return kMessageMax;
    return std::clamp(*urgent_at_ - walked_, size_t{1}, kMessageMax);
  }

  Result<Peeked> peek() {
    Peeked message;
    iovec part{data_.get(), up_to_urgent()};
    alignas(cmsghdr) char control[kControlMax];
    msghdr header{};
    header.msg_name = &message.from;
    header.msg_namelen = sizeof message.from;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    message.bytes = ::recvmsg(socket_, &header, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (message.bytes < 0) {
      // A listener, or one that was never connected, has no queue.
      if (errno == EAGAIN || errno == EINVAL || errno == ENOTCONN || errno == ECONNRESET)
        return Peeked();
      return Error::from_errno(errno, "recvmsg(MSG_PEEK)");
    }
    message.is_message = message.bytes > 0;
    message.from_length = header.msg_namelen;
    for (cmsghdr* piece = CMSG_FIRSTHDR(&header); piece != nullptr;
         piece = CMSG_NXTHDR(&header, piece))
      take(*piece, message);
    if (!stream_ && (header.msg_flags & MSG_TRUNC) != 0)
      return Error(ErrorClass::refused, "a message in a UNIX socket is longer than 8 MiB");
    if ((header.msg_flags & MSG_CTRUNC) != 0)
      return Error(ErrorClass::exhausted,
                   "there is no room to look at the descriptors that are on their way")
          .hint("start appshotd with a higher limit (ulimit -Hn, or LimitNOFILE in its unit)");
    return message;
  }

  Result<> set(int name, int value) const {
    TRY_SYS(::setsockopt(socket_, SOL_SOCKET, name, &value, sizeof value));
    return {};
  }

  void take(const cmsghdr& part, Peeked& message) const {
    if (part.cmsg_level != SOL_SOCKET) return;
    if (part.cmsg_type == SCM_CREDENTIALS) {
      // Each message has them now, if only those of nobody; an empty one shows by them.
      std::memcpy(&message.sender, CMSG_DATA(&part), sizeof message.sender);
      message.is_message |= !stream_;
      message.has_sender = message.sender.pid != 0;
    }
    if (part.cmsg_type != SCM_RIGHTS) return;
    const size_t count = (part.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(&part) + i * sizeof fd, sizeof fd);
      message.files.emplace_back(fd);
    }
  }

  int socket_;
  bool stream_;
  std::optional<size_t> urgent_at_;
  size_t walked_ = 0;
  std::unique_ptr<uint8_t[]> data_;
  int left_ = 0;  // of a stream
  int offset_before_ = -1;
  int credentials_before_ = 0;
  int inline_before_ = 0;
};

// Where the byte is that was sent out of band; none: there is none that nobody has taken.
Result<std::optional<size_t>> place_of_urgent(CaptureContext& context, int socket) {
  if (!is_stream(socket) || !has_event(socket, POLLPRI)) return std::optional<size_t>();
  KernelView* kernel = context.kernel();
  if (kernel == nullptr)
    return Error(ErrorClass::refused,
                 "a UNIX socket holds a byte that was sent out of band (where it is only the "
                 "kernel's memory tells, which cannot be read)")
        .hint("let its receiver take it first");
  return bytes_before_urgent(*kernel, socket);
}

std::vector<uint8_t> path_bytes(const Peeked& peeked) {
  constexpr socklen_t kBefore = offsetof(sockaddr_un, sun_path);
  if (peeked.from_length <= kBefore) return {};
  const char* path = peeked.from.sun_path;
  size_t length = peeked.from_length - kBefore;
  if (path[0] != 0) length = ::strnlen(path, length);
  return {path, path + length};
}

using Messages = std::vector<std::unique_ptr<image::UnixMessageT>>;

std::unique_ptr<image::UnixMessageT> record(const Peeked& peeked, const uint8_t* from,
                                            const uint8_t* to) {
  auto message = std::make_unique<image::UnixMessageT>();
  message->data.assign(from, to);
  message->from = path_bytes(peeked);
  if (peeked.has_sender) {
    message->sender = std::make_unique<image::IdentityT>();
    message->sender->pid = peeked.sender.pid;
    message->sender->uid = peeked.sender.uid;
    message->sender->gid = peeked.sender.gid;
  }
  return message;
}

Result<> add(CaptureContext& context, Peeked& peeked, const uint8_t* data, bool stream,
             Messages& messages) {
  const uint8_t* end = data + peeked.bytes;
  // A peek into a stream ends with the bytes that its descriptors were sent with, and nobody tells
  // where those begin. With the last of them they arrive in time for whoever reads them all.
  if (stream && !peeked.files.empty() && peeked.bytes > 1) {
    messages.push_back(record(peeked, data, end - 1));
    data = end - 1;
  }
  messages.push_back(record(peeked, data, end));
  messages.back()->urgent = peeked.is_urgent;
  for (UniqueFd& file : peeked.files)
    messages.back()->files.push_back(
        TRY(context.keep_in_flight(std::move(file), "on its way through a UNIX socket")));
  return {};
}

// The empty ones that the walk has passed over.
void put_in(const std::vector<SeenMessage>& queue, Messages& messages) {
  for (size_t i = 0; i < queue.size(); ++i) {
    const bool is_there = i < messages.size() && messages[i]->data.size() == queue[i].bytes;
    if (is_there) continue;
    auto empty = std::make_unique<image::UnixMessageT>();
    empty->from = queue[i].from;
    messages.insert(messages.begin() + static_cast<ptrdiff_t>(i), std::move(empty));
  }
}

Result<Messages> walk_through(CaptureContext& context, int socket) {
  Messages messages;
  QueueWalk walk = TRY(QueueWalk::begin(socket, TRY(place_of_urgent(context, socket))));
  for (;;) {
    Peeked peeked = TRY(walk.next());
    if (!peeked.is_message) break;
    TRY(add(context, peeked, walk.data(), is_stream(socket), messages));
  }
  SeenQueues* seen = context.instance.seen_queues;
  if (is_stream(socket) || seen == nullptr) return messages;
  struct stat info {};
  TRY_SYS(::fstat(socket, &info));
  std::vector<SeenMessage> queue;
  for (const auto& message : messages) queue.push_back({message->data.size(), message->from});
  if (auto earlier = seen->find(info.st_ino); earlier != seen->end()) {
    queue = with_passed_over(earlier->second, TRY(walk.begins_with_empty()), queue);
    put_in(queue, messages);
  }
  remember(*seen, info.st_ino, queue);
  return messages;
}

struct Control {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int) * kScmMaxFiles) + CMSG_SPACE(sizeof(ucred))];
  size_t length = 0;

  void add(int type, const void* data, size_t size) {
    auto* part = reinterpret_cast<cmsghdr*>(bytes + length);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = type;
    part->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(part), data, size);
    length += CMSG_SPACE(size);
  }
};

int send_all(int socket, msghdr& header, iovec& part, bool stream, int flags) {
  for (;;) {
    const ssize_t sent = ::sendmsg(socket, &header, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno;
    if (!stream || static_cast<size_t>(sent) == part.iov_len) return 0;
    part.iov_base = static_cast<uint8_t*>(part.iov_base) + sent;
    part.iov_len -= static_cast<size_t>(sent);
    header.msg_control = nullptr;  // went with the first part
    header.msg_controllen = 0;
  }
}

}  // namespace

Result<> capture_messages(CaptureContext& context, int file, int socket) {
  if (TRY(number_of(socket, SO_ACCEPTCONN))) return {};
  if (!is_stream(socket) && has_event(socket, POLLERR)) {
    // Who looks at the queue takes the error.
    int bytes = 0;
    TRY_SYS(::ioctl(socket, FIONREAD, &bytes));
    if (bytes == 0) return {};
    return Error(ErrorClass::refused, "a UNIX socket holds messages behind an error")
        .hint("let its receiver read it first");
  }
  Messages messages = TRY(walk_through(context, socket));
  // Only now: what came with a message may have made the table of files grow.
  context.image.open_files[static_cast<size_t>(file)]->kind.AsUnixSocket()->messages =
      std::move(messages);
  return {};
}

std::optional<size_t> place_of_urgent(const image::UnixSocketT& socket) {
  size_t before = 0;
  for (const auto& message : socket.messages) {
    if (message->urgent) return before;
    before += message->data.size();
  }
  return std::nullopt;
}

pid_t sender_pid(int socket, int message, std::optional<size_t> urgent_at) {
  Result<QueueWalk> walk = QueueWalk::begin(socket, urgent_at);
  if (!walk) return 0;
  for (int i = 0;;) {
    Result<Peeked> peeked = walk->next();
    if (!peeked || !peeked->is_message) return 0;
    // As they were recorded.
    i += is_stream(socket) && !peeked->files.empty() && peeked->bytes > 1 ? 2 : 1;
    if (i > message) return peeked->sender.pid;
  }
}

Result<> send_again(int socket, const image::UnixMessageT& message,
                    const std::vector<UniqueFd>& files, const std::vector<uint8_t>& to) {
  if (message.files.size() > kScmMaxFiles)
    return Error(ErrorClass::corrupt, "more descriptors in one message than can be");
  std::vector<int> descriptors;
  for (int index : message.files) descriptors.push_back(files[static_cast<size_t>(index)].get());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, to.data(), to.size());
  return act_as_identity(message.sender.get(), [&] {
    Control control;
    if (!descriptors.empty())
      control.add(SCM_RIGHTS, descriptors.data(), descriptors.size() * sizeof(int));
    if (message.sender) {
      // Whoever has that id now is a stand-in (act_as), or it is nobody's and ours is told.
      ucred sender{::getpid(), message.sender->uid, message.sender->gid};
      control.add(SCM_CREDENTIALS, &sender, sizeof sender);
    }
    iovec part{const_cast<uint8_t*>(message.data.data()), message.data.size()};
    msghdr header{};
    if (!to.empty()) {
      header.msg_name = &address;
      header.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + to.size());
    }
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.length > 0 ? control.bytes : nullptr;
    header.msg_controllen = control.length;
    return send_all(socket, header, part, is_stream(socket), message.urgent ? MSG_OOB : 0);
  });
}

}  // namespace appshot::unix_sockets
