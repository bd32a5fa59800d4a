#include "resources/unix_sockets/identities.h"

#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <unistd.h>

#include "os/thread_ids.h"
#include "resources/acting.h"
#include "resources/unix_sockets/messages.h"

namespace appshot::unix_sockets {
namespace {

struct Unknown {
  image::IdentityT* identity;
  int socket;
  int message;  // in its queue; -1: its peer
  std::optional<size_t> urgent_at;
};

class Translation {
 public:
  Translation(CaptureContext& context, const std::vector<ProcessSource>& processes)
      : context_(context) {
    for (const ProcessSource& process : processes) ids_[process.host.value] = process.id.value;
    ids_[context.instance.init.value] = 1;
  }

  void translate(image::IdentityT* identity, int socket, int message,
                 std::optional<size_t> urgent_at = {}) {
    if (identity == nullptr || identity->pid == 0) return;
    if (auto known = ids_.find(identity->pid); known != ids_.end())
      identity->pid = known->second;
    else
      unknown_.push_back({identity, socket, message, urgent_at});
  }

  // They have ended; a process inside the instance is told what their ids were.
  Result<> ask_for_the_rest() {
    std::vector<int> pids =
        TRY(ask_inside(context_.instance.init, unknown_.size(), [&](int* answers) {
          for (size_t i = 0; i < unknown_.size(); ++i)
            answers[i] =
                unknown_[i].message < 0
                    ? peer_pid(unknown_[i].socket)
                    : sender_pid(unknown_[i].socket, unknown_[i].message, unknown_[i].urgent_at);
        }));
    for (size_t i = 0; i < pids.size(); ++i) unknown_[i].identity->pid = pids[i];
    return {};
  }

 private:
  static int peer_pid(int socket) {
    ucred peer{};
    socklen_t length = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.pid : 0;
  }

  CaptureContext& context_;
  std::map<pid_t, int> ids_;
  std::vector<Unknown> unknown_;
};

int become(const image::IdentityT& identity) {
  // Privileges stay, though the user changes: what was allowed then need not be allowed now.
  if (::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0) return errno;
  if (set_thread_groups(identity.groups.size(), identity.groups.data()) != 0) return errno;
  if (set_thread_gids(identity.gid, identity.gid, identity.gid) != 0) return errno;
  if (set_thread_uids(identity.uid, identity.uid, identity.uid) != 0) return errno;
  return 0;
}

}  // namespace

Result<> translate_identities(CaptureContext& context,
                              const std::vector<ProcessSource>& processes) {
  Translation translation(context, processes);
  for (const auto& [inode, socket] : context.sockets) {
    image::UnixSocketT* record =
        context.image.open_files[static_cast<size_t>(socket.file)]->kind.AsUnixSocket();
    if (record == nullptr) continue;
    translation.translate(record->peer_identity.get(), socket.copy.get(), -1);
    const std::optional<size_t> urgent_at = place_of_urgent(*record);
    for (size_t i = 0; i < record->messages.size(); ++i)
      translation.translate(record->messages[i]->sender.get(), socket.copy.get(),
                            static_cast<int>(i), urgent_at);
  }
  return translation.ask_for_the_rest();
}

Result<> act_as_identity(const image::IdentityT* identity, const std::function<int()>& work,
                         uint64_t flags) {
  const bool is_ours =
      identity == nullptr || (identity->pid <= 1 && identity->uid == 0 && identity->gid == 0);
  if (is_ours) {
    const int failed = work();
    return failed == 0 ? Result<>() : Error::from_errno(failed, "call for a UNIX socket");
  }
  auto as_them = [&] {
    const int failed = become(*identity);
    return failed != 0 ? failed : work();
  };
  return act_as(identity->pid, as_them, flags);
}

}  // namespace appshot::unix_sockets
