#include "os/kernel_sockets.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "os/kernel_sock.h"

namespace appshot {
namespace {

constexpr uint32_t kGroupsMax = 65536;  // NGROUPS_MAX

// In the order of the kernel's bits; two are newer than the C library's headers.
constexpr int kPassPidfd = 76, kPassRights = 83;
constexpr int kReceives[] = {SO_PASSCRED, SO_PASSSEC, kPassPidfd, kPassRights};

class Reader {
 public:
  explicit Reader(KernelView& kernel)
      : kernel_(kernel), memory_(kernel.memory), at_(kernel.layout), pages_(kernel) {}

  Result<std::vector<WaitingConnection>> waiting_at(int listener) {
    const uint64_t sock = TRY(sock_address(kernel_, listener));
    std::vector<WaitingConnection> all;
    // Each connection is one empty buffer in the listener's queue that the new socket owns.
    TRY(walk_queue(kernel_, sock + at_.sock_queue, [&](uint64_t buffer) -> Result<> {
      all.push_back(TRY(connection(TRY(memory_.read<uint64_t>(buffer + at_.skb_sock)))));
      return {};
    }));
    return all;
  }

  Result<std::optional<size_t>> before_urgent(int stream) {
    const uint64_t sock = TRY(sock_address(kernel_, stream));
    if (at_.unix_urgent == KernelLayout::kAbsent) return std::optional<size_t>();
    const auto urgent = TRY(memory_.read<uint64_t>(sock + at_.unix_urgent));
    if (urgent == 0) return std::optional<size_t>();
    std::optional<size_t> before;
    size_t bytes = 0;
    TRY(walk_queue(kernel_, sock + at_.sock_queue, [&](uint64_t buffer) -> Result<> {
      if (buffer == urgent) before = bytes;
      const auto length = TRY(memory_.read<uint32_t>(buffer + at_.skb_length));
      const auto taken = TRY(memory_.read<uint32_t>(buffer + at_.skb_own + at_.own_consumed));
      if (taken > length) return unexpected_memory("a message's beginning");
      bytes += length - taken;
      return {};
    }));
    if (!before) return unexpected_memory("a byte out of band");
    return before;
  }

 private:
  Result<WaitingConnection> connection(uint64_t sock) {
    WaitingConnection connection;
    const auto client = TRY(memory_.read<uint64_t>(sock + at_.unix_peer));
    connection.client = TRY(inode_of(client));
    connection.name = TRY(name_of(client));
    const auto cred = TRY(memory_.read<uint64_t>(sock + at_.sock_peer_cred));
    const auto pid = TRY(memory_.read<uint64_t>(sock + at_.sock_peer_pid));
    connection.identity = TRY(identity(pid, cred));
    if (at_.unix_urgent != KernelLayout::kAbsent)
      connection.has_urgent_byte = TRY(memory_.read<uint64_t>(sock + at_.unix_urgent)) != 0;
    if (at_.sock_receives != KernelLayout::kAbsent)
      connection.receives = receives(TRY(memory_.read<uint8_t>(sock + at_.sock_receives)));
    TRY(walk_queue(kernel_, sock + at_.sock_queue, [&](uint64_t buffer) -> Result<> {
      connection.messages.push_back(TRY(read_message(kernel_, pages_, buffer)));
      return {};
    }));
    return connection;
  }

  static std::map<int, bool> receives(uint8_t bits) {
    std::map<int, bool> all;
    for (size_t i = 0; i < std::size(kReceives); ++i) all[kReceives[i]] = (bits >> i & 1) != 0;
    return all;
  }

  // 0: nobody has it open.
  Result<uint32_t> inode_of(uint64_t sock) {
    const auto socket = TRY(memory_.read<uint64_t>(sock + at_.sock_socket));
    if (socket == 0) return 0U;
    return static_cast<uint32_t>(
        TRY(memory_.read<uint64_t>(socket + at_.socket_inode + at_.inode_number)));
  }

  Result<std::vector<uint8_t>> name_of(uint64_t sock) {
    constexpr uint32_t kBefore = offsetof(sockaddr_un, sun_path);
    const auto address = TRY(memory_.read<uint64_t>(sock + at_.unix_address));
    if (address == 0) return std::vector<uint8_t>();
    const auto length = TRY(memory_.read<uint32_t>(address + at_.address_length));
    if (length < kBefore || length > sizeof(sockaddr_un) + 1) return unexpected_memory("a name");
    std::vector<uint8_t> name(length - kBefore);
    TRY(memory_.read(address + at_.address_name + kBefore, name));
    // A path is kept with the zero that ends it.
    if (!name.empty() && name.front() != 0) name.erase(std::ranges::find(name, 0), name.end());
    return name;
  }

  Result<KernelIdentity> identity(uint64_t pid, uint64_t cred) {
    KernelIdentity identity = TRY(read_pid(kernel_, pid));
    if (cred == 0) return unexpected_memory("a connection of nobody");
    identity.uid = TRY(memory_.read<uint32_t>(cred + at_.cred_uid));
    identity.gid = TRY(memory_.read<uint32_t>(cred + at_.cred_gid));
    const auto groups = TRY(memory_.read<uint64_t>(cred + at_.cred_groups));
    const auto count = TRY(memory_.read<uint32_t>(groups + at_.groups_count));
    if (count > kGroupsMax) return unexpected_memory("a list of groups");
    identity.groups.resize(count);
    TRY(memory_.read(groups + at_.groups_ids,
                     {reinterpret_cast<uint8_t*>(identity.groups.data()), count * sizeof(gid_t)}));
    return identity;
  }

  KernelView& kernel_;
  KernelMemory& memory_;
  const KernelLayout& at_;
  KernelPages pages_;
};

}  // namespace

Result<std::vector<WaitingConnection>> waiting_connections(KernelView& kernel, int listener) {
  return Reader(kernel).waiting_at(listener);
}

Result<std::optional<size_t>> bytes_before_urgent(KernelView& kernel, int socket) {
  return Reader(kernel).before_urgent(socket);
}

Result<size_t> own_pid_depth(KernelView& kernel) {
  const uint64_t task = TRY(kernel.memory.current_task());
  const auto pid = TRY(kernel.memory.read<uint64_t>(task + kernel.layout.task_pid));
  return TRY(read_pid(kernel, pid)).depth();
}

}  // namespace appshot
