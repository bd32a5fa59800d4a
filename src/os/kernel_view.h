// The kernel's memory together with how its structures lie in it (x86-64): what is needed to follow
// one from a descriptor of ours. All of it is the kernel's own affair and may differ with every
// version: an offset that is not found makes all of this unsupported, never wrong.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "os/kernel_memory.h"
#include "os/kernel_thread_layout.h"

namespace appshot {

// Offsets in bytes, "structure.member".
struct KernelLayout {
  static constexpr uint32_t kAbsent = ~0U;

  uint32_t task_files, task_pid, files_table, table_size, table_files;
  uint32_t file_private, file_inode, file_flags, file_position;
  uint32_t inode_number, inode_mode, inode_locks, socket_inode;
  uint32_t socket_sock, sock_socket, sock_queue, queue_first, sock_peer_pid, sock_peer_cred;
  uint32_t sock_receives = kAbsent;  // since 6.16
  uint32_t unix_peer, unix_address, address_length, address_name;
  uint32_t unix_urgent = kAbsent;
  uint32_t pid_level, pid_numbers, number_value, number_size;
  uint32_t cred_uid, cred_gid, cred_groups, groups_count, groups_ids;
  uint32_t skb_next, skb_sock, skb_length, skb_paged_length, skb_head, skb_data, skb_end, skb_own;
  uint32_t own_pid, own_uid, own_gid, own_files, own_consumed;  // in skb_own
  uint32_t sent_count, sent_files;
  uint32_t shared_count, shared_pieces, shared_chain;
  uint32_t piece_size, piece_page, piece_length, piece_offset;
  uint32_t page_size;  // of struct page
  uint32_t pipe_buffers, buffer_page;

  // TCP. What "bit" is told of is counted in bits.
  uint32_t accept_first, request_next, request_sock;
  uint32_t sock_family, sock_state, sock_to, sock_from, sock_to_v6, sock_from_v6, sock_to_port,
      sock_from_port, sock_error, sock_errors;
  uint32_t skb_network;
  uint32_t tcp_received, tcp_sent, tcp_begin, tcp_window, tcp_window_from, tcp_send_window,
      tcp_urgent, tcp_urgent_at, tcp_acknowledged, tcp_sent_urgent, tcp_time_offset, tcp_peer_time,
      tcp_segment, tcp_fast_open;
  uint32_t tcp_time_bit, tcp_sack_bit, tcp_scale_bit, tcp_send_scale_bit, tcp_receive_scale_bit;
  uint32_t tcp_microseconds_bit = kAbsent;
  uint32_t segment_begin, segment_end;  // in skb_own
  uint32_t told_origin;                 // in skb_own

  // TCP that no program has any more: what is left of a connection is another structure ("ended").
  uint32_t tcp_iterator;  // the id of a function that programs can take the place of
  uint32_t tcp_write_end, tcp_window_update, tcp_window_most, tcp_segment_now;
  uint32_t sock_sent, skb_node, node_left, node_right;
  uint32_t sock_reuse_bit, sock_reuse_port_bit, sock_v6_only_bit;
  uint32_t ended_state, ended_port, ended_sent, ended_received, ended_window, ended_window_scale,
      ended_time_offset, ended_peer_time, ended_peer_time_at;
  uint32_t ended_transparent_bit, ended_microseconds_bit;

  // Datagrams: what is begun, and chosen for all.
  uint32_t sock_sending, skb_transport;
  uint32_t udp_pending, udp_length;
  uint32_t cork_options, cork_hops, cork_service, cork_segment, cork_device, cork_to, cork_to_port,
      cork_to_v6, cork_to_v6_port;
  uint32_t sock_v6, v6_cork_options, v6_cork_hops, v6_cork_service;
  uint32_t sock_multicast_device;

  // Asynchronous input and output.
  uint32_t memory_contexts, contexts_count, contexts;
  uint32_t context_id, context_wanted, context_events, context_available, context_completed,
      context_each, context_active, each_available;

  // Who traces a thread, and how.
  uint32_t process_inode, process_pid, pid_tasks, task_links, task_traced, task_call_work,
      task_stack;

  uint32_t map_values;  // of one of BPF, for each processor

  KernelThreadLayout threads;

  static Result<KernelLayout> of_running_kernel();
};

// One thread at a time.
struct KernelView {
  KernelMemory memory;
  KernelLayout layout;

  // Takes some milliseconds to find the layout; it stays the same while the machine runs. Where it
  // is kept may be nullptr.
  static Result<KernelView> open(std::optional<KernelLayout>* layout);
};

// Something in it that cannot be: a structure is not what it was taken for, or has changed.
Error unexpected_memory(const char* what);

}  // namespace appshot
