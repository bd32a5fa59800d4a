#include "resources/sockets.h"

#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>

namespace appshot {
namespace {

constexpr int kRoom = 64 << 20;

// Newer than the C library's headers.
constexpr int kBufferLock = 72;
constexpr int kReserveMemory = 73;
constexpr int kSendTxRehash = 74;
constexpr int kReceiveMark = 75;
constexpr int kPassPidfd = 76;
constexpr int kReceivePriority = 82;
constexpr int kPassRights = 83;
constexpr int kTimestampNew = 63;
constexpr int kTimestampNsNew = 64;
constexpr int kTimestampingNew = 65;

// In the order in which they are set: who set the sizes of the buffers comes after the sizes.
constexpr OptionName kOfEverySocket[] = {
    {SOL_SOCKET, SO_SNDBUF},           {SOL_SOCKET, SO_RCVBUF},
    {SOL_SOCKET, kBufferLock},         {SOL_SOCKET, SO_REUSEADDR},
    {SOL_SOCKET, SO_REUSEPORT},        {SOL_SOCKET, SO_KEEPALIVE},
    {SOL_SOCKET, SO_BROADCAST},        {SOL_SOCKET, SO_DEBUG},
    {SOL_SOCKET, SO_DONTROUTE},        {SOL_SOCKET, SO_LINGER},
    {SOL_SOCKET, SO_OOBINLINE},        {SOL_SOCKET, SO_RCVLOWAT},
    {SOL_SOCKET, SO_RCVTIMEO},         {SOL_SOCKET, SO_SNDTIMEO},
    {SOL_SOCKET, SO_PRIORITY},         {SOL_SOCKET, SO_MARK},
    {SOL_SOCKET, SO_BINDTODEVICE},     {SOL_SOCKET, SO_PASSCRED},
    {SOL_SOCKET, SO_PASSSEC},          {SOL_SOCKET, kPassPidfd},
    {SOL_SOCKET, kPassRights},         {SOL_SOCKET, SO_TIMESTAMP},
    {SOL_SOCKET, SO_TIMESTAMPNS},      {SOL_SOCKET, SO_TIMESTAMPING},
    {SOL_SOCKET, kTimestampNew},       {SOL_SOCKET, kTimestampNsNew},
    {SOL_SOCKET, kTimestampingNew},    {SOL_SOCKET, SO_RXQ_OVFL},
    {SOL_SOCKET, SO_WIFI_STATUS},      {SOL_SOCKET, SO_NOFCS},
    {SOL_SOCKET, SO_SELECT_ERR_QUEUE}, {SOL_SOCKET, SO_BUSY_POLL},
    {SOL_SOCKET, SO_PREFER_BUSY_POLL}, {SOL_SOCKET, SO_MAX_PACING_RATE},
    {SOL_SOCKET, SO_ZEROCOPY},         {SOL_SOCKET, kReserveMemory},
    {SOL_SOCKET, kSendTxRehash},       {SOL_SOCKET, kReceiveMark},
    {SOL_SOCKET, kReceivePriority},    {SOL_SOCKET, SO_PEEK_OFF}};

using Value = std::vector<uint8_t>;

// Empty: it has no such option.
Value read_option(int socket, const OptionName& option) {
  Value value(256);
  auto length = static_cast<socklen_t>(value.size());
  if (::getsockopt(socket, option.level, option.name, value.data(), &length) != 0) return {};
  value.resize(length);
  return value;
}

Result<> set_option(int socket, int level, int name, const void* value, size_t length) {
  if (::setsockopt(socket, level, name, value, static_cast<socklen_t>(length)) == 0) return {};
  return Error::from_errno(
      errno, "setsockopt(" + std::to_string(level) + ", " + std::to_string(name) + ")");
}

// The kernel doubles what is set. FORCE: more than the system's limit takes a privilege.
Result<> set_buffers(int socket, int send, int receive) {
  TRY(set_option(socket, SOL_SOCKET, SO_SNDBUFFORCE, &send, sizeof send));
  return set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof receive);
}

void add(SocketOptions& options, const OptionName& name, Value value) {
  auto option = std::make_unique<image::SocketOptionT>();
  option->level = name.level;
  option->name = name.name;
  option->value = std::move(value);
  options.push_back(std::move(option));
}

bool has_size(const SocketOptions& options) {
  return std::ranges::any_of(options, [](const auto& option) {
    return option->level == SOL_SOCKET && (option->name == SO_SNDBUF || option->name == SO_RCVBUF);
  });
}

// A classic filter, which the kernel gives back in instructions instead of bytes.
Result<> capture_filter(int socket, SocketOptions& options) {
  socklen_t count = 0;
  if (::getsockopt(socket, SOL_SOCKET, SO_GET_FILTER, nullptr, &count) != 0) {
    if (errno != EACCES) return Error::from_errno(errno, "getsockopt(SO_GET_FILTER)");
    return Error(ErrorClass::refused,
                 "it has a BPF program as its filter, which cannot be captured")
        .hint("use a classic filter (SO_ATTACH_FILTER)");
  }
  if (count == 0) return {};
  Value program(count * sizeof(sock_filter));
  TRY_SYS(::getsockopt(socket, SOL_SOCKET, SO_GET_FILTER, program.data(), &count));
  add(options, {SOL_SOCKET, SO_ATTACH_FILTER}, std::move(program));
  const OptionName lock{SOL_SOCKET, SO_LOCK_FILTER};
  Value locked = read_option(socket, lock);
  if (std::ranges::any_of(locked, [](uint8_t byte) { return byte != 0; }))
    add(options, lock, std::move(locked));
  return {};
}

Result<> apply(int socket, const image::SocketOptionT& option) {
  const Value& value = option.value;
  if (option.level != SOL_SOCKET)
    return set_option(socket, option.level, option.name, value.data(), value.size());
  switch (option.name) {
    case SO_SNDBUF:
    case SO_RCVBUF: {
      if (value.size() != sizeof(int)) return Error(ErrorClass::corrupt, "the size of a buffer");
      int size = 0;
      std::copy(value.begin(), value.end(), reinterpret_cast<uint8_t*>(&size));
      size /= 2;
      const int name = option.name == SO_SNDBUF ? SO_SNDBUFFORCE : SO_RCVBUFFORCE;
      return set_option(socket, SOL_SOCKET, name, &size, sizeof size);
    }
    case SO_ATTACH_FILTER: {
      Value copy = value;
      sock_fprog program{static_cast<unsigned short>(copy.size() / sizeof(sock_filter)),
                         reinterpret_cast<sock_filter*>(copy.data())};
      return set_option(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    }
    default:
      return set_option(socket, SOL_SOCKET, option.name, value.data(), value.size());
  }
}

}  // namespace

std::string protocol_of(const DescriptorRef& ref) {
  if (!S_ISSOCK(ref.descriptor.info.st_mode) || !ref.descriptor.link.starts_with("socket:["))
    return "";
  std::string path = "/proc/" + std::to_string(ref.process.host.value) + "/fd/" +
                     std::to_string(ref.descriptor.fd);
  std::array<char, 64> name{};
  ssize_t length = ::getxattr(path.c_str(), "system.sockprotoname", name.data(), name.size() - 1);
  return length < 0 ? "" : name.data();
}

Result<int> number_of(int socket, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  TRY_SYS(::getsockopt(socket, SOL_SOCKET, option, &value, &length));
  return value;
}

bool has_event(int socket, short event) {
  pollfd state{socket, event, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & event) != 0;
}

Result<UniqueFd> take_made(RestoreContext& context, const image::OpenFileT& file) {
  auto made = context.sockets.find(&file);
  if (made == context.sockets.end())
    return Error(ErrorClass::corrupt, "a socket of the image has not been made");
  return std::move(made->second);
}

Result<SocketOptions> capture_options(int socket, int fresh, std::span<const OptionName> names) {
  SocketOptions options;
  // The family's first: the type of service sets the priority as well.
  for (std::span<const OptionName> list : {names, std::span<const OptionName>(kOfEverySocket)}) {
    for (const OptionName& name : list) {
      Value value = read_option(socket, name);
      // Setting a size says that the user has set it, which need not be so.
      const bool follows =
          name.level == SOL_SOCKET && name.name == kBufferLock && has_size(options);
      if (!value.empty() && (follows || value != read_option(fresh, name)))
        add(options, name, std::move(value));
    }
  }
  TRY(capture_filter(socket, options));
  return options;
}

Result<> apply_options(int socket, const SocketOptions& options, const WhichOptions& which) {
  for (const auto& option : options)
    if (!which || which({option->level, option->name})) TRY(apply(socket, *option));
  return {};
}

Result<BufferSizes> make_room(int socket) {
  BufferSizes sizes;
  socklen_t length = sizeof(int);
  TRY_SYS(::getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &sizes.send, &length));
  TRY_SYS(::getsockopt(socket, SOL_SOCKET, SO_RCVBUF, &sizes.receive, &length));
  TRY_SYS(::getsockopt(socket, SOL_SOCKET, kBufferLock, &sizes.locked, &length));
  TRY(set_buffers(socket, kRoom, kRoom));
  return sizes;
}

Result<> take_room_back(int socket, const BufferSizes& sizes) {
  TRY(set_buffers(socket, sizes.send / 2, sizes.receive / 2));
  return set_option(socket, SOL_SOCKET, kBufferLock, &sizes.locked, sizeof sizes.locked);
}

}  // namespace appshot
