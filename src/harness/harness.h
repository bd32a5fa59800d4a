// One instance's keeper: answers the daemon, carries the program's streams, takes snapshots, and
// tells how it ended. One thread, one poll loop (docs/harness-protocol.md).
#pragma once

#include <poll.h>

#include <array>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "harness/memory_watch.h"
#include "harness/start.h"
#include "protocol/listener.h"
#include "resources/instance_view.h"

namespace appshot {

class Harness {
 public:
  Harness(HarnessConfig config, Channel first_connection, Prepared prepared);

  // Until the instance has ended; the exit status of the program.
  int run();

 private:
  struct Connection {
    Channel channel;
  };
  struct PendingEnd {  // a terminate that waits for the instance to be gone
    Channel* channel;  // none: nobody has asked, the program has ended
    int64_t id;
    Deadline deadline;
    bool killed = false;
  };

  // start and end
  Result<> start();
  Result<> start_held_program();
  void serve();
  void instance_ended(const std::string& reason);
  void clean_up();

  // the loop's parts
  std::vector<pollfd> waits();
  int next_timeout_ms() const;
  void handle_ready(const pollfd& ready);
  void take_connection();
  void take_request(Connection& connection);
  void take_init_events();
  void take_timeouts();
  void ask_rest_to_end();

  // operations
  using Operation = Result<Json> (Harness::*)(Connection&, Packet&);
  static Operation find_operation(const std::string& op);
  Result<Json> op_status(Connection&, Packet&);
  Result<Json> op_start(Connection&, Packet&);
  Result<Json> op_attach(Connection&, Packet&);
  Result<Json> op_exec(Connection&, Packet&);
  Result<Json> op_join(Connection&, Packet&);
  Result<std::array<UniqueFd, 3>> streams_to_join() const;
  ProgramStart as_here(ProgramStart program) const;
  Result<Json> op_kill(Connection&, Packet&);
  Result<Json> op_check(Connection&, Packet&);
  Result<Json> op_snapshot(Connection&, Packet&);
  Result<Json> op_rids(Connection&, Packet&);
  Result<Json> op_resources(Connection&, Packet&);
  Result<Json> op_terminate(Connection&, Packet&);

  bool has_ended() const;
  Result<> await_memory(Connection& connection, const Packet& request);
  Result<> ask_before_snapshot();
  Result<> let_connections_go() const;  // of the host's network
  void hand_on_working_set(const std::string& image_folder) const;
  void memory_is_in();
  void tell_memory_kills();
  Result<> signal(int64_t pid, int64_t number);
  Result<> signal_program(int64_t number);

  void tell_everyone(const Json& message);
  InstanceView view();
  std::string first_mounts();

  HarnessConfig config_;
  InstancePlaces places_;
  Prepared prepared_;
  InstanceNetwork& network_ = prepared_.network;
  std::optional<InstanceGroups> groups_;
  MemoryWatch memory_watch_;
  std::optional<Listener> listener_;
  std::list<Connection> connections_;
  std::optional<StartedInstance> instance_;
  OutputLog log_;
  std::unique_ptr<Session> session_;
  std::map<pid_t, std::unique_ptr<Session>> visitors_;  // by their program's id inside
  std::list<PendingEnd> pending_ends_;
  SeenQueues seen_queues_;
  MemoryTracks tracks_;
  MappingFlags mapping_flags_;
  std::string first_mounts_;  // of the instance; asked of init when they are needed
  std::optional<KernelLayout> kernel_layout_;
  std::optional<int> root_status_;
  bool ended_ = false;
  bool held_ = false;
  std::string end_reason_;
};

}  // namespace appshot
