#include "resources/unix_sockets/connections.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "os/sock_diag.h"
#include "resources/unix_sockets/messages.h"
#include "resources/unix_sockets/unix_socket.h"

namespace appshot::unix_sockets {
namespace {

using States = std::map<uint32_t, UnixSocketState>;

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

// What is queued may hold descriptors, among them the sockets that are looked for.
bool some_may_be_on_their_way(const std::map<uint32_t, Held>& held, const States& states) {
  return std::ranges::any_of(held, [&](const auto& one) {
    auto state = states.find(one.first);
    return state != states.end() && !state->second.listening && state->second.to_read > 0;
  });
}

void find_unseen(const Held& listener, const UnixSocketState& state, const States& states,
                 Obstacles& obstacles) {
  for (uint32_t client : state.waiting) {
    auto found = states.find(client);
    if (client != 0 && found != states.end() && found->second.not_taken == 0) continue;
    obstacles.add(listener.words() + "a UNIX socket to which a client has connected and " +
                      (client == 0 ? "ended" : "written") + " before it was accepted",
                  "let the application accept it first");
  }
}

image::UnixSocketT& record_of(CaptureContext& context, const SeenSocket& socket) {
  return *context.image.open_files[static_cast<size_t>(socket.file)]->kind.AsUnixSocket();
}

int file_of(const CaptureContext& context, uint32_t inode) {
  auto found = context.sockets.find(inode);
  return found == context.sockets.end() ? -1 : found->second.file;
}

// Of "Uid:" and "Gid:" in its status: real, effective, saved, of the file system.
uint32_t effective_id(const proc::Fields& status, std::string_view key) {
  const std::string ids = proc::field(status, key);
  return static_cast<uint32_t>(std::strtoul(ids.c_str() + ids.find('\t'), nullptr, 10));
}

// Nobody tells who connected a client that has not been accepted. Nearly always it is who has it.
std::unique_ptr<image::IdentityT> find_holder(const std::vector<ProcessSource>& processes,
                                              uint32_t inode) {
  for (const ProcessSource& process : processes)
    for (const DescriptorSource& descriptor : process.descriptors)
      if (S_ISSOCK(descriptor.info.st_mode) && descriptor.info.st_ino == inode) {
        auto holder = std::make_unique<image::IdentityT>();
        holder->pid = process.host.value;
        holder->uid = effective_id(process.status, "Uid");
        holder->gid = effective_id(process.status, "Gid");
        return holder;
      }
  return nullptr;
}

Result<> join(CaptureContext& context, const std::vector<ProcessSource>& processes,
              const SeenSocket& socket, const UnixSocketState& state) {
  image::UnixSocketT& record = record_of(context, socket);
  record.shut = state.shut;
  record.reset = !state.listening && has_error(socket.copy.get());
  if (state.listening) {
    record.state = image::UnixState::listening;
    record.backlog = static_cast<int>(state.not_taken);
    for (uint32_t client : state.waiting) {
      const int file = file_of(context, client);
      if (file < 0)
        return Error(ErrorClass::refused,
                     "a client outside of the application waits to be accepted");
      record.waiting.push_back(file);
      record_of(context, context.sockets.at(client)).holder = find_holder(processes, client);
    }
    return {};
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
  const States states = TRY(list_unix_sockets());
  const bool on_their_way = some_may_be_on_their_way(held, states);
  for (const auto& [inode, socket] : held) {
    auto state = states.find(inode);
    if (state == states.end()) continue;  // closed since
    if (state->second.listening) {
      find_unseen(socket, state->second, states, obstacles);
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
  const States states = TRY(list_unix_sockets());
  for (uint64_t inode : looked_at) {
    auto state = states.find(static_cast<uint32_t>(inode));
    if (state == states.end())
      return Error(ErrorClass::refused, "a UNIX socket belongs to another network namespace");
    TRY(join(context, processes, context.sockets.at(inode), state->second));
  }
  return {};
}

}  // namespace appshot::unix_sockets
