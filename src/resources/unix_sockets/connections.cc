#include "resources/unix_sockets/connections.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <set>

#include "os/network_namespace.h"
#include "os/sock_diag.h"
#include "resources/namespaces.h"
#include "resources/sockets.h"
#include "resources/unix_sockets/messages.h"
#include "resources/unix_sockets/unix_socket.h"
#include "resources/unix_sockets/waiting.h"

namespace appshot::unix_sockets {
namespace {

using States = UnixSocketStates;

struct Held {
  const ProcessSource* process;
  const DescriptorSource* descriptor;

  std::string words() const {
    return process->words() + " has descriptor " + std::to_string(descriptor->fd) + " open on ";
  }
};

std::map<uint32_t, Held> find_held(const InstanceView& instance,
                                   const std::vector<ProcessSource>& processes) {
  std::map<uint32_t, Held> held;
  for (const ProcessSource& process : processes)
    for (const DescriptorSource& descriptor : process.descriptors)
      if (is_unix({instance, process, descriptor}))
        held.emplace(static_cast<uint32_t>(descriptor.info.st_ino), Held{&process, &descriptor});
  return held;
}

// Where it has not been seen yet: those of its own network namespace.
Result<> see_with_its_network(uint32_t inode, int socket, States& states) {
  if (states.contains(inode)) return {};
  const UniqueFd network = TRY(namespaces::network_of(socket));
  states.merge(TRY(in_namespace(network.get(), list_unix_sockets)));
  return {};
}

// What is queued may hold descriptors, among them the sockets that are looked for.
bool some_may_be_on_their_way(const std::map<uint32_t, Held>& held, const States& states) {
  return std::ranges::any_of(held, [&](const auto& one) {
    auto state = states.find(one.first);
    if (state == states.end()) return false;
    return state->second.listening ? waits_with_more(state->second, states)
                                   : state->second.to_read > 0;
  });
}

// What its clients have done before they were accepted shows in the kernel's memory alone.
class UnseenClients {
 public:
  UnseenClients(const InstanceView& instance, const States& states)
      : instance_(instance), states_(states) {}

  void find(const Held& listener, const UnixSocketState& state, Obstacles& obstacles) {
    if (!waits_with_more(state, states_)) return;
    if (!tried_) tried_.emplace(KernelView::open(instance_.kernel_layout));
    if (*tried_) return;
    for (uint32_t client : state.waiting) {
      auto found = states_.find(client);
      if (client != 0 && found != states_.end() && found->second.not_taken == 0) continue;
      obstacles.add(listener.words() + "a UNIX socket to which a client has connected and " +
                        (client == 0 ? "ended" : "written") + " before it was accepted (" +
                        tried_->error().message() + ")",
                    "let the application accept it first");
    }
  }

 private:
  const InstanceView& instance_;
  const States& states_;
  std::optional<Result<KernelView>> tried_;
};

image::UnixSocketT& record_of(CaptureContext& context, const SeenSocket& socket) {
  return *context.image.open_files[static_cast<size_t>(socket.file)]->kind.AsUnixSocket();
}

int file_of(const CaptureContext& context, uint32_t inode) {
  auto found = context.sockets.find(inode);
  return found == context.sockets.end() ? -1 : found->second.file;
}

Result<> join(CaptureContext& context, WaitingConnections& waiting, const SeenSocket& socket,
              const UnixSocketState& state) {
  image::UnixSocketT& record = record_of(context, socket);
  record.shut = state.shut;
  record.reset = !state.listening && has_event(socket.copy.get(), POLLERR);
  if (state.listening) {
    record.state = image::UnixState::listening;
    record.backlog = static_cast<int>(state.not_taken);
    return waiting.capture(socket, state);
  }
  record.peer = state.peer == 0 ? -1 : file_of(context, state.peer);
  if (state.peer != 0 && record.peer < 0)
    return Error(ErrorClass::refused,
                 "a UNIX socket is connected with one outside of the application")
        .hint("close it, or start both in one instance");
  return {};
}

}  // namespace

Result<bool> find_obstacles(const InstanceView& instance,
                            const std::vector<ProcessSource>& processes, Obstacles& obstacles) {
  const std::map<uint32_t, Held> held = find_held(instance, processes);
  if (held.empty()) return false;
  States states = TRY(list_unix_sockets());
  for (const auto& [inode, socket] : held)
    if (!states.contains(inode))
      if (Result<UniqueFd> copy = socket.process->pidfd.take_copy(socket.descriptor->fd))
        TRY(see_with_its_network(inode, copy->get(), states));
  const bool on_their_way = some_may_be_on_their_way(held, states);
  UnseenClients unseen(instance, states);
  for (const auto& [inode, socket] : held) {
    auto state = states.find(inode);
    if (state == states.end()) continue;  // closed since
    if (state->second.listening) {
      unseen.find(socket, state->second, obstacles);
    } else if (const uint32_t peer = state->second.peer;
               peer != 0 && held.count(peer) == 0 && !on_their_way) {
      obstacles.add(socket.words() + "a UNIX socket whose other end is outside of the application",
                    "close it, or start both ends in one instance");
    }
  }
  return on_their_way;
}

Result<> capture_connections(CaptureContext& context, const std::vector<ProcessSource>& processes) {
  // What is queued may bring sockets that nobody has open, which have queues of their own.
  std::set<uint64_t> looked_at;
  for (bool more = true; more;) {
    more = false;
    for (auto socket = context.sockets.begin(); socket != context.sockets.end(); ++socket) {
      if (context.image.open_files[static_cast<size_t>(socket->second.file)]->kind.type !=
              image::FileKind::UnixSocket ||
          !looked_at.insert(socket->first).second)
        continue;
      TRY(capture_messages(context, socket->second.file, socket->second.copy.get()));
      more = true;
    }
  }
  if (looked_at.empty()) return {};
  States states = TRY(list_unix_sockets());
  for (uint64_t inode : looked_at)
    TRY(see_with_its_network(static_cast<uint32_t>(inode), context.sockets.at(inode).copy.get(),
                             states));
  WaitingConnections waiting(context, processes, states);
  for (uint64_t inode : looked_at) {
    auto state = states.find(static_cast<uint32_t>(inode));
    if (state == states.end())
      return Error(ErrorClass::refused, "a UNIX socket cannot be looked at");
    TRY(join(context, waiting, context.sockets.at(inode), state->second));
  }
  waiting.find_names_in_use();
  return {};
}

}  // namespace appshot::unix_sockets
