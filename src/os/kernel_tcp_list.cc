#include "os/kernel_tcp_list.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>

#include "os/bpf.h"

namespace appshot {
namespace {

constexpr size_t kBeginning = 400;  // bytes of a structure; a program's stack has 512
constexpr uint8_t kTimeWait = TCP_TIME_WAIT;

// What the program writes for each.
struct Seen {
  uint64_t address;
  std::array<uint8_t, kBeginning> bytes;
};

// What it is called with, and the first member of what that leads to.
struct IteratorContext {
  uint64_t about;
  uint64_t sock;
};
constexpr size_t kAboutFile = 0;

Result<UniqueFd> load_lister(uint32_t function) {
  using namespace bpf;
  constexpr int kSeen = -static_cast<int>(sizeof(Seen));  // on its stack
  const std::vector<bpf_insn> instructions = {
      copy(6, 1),
      load(7, 6, offsetof(IteratorContext, sock)),
      skip_if_zero(7, 12),  // it is called once more at the end
      store(10, kSeen + static_cast<int>(offsetof(Seen, address)), 7),
      copy(1, 10),
      add(1, kSeen + static_cast<int>(offsetof(Seen, bytes))),
      set(2, kBeginning),
      copy(3, 7),
      call(BPF_FUNC_probe_read_kernel),  // zeros where it fails
      load(1, 6, offsetof(IteratorContext, about)),
      load(1, 1, kAboutFile),
      copy(2, 10),
      add(2, kSeen),
      set(3, sizeof(Seen)),
      call(BPF_FUNC_seq_write),
      set(0, 0),
      end(),
  };
  bpf_attr about{};
  about.prog_type = BPF_PROG_TYPE_TRACING;
  about.expected_attach_type = BPF_TRACE_ITER;
  about.attach_btf_id = function;
  return bpf::load(about, instructions);
}

// A file to read from, which tells of the namespace that it was opened in.
Result<UniqueFd> open_list(const UniqueFd& program) {
  bpf_attr about{};
  about.link_create.prog_fd = static_cast<uint32_t>(program.get());
  about.link_create.attach_type = BPF_TRACE_ITER;
  UniqueFd link(bpf::call_kernel(BPF_LINK_CREATE, about));
  if (!link) return bpf::cannot("bpf(BPF_LINK_CREATE)");
  about = {};
  about.iter_create.link_fd = static_cast<uint32_t>(link.get());
  UniqueFd list(bpf::call_kernel(BPF_ITER_CREATE, about));
  if (!list) return bpf::cannot("bpf(BPF_ITER_CREATE)");
  return list;
}

class Reader {
 public:
  Reader(KernelView& kernel, const Seen& seen) : kernel_(kernel), at_(kernel.layout), seen_(seen) {}

  Result<> put_into(LeftTcp& left) {
    const auto state = field<uint8_t>(at_.sock_state);
    if (state == kTimeWait) {
      // Its time is of another kind if the route to its peer has asked for that.
      if (bits(at_.ended_microseconds_bit, 1) == 0) left.ended.push_back(ended());
      return {};
    }
    const bool has_finished = state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 ||
                              state == TCP_CLOSING || state == TCP_LAST_ACK;
    if (!has_finished) return {};
    const auto owner = TRY(kernel_.memory.read<uint64_t>(seen_.address + at_.sock_socket));
    if (owner != 0) return {};
    TcpNames names = this->names();
    names.own.port = ntohs(TRY(kernel_.memory.read<uint16_t>(seen_.address + at_.sock_from_port)));
    left.unowned.push_back({seen_.address, names});
    return {};
  }

 private:
  template <typename T>
  T field(uint32_t offset) const {
    T value{};
    std::memcpy(&value, seen_.bytes.data() + offset, sizeof value);
    return value;
  }
  uint8_t bits(uint32_t at, int count) const {
    return static_cast<uint8_t>(field<uint8_t>(at / 8) >> at % 8 & ((1 << count) - 1));
  }

  // But for the port of its own.
  TcpNames names() const {
    TcpNames names;
    names.peer.port = ntohs(field<uint16_t>(at_.sock_to_port));
    const auto to = field<in6_addr>(at_.sock_to_v6);
    if (field<uint16_t>(at_.sock_family) == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&to)) {
      names.own.address = IpAddress::v6(field<in6_addr>(at_.sock_from_v6));
      names.peer.address = IpAddress::v6(to);
    } else {
      names.own.address = IpAddress::v4(ntohl(field<uint32_t>(at_.sock_from)));
      names.peer.address = IpAddress::v4(ntohl(field<uint32_t>(at_.sock_to)));
    }
    return names;
  }

  EndedTcpConnection ended() const {
    EndedTcpConnection it;
    it.family = field<uint16_t>(at_.sock_family);
    it.names = names();
    it.names.own.port = ntohs(field<uint16_t>(at_.ended_port));
    it.state = field<uint8_t>(at_.ended_state);
    it.sent = field<uint32_t>(at_.ended_sent);
    it.received = field<uint32_t>(at_.ended_received);
    it.window = field<uint32_t>(at_.ended_window);
    it.window_scale = field<uint8_t>(at_.ended_window_scale);
    it.tells_times = field<uint32_t>(at_.ended_peer_time_at) != 0;
    it.time_offset = field<uint32_t>(at_.ended_time_offset);
    it.peer_time = field<uint32_t>(at_.ended_peer_time);
    it.reuses_address = bits(at_.sock_reuse_bit, 4) != 0;
    it.reuses_port = bits(at_.sock_reuse_port_bit, 1) != 0;
    it.is_v6_only = bits(at_.sock_v6_only_bit, 1) != 0;
    it.is_transparent = bits(at_.ended_transparent_bit, 1) != 0;
    return it;
  }

  KernelView& kernel_;
  const KernelLayout& at_;
  const Seen& seen_;
};

bool are_known(const KernelLayout& at) {
  for (const uint32_t offset :
       {at.ended_state, at.ended_port, at.ended_sent, at.ended_received, at.ended_window,
        at.ended_window_scale, at.ended_time_offset, at.ended_peer_time, at.ended_peer_time_at})
    if (offset > kBeginning - sizeof(uint64_t)) return false;
  for (const uint32_t bit : {at.sock_reuse_bit, at.sock_reuse_port_bit, at.sock_v6_only_bit,
                             at.ended_transparent_bit, at.ended_microseconds_bit})
    if (bit > kBeginning * 8 - 8) return false;
  for (const uint32_t found :
       {at.tcp_iterator, at.sock_sent, at.skb_node, at.node_left, at.node_right, at.tcp_write_end,
        at.tcp_window_update, at.tcp_window_most, at.tcp_segment_now})
    if (found == KernelLayout::kAbsent) return false;
  return true;
}

}  // namespace

Result<LeftTcp> list_left_tcp(KernelView& kernel) {
  if (!are_known(kernel.layout)) return unexpected_memory("what is left of TCP connections");
  const UniqueFd program = TRY(load_lister(kernel.layout.tcp_iterator));
  const UniqueFd list = TRY(open_list(program));
  LeftTcp left;
  std::vector<Seen> some(128);
  const std::span<uint8_t> room(reinterpret_cast<uint8_t*>(some.data()),
                                some.size() * sizeof(Seen));
  for (size_t had = 0;;) {
    const ssize_t got = ::read(list.get(), room.data() + had, room.size() - had);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return Error::from_errno(errno, "list of TCP sockets");
    if (got == 0) return left;
    had += static_cast<size_t>(got);
    const size_t whole = had / sizeof(Seen);
    for (size_t i = 0; i < whole; ++i) TRY(Reader(kernel, some[i]).put_into(left));
    had %= sizeof(Seen);
    std::memmove(room.data(), room.data() + whole * sizeof(Seen), had);
  }
}

}  // namespace appshot
