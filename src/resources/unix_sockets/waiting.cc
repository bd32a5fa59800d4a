#include "resources/unix_sockets/waiting.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "resources/unix_sockets/names.h"

namespace appshot::unix_sockets {
namespace {

// Newer than the C library's headers.
constexpr int kPassPidfd = 76;
constexpr int kPassRights = 83;

bool is_inherited(int option) {
  return option == SO_PASSCRED || option == SO_PASSSEC || option == kPassPidfd ||
         option == kPassRights;
}

std::unique_ptr<image::SocketOptionT> option(int name, int value) {
  auto option = std::make_unique<image::SocketOptionT>();
  option->level = SOL_SOCKET;
  option->name = name;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  option->value.assign(bytes, bytes + sizeof value);
  return option;
}

// Nothing: a socket of another family.
image::UnixSocketT* unix_record(CaptureContext& context, const SeenSocket& socket) {
  return context.image.open_files[static_cast<size_t>(socket.file)]->kind.AsUnixSocket();
}

// Of "Uid:" and "Gid:" in its status: real, effective, saved, of the file system.
uint32_t effective_id(const proc::Fields& status, std::string_view key) {
  const std::string ids = proc::field(status, key);
  return static_cast<uint32_t>(std::strtoul(ids.c_str() + ids.find('\t'), nullptr, 10));
}

void inherit_options(const image::UnixSocketT& listener, image::UnixWaitingT& waiting) {
  for (const auto& own : listener.options)
    if (own->level == SOL_SOCKET && is_inherited(own->name))
      waiting.options.push_back(std::make_unique<image::SocketOptionT>(*own));
}

}  // namespace

bool waits_with_more(const UnixSocketState& listener, const UnixSocketStates& states) {
  return std::ranges::any_of(listener.waiting, [&](uint32_t client) {
    auto found = states.find(client);
    return client == 0 || found == states.end() || found->second.not_taken != 0;
  });
}

Result<> WaitingConnections::capture(const SeenSocket& listener, const UnixSocketState& state) {
  if (state.waiting.empty()) return {};
  if (!kernel_) kernel_.emplace(KernelView::open(context_.instance.kernel_layout));
  if (!*kernel_) return guess(listener, state);
  Result<> looked = look(listener, state);
  // The memory is not what this knows: enough can be told all the same, or not.
  const bool is_strange = !looked && looked.error().cls() == ErrorClass::unsupported;
  return is_strange && !waits_with_more(state, states_) ? guess(listener, state)
                                                        : std::move(looked);
}

Result<> WaitingConnections::look(const SeenSocket& listener, const UnixSocketState& state) {
  KernelView& kernel = **kernel_;
  if (!files_) {
    own_depth_ = TRY(own_pid_depth(kernel));
    files_.emplace(context_, processes_, kernel);
  }
  image::UnixSocketT& into = *unix_record(context_, listener);
  std::vector<Waiting> all;
  for (const WaitingConnection& connection :
       TRY(waiting_connections(kernel, listener.copy.get()))) {
    all.push_back(TRY(record(connection, words_of(state.inode))));
    if (!connection.receives) inherit_options(into, *all.back());
  }
  into.waiting = std::move(all);
  return {};
}

Result<WaitingConnections::Waiting> WaitingConnections::record(const WaitingConnection& connection,
                                                               const std::string& listener) {
  if (connection.has_urgent_byte)
    context_.obstacles.add(
        listener + " to which a client has sent a byte out of band, before it was accepted",
        "let the application accept it first");
  auto waiting = std::make_unique<image::UnixWaitingT>();
  if (connection.client != 0)
    waiting->client = client_of(connection.client, listener);
  else
    waiting->client_name = connection.name;
  waiting->identity = identity(connection.identity);
  waiting->identity->groups.assign(connection.identity.groups.begin(),
                                   connection.identity.groups.end());
  for (const QueuedMessage& queued : connection.messages)
    waiting->messages.push_back(TRY(message(queued, listener)));
  if (connection.receives)
    for (const auto& [name, is_set] : *connection.receives)
      if (is_set != (name == kPassRights)) waiting->options.push_back(option(name, is_set ? 1 : 0));
  return waiting;
}

// From inside, nobody is known who lives outside.
std::unique_ptr<image::IdentityT> WaitingConnections::identity(const KernelIdentity& from) const {
  auto identity = std::make_unique<image::IdentityT>();
  identity->pid = from.id_at(own_depth_ + 1);
  identity->uid = from.uid;
  identity->gid = from.gid;
  return identity;
}

Result<std::unique_ptr<image::UnixMessageT>> WaitingConnections::message(
    const QueuedMessage& from, const std::string& listener) {
  auto message = std::make_unique<image::UnixMessageT>();
  message->data = from.data;
  if (from.sender) message->sender = identity(*from.sender);
  for (uint64_t file : from.files) message->files.push_back(TRY(files_->index_of(file, listener)));
  return message;
}

int WaitingConnections::client_of(uint32_t inode, const std::string& listener) {
  auto found = context_.sockets.find(inode);
  if (found != context_.sockets.end()) return found->second.file;
  context_.obstacles.add(
      listener + " to which a client outside of the application has connected",
      "let the application accept and close it, or start the client in the same instance");
  return -1;
}

std::string WaitingConnections::words_of(uint32_t listener) const {
  for (const ProcessSource& process : processes_)
    for (const DescriptorSource& descriptor : process.descriptors)
      if (S_ISSOCK(descriptor.info.st_mode) && descriptor.info.st_ino == listener)
        return process.words() + " has descriptor " + std::to_string(descriptor.fd) +
               " open on a UNIX socket";
  return "there is a UNIX socket on its way from one process to another";
}

// Names in the file system are no trouble: the socket is bound where nothing else is.
void WaitingConnections::find_names_in_use() {
  std::map<std::pair<int, Name>, int> used;
  auto count = [&](int type, const Name& name) {
    return name.empty() || is_path(name) ? 0 : used[{type, name}]++;
  };
  for (const auto& [inode, socket] : context_.sockets)
    if (const auto* record = unix_record(context_, socket)) count(record->type, record->name);
  for (const auto& [inode, socket] : context_.sockets) {
    const auto* listener = unix_record(context_, socket);
    if (listener == nullptr) continue;
    for (const auto& waiting : listener->waiting)
      if (count(listener->type, waiting->client_name) > 0)
        context_.obstacles.add(words_of(static_cast<uint32_t>(inode)) +
                                   " to which a client has connected and ended before it was "
                                   "accepted, and another socket has the client's name since",
                               "let the application accept it first");
  }
}

// What can be told without looking into the kernel: which clients are there, and that they have not
// sent anything.
Result<> WaitingConnections::guess(const SeenSocket& listener, const UnixSocketState& state) {
  if (waits_with_more(state, states_))
    return Error(ErrorClass::refused,
                 "a client has written to a UNIX socket, or closed it, before it was accepted")
        .hint("let the application accept it first");
  for (uint32_t client : state.waiting) {
    auto waiting = std::make_unique<image::UnixWaitingT>();
    waiting->client = client_of(client, words_of(state.inode));
    waiting->identity = holder_of(client);
    image::UnixSocketT& into = *unix_record(context_, listener);
    inherit_options(into, *waiting);
    into.waiting.push_back(std::move(waiting));
  }
  return {};
}

// Nearly always it is who has it that has connected it.
std::unique_ptr<image::IdentityT> WaitingConnections::holder_of(uint32_t inode) const {
  for (const ProcessSource& process : processes_)
    for (const DescriptorSource& descriptor : process.descriptors)
      if (S_ISSOCK(descriptor.info.st_mode) && descriptor.info.st_ino == inode) {
        auto holder = std::make_unique<image::IdentityT>();
        holder->pid = process.id.value;
        holder->uid = effective_id(process.status, "Uid");
        holder->gid = effective_id(process.status, "Gid");
        return holder;
      }
  return nullptr;
}

}  // namespace appshot::unix_sockets
