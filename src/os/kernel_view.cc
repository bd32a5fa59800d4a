#include "os/kernel_view.h"

#include <set>
#include <string_view>
#include <vector>

#include "os/kernel_types.h"

namespace appshot {
namespace {

using Layout = KernelLayout;

struct Wanted {
  uint32_t Layout::*into;
  std::string_view structure, member;
};

constexpr Wanted kWanted[] = {
    {&Layout::task_files, "task_struct", "files"},
    {&Layout::task_pid, "task_struct", "thread_pid"},
    {&Layout::files_table, "files_struct", "fdt"},
    {&Layout::table_size, "fdtable", "max_fds"},
    {&Layout::table_files, "fdtable", "fd"},
    {&Layout::file_private, "file", "private_data"},
    {&Layout::file_inode, "file", "f_inode"},
    {&Layout::file_flags, "file", "f_flags"},
    {&Layout::file_position, "file", "f_pos"},
    {&Layout::inode_number, "inode", "i_ino"},
    {&Layout::inode_mode, "inode", "i_mode"},
    {&Layout::inode_locks, "inode", "i_flctx"},
    {&Layout::socket_inode, "socket_alloc", "vfs_inode"},
    {&Layout::socket_sock, "socket", "sk"},
    {&Layout::sock_socket, "sock", "sk_socket"},
    {&Layout::sock_queue, "sock", "sk_receive_queue"},
    {&Layout::queue_first, "sk_buff_head", "next"},
    {&Layout::sock_peer_pid, "sock", "sk_peer_pid"},
    {&Layout::sock_peer_cred, "sock", "sk_peer_cred"},
    {&Layout::unix_peer, "unix_sock", "peer"},
    {&Layout::unix_address, "unix_sock", "addr"},
    {&Layout::address_length, "unix_address", "len"},
    {&Layout::address_name, "unix_address", "name"},
    {&Layout::pid_level, "pid", "level"},
    {&Layout::pid_numbers, "pid", "numbers"},
    {&Layout::number_value, "upid", "nr"},
    {&Layout::cred_uid, "cred", "euid"},
    {&Layout::cred_gid, "cred", "egid"},
    {&Layout::cred_groups, "cred", "group_info"},
    {&Layout::groups_count, "group_info", "ngroups"},
    {&Layout::groups_ids, "group_info", "gid"},
    {&Layout::skb_next, "sk_buff", "next"},
    {&Layout::skb_sock, "sk_buff", "sk"},
    {&Layout::skb_length, "sk_buff", "len"},
    {&Layout::skb_paged_length, "sk_buff", "data_len"},
    {&Layout::skb_head, "sk_buff", "head"},
    {&Layout::skb_data, "sk_buff", "data"},
    {&Layout::skb_end, "sk_buff", "end"},
    {&Layout::skb_own, "sk_buff", "cb"},
    {&Layout::own_pid, "unix_skb_parms", "pid"},
    {&Layout::own_uid, "unix_skb_parms", "uid"},
    {&Layout::own_gid, "unix_skb_parms", "gid"},
    {&Layout::own_files, "unix_skb_parms", "fp"},
    {&Layout::own_consumed, "unix_skb_parms", "consumed"},
    {&Layout::sent_count, "scm_fp_list", "count"},
    {&Layout::sent_files, "scm_fp_list", "fp"},
    {&Layout::shared_count, "skb_shared_info", "nr_frags"},
    {&Layout::shared_pieces, "skb_shared_info", "frags"},
    {&Layout::shared_chain, "skb_shared_info", "frag_list"},
    {&Layout::pipe_buffers, "pipe_inode_info", "bufs"},
    {&Layout::buffer_page, "pipe_buffer", "page"},
    {&Layout::accept_first, "inet_connection_sock", "icsk_accept_queue.rskq_accept_head"},
    {&Layout::request_next, "request_sock", "dl_next"},
    {&Layout::request_sock, "request_sock", "sk"},
    {&Layout::sock_family, "sock", "__sk_common.skc_family"},
    {&Layout::sock_state, "sock", "__sk_common.skc_state"},
    {&Layout::sock_to, "sock", "__sk_common.skc_daddr"},
    {&Layout::sock_from, "sock", "__sk_common.skc_rcv_saddr"},
    {&Layout::sock_to_v6, "sock", "__sk_common.skc_v6_daddr"},
    {&Layout::sock_from_v6, "sock", "__sk_common.skc_v6_rcv_saddr"},
    {&Layout::sock_to_port, "sock", "__sk_common.skc_dport"},
    {&Layout::sock_from_port, "inet_sock", "inet_sport"},
    {&Layout::sock_error, "sock", "sk_err"},
    {&Layout::sock_errors, "sock", "sk_error_queue"},
    {&Layout::skb_network, "sk_buff", "network_header"},
    {&Layout::tcp_received, "tcp_sock", "rcv_nxt"},
    {&Layout::tcp_sent, "tcp_sock", "snd_nxt"},
    {&Layout::tcp_begin, "tcp_sock", "copied_seq"},
    {&Layout::tcp_window, "tcp_sock", "rcv_wnd"},
    {&Layout::tcp_window_from, "tcp_sock", "rcv_wup"},
    {&Layout::tcp_send_window, "tcp_sock", "snd_wnd"},
    {&Layout::tcp_urgent, "tcp_sock", "urg_data"},
    {&Layout::tcp_urgent_at, "tcp_sock", "urg_seq"},
    {&Layout::tcp_acknowledged, "tcp_sock", "snd_una"},
    {&Layout::tcp_sent_urgent, "tcp_sock", "snd_up"},
    {&Layout::tcp_time_offset, "tcp_sock", "tsoffset"},
    {&Layout::tcp_peer_time, "tcp_sock", "rx_opt.ts_recent"},
    {&Layout::tcp_segment, "tcp_sock", "rx_opt.mss_clamp"},
    {&Layout::tcp_fast_open, "tcp_sock", "fastopen_rsk"},
    {&Layout::segment_begin, "tcp_skb_cb", "seq"},
    {&Layout::segment_end, "tcp_skb_cb", "end_seq"},
    {&Layout::told_origin, "sock_exterr_skb", "ee.ee_origin"},
    {&Layout::sock_sending, "sock", "sk_write_queue"},
    {&Layout::skb_transport, "sk_buff", "transport_header"},
    {&Layout::udp_pending, "udp_sock", "pending"},
    {&Layout::udp_length, "udp_sock", "len"},
    {&Layout::cork_options, "inet_sock", "cork.base.opt"},
    {&Layout::cork_hops, "inet_sock", "cork.base.ttl"},
    {&Layout::cork_service, "inet_sock", "cork.base.tos"},
    {&Layout::cork_segment, "inet_sock", "cork.base.gso_size"},
    {&Layout::cork_device, "inet_sock", "cork.fl.u.__fl_common.flowic_oif"},
    {&Layout::cork_to, "inet_sock", "cork.fl.u.ip4.daddr"},
    {&Layout::cork_to_port, "inet_sock", "cork.fl.u.ip4.uli.ports.dport"},
    {&Layout::cork_to_v6, "inet_sock", "cork.fl.u.ip6.daddr"},
    {&Layout::cork_to_v6_port, "inet_sock", "cork.fl.u.ip6.uli.ports.dport"},
    {&Layout::sock_v6, "inet_sock", "pinet6"},
    {&Layout::v6_cork_options, "ipv6_pinfo", "cork.opt"},
    {&Layout::v6_cork_hops, "ipv6_pinfo", "cork.hop_limit"},
    {&Layout::v6_cork_service, "ipv6_pinfo", "cork.tclass"},
    {&Layout::sock_multicast_device, "inet_sock", "mc_index"},
};

// Less than a byte.
constexpr Wanted kWantedBits[] = {
    {&Layout::tcp_time_bit, "tcp_sock", "rx_opt.tstamp_ok"},
    {&Layout::tcp_sack_bit, "tcp_sock", "rx_opt.sack_ok"},
    {&Layout::tcp_scale_bit, "tcp_sock", "rx_opt.wscale_ok"},
    {&Layout::tcp_send_scale_bit, "tcp_sock", "rx_opt.snd_wscale"},
    {&Layout::tcp_receive_scale_bit, "tcp_sock", "rx_opt.rcv_wscale"},
};

// Not in every kernel.
constexpr Wanted kOptional[] = {
    {&Layout::sock_receives, "sock", "sk_scm_recv_flags"},
    {&Layout::unix_urgent, "unix_sock", "oob_skb"},
    {&Layout::process_inode, "proc_inode", "vfs_inode"},
    {&Layout::process_pid, "proc_inode", "pid"},
    {&Layout::pid_tasks, "pid", "tasks"},
    {&Layout::task_links, "task_struct", "pid_links"},
    {&Layout::task_traced, "task_struct", "ptrace"},
    {&Layout::task_call_work, "task_struct", "thread_info.syscall_work"},
    {&Layout::task_stack, "task_struct", "stack"},
    {&Layout::memory_contexts, "mm_struct", "ioctx_table"},
    {&Layout::contexts_count, "kioctx_table", "nr"},
    {&Layout::contexts, "kioctx_table", "table"},
    {&Layout::context_id, "kioctx", "user_id"},
    {&Layout::context_wanted, "kioctx", "max_reqs"},
    {&Layout::context_events, "kioctx", "nr_events"},
    {&Layout::context_available, "kioctx", "reqs_available"},
    {&Layout::context_completed, "kioctx", "completed_events"},
    {&Layout::context_each, "kioctx", "cpu"},
    {&Layout::context_active, "kioctx", "active_reqs"},
    {&Layout::each_available, "kioctx_cpu", "reqs_available"},
    {&Layout::map_values, "bpf_array", "pptrs"},
    {&Layout::tcp_write_end, "tcp_sock", "write_seq"},
    {&Layout::tcp_window_update, "tcp_sock", "snd_wl1"},
    {&Layout::tcp_window_most, "tcp_sock", "max_window"},
    {&Layout::tcp_segment_now, "tcp_sock", "mss_cache"},
    {&Layout::sock_sent, "sock", "tcp_rtx_queue.rb_node"},
    {&Layout::skb_node, "sk_buff", "rbnode"},
    {&Layout::node_left, "rb_node", "rb_left"},
    {&Layout::node_right, "rb_node", "rb_right"},
    {&Layout::ended_state, "inet_timewait_sock", "tw_substate"},
    {&Layout::ended_port, "inet_timewait_sock", "tw_sport"},
    {&Layout::ended_window_scale, "inet_timewait_sock", "tw_rcv_wscale"},
    {&Layout::ended_sent, "inet_timewait_sock", "__tw_common.skc_tw_snd_nxt"},
    {&Layout::ended_received, "inet_timewait_sock", "__tw_common.skc_tw_rcv_nxt"},
    {&Layout::ended_window, "tcp_timewait_sock", "tw_rcv_wnd"},
    {&Layout::ended_time_offset, "tcp_timewait_sock", "tw_ts_offset"},
    {&Layout::ended_peer_time, "tcp_timewait_sock", "tw_ts_recent"},
    {&Layout::ended_peer_time_at, "tcp_timewait_sock", "tw_ts_recent_stamp"},
};

constexpr Wanted kOptionalBits[] = {
    {&Layout::tcp_microseconds_bit, "tcp_sock", "tcp_usec_ts"},
    {&Layout::sock_reuse_bit, "sock", "__sk_common.skc_reuse"},
    {&Layout::sock_reuse_port_bit, "sock", "__sk_common.skc_reuseport"},
    {&Layout::sock_v6_only_bit, "sock", "__sk_common.skc_ipv6only"},
    {&Layout::ended_transparent_bit, "inet_timewait_sock", "tw_transparent"},
    {&Layout::ended_microseconds_bit, "inet_timewait_sock", "tw_usec_ts"},
};

// Called for each TCP socket of a network namespace.
constexpr std::string_view kTcpIterator = "bpf_iter_tcp";

std::vector<std::string_view> names_asked_for() {
  std::set<std::string_view> names{"upid", "page", "skb_frag", "bio_vec", kTcpIterator};
  for (const Wanted& wanted : kWanted) names.insert(wanted.structure);
  for (const Wanted& wanted : kWantedBits) names.insert(wanted.structure);
  for (const Wanted& wanted : kOptional) names.insert(wanted.structure);
  for (const Wanted& wanted : kOptionalBits) names.insert(wanted.structure);
  for (std::string_view of_threads : KernelThreadLayout::structures()) names.insert(of_threads);
  return {names.begin(), names.end()};
}

// A piece of a message that lies in pages. Until 6.9 it was the same as a piece of a block request.
Result<> find_piece(const KernelTypes& types, Layout& layout) {
  const bool has_own = types.has("skb_frag", "netmem");
  const std::string_view piece = has_own ? "skb_frag" : "bio_vec";
  layout.piece_size = TRY(types.size_of(piece));
  layout.piece_page = TRY(types.offset_of(piece, has_own ? "netmem" : "bv_page"));
  layout.piece_length = TRY(types.offset_of(piece, has_own ? "len" : "bv_len"));
  layout.piece_offset = TRY(types.offset_of(piece, has_own ? "offset" : "bv_offset"));
  return {};
}

}  // namespace

Result<KernelLayout> KernelLayout::of_running_kernel() {
  const KernelTypes types = TRY(KernelTypes::of_running_kernel(names_asked_for()));
  KernelLayout layout{};
  for (const Wanted& wanted : kWanted)
    layout.*wanted.into = TRY(types.offset_of(wanted.structure, wanted.member));
  for (const Wanted& wanted : kOptional)
    layout.*wanted.into = types.offset_of(wanted.structure, wanted.member).value_or(kAbsent);
  for (const Wanted& wanted : kWantedBits)
    layout.*wanted.into = TRY(types.bit_of(wanted.structure, wanted.member));
  for (const Wanted& wanted : kOptionalBits)
    layout.*wanted.into = types.bit_of(wanted.structure, wanted.member).value_or(kAbsent);
  layout.tcp_iterator = types.id_of_function(kTcpIterator).value_or(kAbsent);
  TRY(find_piece(types, layout));
  layout.number_size = TRY(types.size_of("upid"));
  layout.page_size = TRY(types.size_of("page"));
  layout.threads = KernelThreadLayout::find(types);
  return layout;
}

Result<KernelView> KernelView::open(std::optional<KernelLayout>* layout) {
#ifndef __x86_64__
  return Error(ErrorClass::unsupported, "the kernel's memory is only known on x86-64");
#endif
  KernelMemory memory = TRY(KernelMemory::open());
  if (layout != nullptr && *layout) return KernelView{std::move(memory), **layout};
  const KernelLayout found = TRY(KernelLayout::of_running_kernel());
  if (layout != nullptr) *layout = found;
  return KernelView{std::move(memory), found};
}

Error unexpected_memory(const char* what) {
  return Error(ErrorClass::unsupported,
               std::string("the kernel's memory does not look as expected: ") + what);
}

}  // namespace appshot
