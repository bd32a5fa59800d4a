#include "templates/sockets.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <string_view>

#include "templates/inet_names.h"

namespace appshot::templates {
namespace {

using rules::Access;
using rules::ResourceType;

constexpr uint8_t kShutReading = 1, kShutWriting = 2;
constexpr const char* kDivided = "divided by the kernel (SO_REUSEPORT)";
constexpr std::string_view kHostNetwork = "the host's network (--share net)";

// As /proc/net/unix shows those without a file.
std::string unix_name(const std::vector<uint8_t>& bytes) {
  std::string name(bytes.begin(), bytes.end());
  if (!name.empty() && name.front() == '\0') name.front() = '@';
  return name.substr(0, name.find('\0'));
}

uint8_t accesses_of(uint8_t shut) {
  uint8_t accesses = 0;
  if ((shut & kShutReading) == 0) accesses = accesses | Access::read;
  if ((shut & kShutWriting) == 0) accesses = accesses | Access::write;
  // Shut in both ways it is still there to be closed.
  return accesses == 0 ? static_cast<uint8_t>(Access::destroy) : accesses;
}

// Sockets of one port (SO_REUSEPORT), among which the kernel divides what comes.
bool is_divided(const std::vector<std::unique_ptr<image::SocketOptionT>>& options) {
  return std::ranges::any_of(options, [](const auto& option) {
    return option->level == SOL_SOCKET && option->name == SO_REUSEPORT &&
           std::ranges::count(option->value, 0) != std::ssize(option->value);
  });
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

template <typename Messages>
uint64_t bytes_in(const Messages& messages) {
  uint64_t total = 0;
  for (const auto& message : messages) total += message->data.size();
  return total;
}

class Socket {
 public:
  Socket(Context& context, const image::OpenFileT& file, Subject subject)
      : context_(context),
        in_host_network_(context.launch.share.net && file.network < 0),
        subject_(std::move(subject)) {
    Record& record = subject_.record;
    record.detail = record.process < 0 ? "no process has it open" : "";
    record.cls = Class::duplicate;
    record.by = kOwnObject;
    subject_.type = ResourceType::socket;
    subject_.handling = &kSocket;
  }

  void add(const image::UnixSocketT& socket) {
    subject_.record.name = unix_name(socket.name);
    subject_.record.size = bytes_in(socket.messages);
    for (const auto& waiting : socket.waiting) subject_.record.size += bytes_in(waiting->messages);
    subject_.accesses = accesses_of(socket.shut);
    const bool abstract = !socket.name.empty() && socket.name.front() == '\0';
    if (abstract && in_host_network_) be_in_the_way("is called " + subject_.record.name + " in");
    if (socket.file) is_found_at(*socket.file);
    if (!subject_.record.name.empty()) {
      subject_.handling = &kNamedSocket;
      subject_.paths = {subject_.record.name};
    }
    finish(plain_state(socket.state));
  }

  void add(const image::TcpSocketT& socket) {
    subject_.accesses = accesses_of(socket.shut);
    subject_.record.size = socket.to_read.size() + socket.to_send.size();
    const InetName own = take_name(socket.name);
    const std::string peer = inet_name(socket.peer_name).text();
    size_t waiting_outside = 0;
    for (const auto& waiting : socket.waiting)
      waiting_outside +=
          waiting->state != TCP_CLOSE && context_.connections.lead_out(*waiting) ? 1 : 0;
    // One that is only asked for (TCP_SYN_SENT) each clone asks for itself.
    const bool outside = socket.connection && context_.connections.lead_out(socket);
    if (outside) subject_.record.by = kOneConnection;
    // Of one with others nothing is bound where it cannot go on: it is made as a reset one.
    const bool takes_name = !outside && own.port != 0;
    const bool divided = socket.state == TCP_LISTEN && is_divided(socket.options);
    if (takes_name && in_host_network_ && !divided) be_in_the_way("is at " + own.text() + " of");
    std::string detail = socket.state == TCP_LISTEN ? "listens" : "";
    if (!peer.empty()) detail = "with " + peer + (outside ? ", outside" : "");
    if (waiting_outside != 0)
      detail += ", " + count_of(waiting_outside, "connection") +
                " from outside to be accepted: " + std::string(kOneConnection);
    if (socket.state == TCP_LISTEN || socket.state == TCP_CLOSE) add_port("tcp", own, divided);
    finish(detail);
  }

  void add(const image::UdpSocketT& socket) {
    subject_.accesses = accesses_of(socket.shut);
    subject_.record.size = bytes_in(socket.datagrams);
    const InetName own = take_name(socket.name);
    const bool divided = is_divided(socket.options);
    if (own.port != 0 && in_host_network_ && !divided) be_in_the_way("is at " + own.text() + " of");
    add_port("udp", own, divided);
    finish("");
  }

  void add(const image::PlainSocketT& socket) {
    subject_.record.size = bytes_in(socket.packets);
    finish(socket.domain == AF_NETLINK ? "netlink" : "raw");
  }

 private:
  InetName take_name(const std::vector<uint8_t>& bytes) {
    InetName name = inet_name(bytes);
    subject_.record.name = name.text();
    if (name.port != 0) {
      subject_.ports = {name.port};
      subject_.handling = &kNamedSocket;
    }
    return name;
  }

  static std::string plain_state(image::UnixState state) {
    return state == image::UnixState::listening ? "listens" : EnumNameUnixState(state);
  }

  // Where two instances would have to have one name.
  void be_in_the_way(const std::string& how) {
    if (subject_.told) return;
    context_.verdicts.refuse(words_for(subject_.record) + " " + how + " " +
                                 std::string(kHostNetwork) + ", where only one instance can be",
                             "start it without --share net, and publish its ports (run -p)");
  }

  void is_found_at(const image::FileNameT& file) {
    if (subject_.told) return;
    const Where folder = context_.places.of(folder_of(file.path), file.space);
    if (folder.place == Place::elsewhere && folder.is_below)
      context_.verdicts.refuse(words_for(subject_.record) + " is found at " + file.path +
                                   ", in a folder that the rule " + folder.rule +
                                   " leads elsewhere for each clone, where it will not be",
                               "let the rule lead to the same place in each clone (<APPL-ID> in "
                               "place of <INSTANCE>)");
    const Where where = context_.places.of(file.path, file.space);
    if (where.place != Place::host) return;
    context_.verdicts.refuse(
        words_for(subject_.record) + " is found at " + file.path + ", which is the host's (" +
            where.rule + "): only one instance can be found there",
        "let it bind a path that is its own, or take that one out of what is shared");
  }

  void add_port(const char* protocol, const InetName& name, bool divided) {
    if (name.port == 0 || subject_.told) return;
    Subject port{.record = {.type = "port",
                            .name = std::string(protocol) + " " + std::to_string(name.port),
                            .process = subject_.record.process,
                            .descriptor = subject_.record.descriptor,
                            .cls = Class::virtualise,
                            .by = std::string(kNamed)},
                 .type = ResourceType::port,
                 .handling = &kInnerPort,
                 .accesses = Access::create | Access::read,
                 .ports = {name.port}};
    if (in_host_network_) {
      port.record.cls = divided ? Class::multiplex : Class::share;
      port.record.by = divided ? kDivided : of_host("--share net");
      port.type.reset();
    }
    port_ = std::move(port);
  }

  // The socket first, then the port at which it is.
  void finish(const std::string& detail) {
    if (!detail.empty())
      subject_.record.detail += (subject_.record.detail.empty() ? "" : ", ") + detail;
    context_.verdicts.add(std::move(subject_));
    if (port_) context_.verdicts.add(std::move(*port_));
  }

  Context& context_;
  const bool in_host_network_;
  Subject subject_;
  std::optional<Subject> port_;
};

void add_left(Context& context, const image::UnownedTcpT& left) {
  const image::TcpSocketT& socket = *left.socket;
  context.verdicts.add(
      Record{.type = "tcp connection",
             .name = inet_name(socket.name).text(),
             .cls = Class::duplicate,
             .by = std::string(context.connections.lead_out(socket) ? kOneConnection : kOwnObject),
             .size = socket.to_send.size(),
             .detail = "closed, with " + inet_name(socket.peer_name).text()});
}

}  // namespace

void add_socket(Context& context, const image::OpenFileT& file, Subject subject) {
  Socket socket(context, file, std::move(subject));
  if (const auto* own = file.kind.AsUnixSocket()) return socket.add(*own);
  if (const auto* tcp = file.kind.AsTcpSocket()) return socket.add(*tcp);
  if (const auto* udp = file.kind.AsUdpSocket()) return socket.add(*udp);
  if (const auto* plain = file.kind.AsPlainSocket()) return socket.add(*plain);
}

void add_left_connections(Context& context) {
  for (const auto& left : context.image.unowned_tcp) add_left(context, *left);
  if (!context.image.ended_tcp.empty())
    context.verdicts.add(Record{.type = "ended tcp connections",
                                .name = "",
                                .cls = Class::duplicate,
                                .by = std::string(kOwnObject),
                                .detail = count_of(context.image.ended_tcp.size(), "connection") +
                                          " whose names are kept for a while"});
}

}  // namespace appshot::templates
