#include "resources/unix_sockets/unix_socket.h"

#include <sys/socket.h>

#include "resources/sockets.h"
#include "resources/unix_sockets/names.h"

namespace appshot::unix_sockets {
namespace {

Result<std::unique_ptr<image::IdentityT>> peer_identity(int socket) {
  auto identity = std::make_unique<image::IdentityT>();
  ucred peer{};
  socklen_t length = sizeof peer;
  TRY_SYS(::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length));
  if (peer.uid == static_cast<uid_t>(-1)) return std::unique_ptr<image::IdentityT>();
  identity->pid = peer.pid;  // in our ids, until all processes are known
  identity->uid = peer.uid;
  identity->gid = peer.gid;
  std::vector<gid_t> groups;
  length = 0;
  int asked = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length);
  if (asked != 0 && errno == ERANGE) {
    groups.resize(length / sizeof(gid_t));
    asked = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
  }
  if (asked != 0 && errno != ENODATA) return Error::from_errno(errno, "getsockopt(SO_PEERGROUPS)");
  identity->groups.assign(groups.begin(), groups.end());
  return identity;
}

Result<SocketOptions> options_of(int socket, int type) {
  UniqueFd fresh(TRY_SYS(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)));
  return capture_options(socket, fresh.get(), {});
}

}  // namespace

bool is_unix(const DescriptorRef& ref) { return protocol_of(ref).starts_with("UNIX"); }

bool UnixSocket::recognises(const DescriptorRef& ref) const { return is_unix(ref); }

Result<image::FileKindUnion> UnixSocket::capture(CaptureContext& context,
                                                 const DescriptorRef& ref) const {
  UniqueFd copy = TRY(ref.process.pidfd.take_copy(ref.descriptor.fd));
  image::UnixSocketT socket;
  socket.type = TRY(number_of(copy.get(), SO_TYPE));
  TRY(capture_names(context, copy.get(), socket));
  socket.peer_identity = TRY(peer_identity(copy.get()));
  socket.options = TRY(options_of(copy.get(), socket.type));
  socket.uid = ref.descriptor.info.st_uid;
  socket.gid = ref.descriptor.info.st_gid;
  context.sockets[ref.descriptor.info.st_ino] = {static_cast<int>(context.image.open_files.size()),
                                                 std::move(copy)};
  image::FileKindUnion kind;
  kind.Set(std::move(socket));
  return kind;
}

Result<UniqueFd> UnixSocket::reopen(RestoreContext& context, const image::OpenFileT& file) const {
  return take_made(context, file);
}

}  // namespace appshot::unix_sockets
