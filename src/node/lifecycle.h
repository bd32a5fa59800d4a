// The lives of instances: who has a harness, what became of it, one operation at a time.
//
// The registry's record says what an instance is; the Instance here is only the daemon's hold on it
// (the connection to its harness, who is working on it) and is rebuilt after a restart.
// Threads: any. Reactor thread: exits and lost harnesses are noticed there.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "node/background.h"
#include "node/harness_link.h"
#include "node/harness_start.h"
#include "node/node.h"
#include "node/wake_images.h"
#include "protocol/harness_config.h"

namespace appshot {

// What an instance is busy with while it is given another harness.
inline constexpr std::string_view kAdopting = "adopt";

struct Instance {
  explicit Instance(std::string name) : aid(std::move(name)) {}

  const std::string aid;
  std::timed_mutex operation;  // held by who changes what the instance is

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::string busy;                   // the operation going on
  std::shared_ptr<HarnessLink> link;  // none: no harness, or not heard of yet
  bool ended = true;                  // the application under this link has ended
  bool stop_wanted = false;           // by the user, so its end is no surprise
  int adoptions = 0;                  // in a row
  std::chrono::steady_clock::time_point harness_since;
};

// An operation on one instance, excluding others for its lifetime.
class Operation {
 public:
  Operation(std::shared_ptr<Instance> instance, std::unique_lock<std::timed_mutex> lock,
            std::string_view name);
  Operation(Operation&&) = default;
  Operation& operator=(Operation&&) = delete;
  ~Operation();
  Instance& instance() const { return *instance_; }
  const std::string& aid() const { return instance_->aid; }

 private:
  std::shared_ptr<Instance> instance_;
  std::unique_lock<std::timed_mutex> lock_;
};

class Lifecycle {
 public:
  Lifecycle(Node& node, Reactor& reactor)
      : node_(node),
        reactor_(reactor),
        harnesses_([program = harness_program(node.config.harness)] {
          return start_harness_program(program);
        }) {}

  // By AID or unique prefix. Waits for an operation that is going on; class conflict if it lasts.
  Result<Operation> begin(const std::string& aid_or_prefix, std::string_view what);
  // The daemon's hold on an instance, made if there is none: only for one that is in the registry.
  std::shared_ptr<Instance> hold_on(const std::string& aid);

  // Starts a harness and waits until the application stands (or says why not). The record must
  // exist; it gets the processes' identities and the state.
  struct Started {
    int64_t lost_connections = 0;  // with others, which could not be kept
  };
  // `harnesses`: where its harness is to come from; none: it is a program of its own.
  Result<Started> start(Instance& instance, HarnessConfig config, InstanceState state,
                        const std::string& why, const ProgressListener& progress = {},
                        HarnessStarter* harnesses = nullptr);
  // So that the next start finds a harness that runs already. In the background.
  void prepare_spare_harness(std::shared_ptr<HarnessStarter> harnesses = nullptr);
  // Takes up the connection to a harness that lives already.
  Result<> connect(const std::shared_ptr<Instance>& instance);
  // Puts a new harness to an application that has lost its own. In the background.
  void adopt(const std::shared_ptr<Instance>& instance);
  // What exit.json says, if it is there; else failed, or adopted when init lives.
  void settle_lost(const std::shared_ptr<Instance>& instance);

  // The way to the instance's harness. One that has just died is given a successor in a moment, for
  // which it waits; not for its own caller's operation, which the successor waits for. Class
  // conflict and a hint when there is none.
  Result<std::shared_ptr<HarnessLink>> link(const std::string& aid_or_prefix);
  Result<std::shared_ptr<HarnessLink>> link(const std::string& aid_or_prefix, Deadline deadline);
  // Before an operation that needs the harness: as above, but having none is no error here.
  Result<> await_adoption(const std::string& aid_or_prefix);
  bool wait_ended(Instance& instance, Deadline deadline);
  // For one whose harness has died: whether the application ends too, which is then settled.
  bool wait_application_gone(const Operation& operation, Deadline deadline);
  bool wait_harness_gone(Instance& instance, Deadline deadline);

  // Reads, changes and writes a record in one step.
  Result<InstanceRecord> change(const std::string& aid,
                                const std::function<void(InstanceRecord&)>& edit);
  // What is published of it is kept as it turned out.
  Result<> keep_ports(const std::string& aid, const std::vector<std::string>& ports);
  // The address that it has inside; empty: the one that it has outside.
  Result<> keep_inner_address(const std::string& aid, const std::string& address);
  // Ends and removes what a harness that is gone has left of its instance on this machine.
  void sweep(const std::string& aid);
  // The record, the folders, everything. The instance must have ended.
  Result<> purge(const std::string& aid);

  // Called after a purge with what was known of the instance.
  using Purged = std::function<void(const InstanceRecord& record)>;
  void when_purged(Purged listener) { when_purged_.push_back(std::move(listener)); }

  Background& background() { return background_; }
  WakeImages& wake_images() { return wake_images_; }
  std::string busy_with(const std::string& aid);

 private:
  std::shared_ptr<Instance> find(const std::string& aid);  // none: null
  void forget(const std::shared_ptr<Instance>& instance);
  Result<std::shared_ptr<HarnessLink>> open_link(const std::shared_ptr<Instance>& instance,
                                                 Channel channel);
  void on_event(const std::shared_ptr<Instance>& instance, const Json& event);
  void on_closed(const std::shared_ptr<Instance>& instance);
  void on_out_of_memory(Instance& instance, int64_t processes);
  void on_exited(Instance& instance, const Json& event);
  void on_failed(Instance& instance, const std::string& why);
  bool settle_ended(const std::shared_ptr<Instance>& instance, const std::string& why);
  bool snapshot_was_finished(const std::string& aid);
  void purge_if_wanted(const std::string& aid);  // as --rm asks
  void tell_of_hook(const std::string& aid, const Json& hook);
  void tell_of_lost(const std::string& aid, int64_t connections);
  void tell_of_lost_keys(const std::string& aid, int64_t keys);
  Result<> change_spec(const std::string& aid, const std::function<void(Json& spec)>& edit);
  Result<> prepare_folders(const HarnessConfig& config);
  Result<StartedHarness> start_harness(const HarnessConfig& config, HarnessStarter* harnesses);

  Node& node_;
  std::vector<Purged> when_purged_;
  Reactor& reactor_;
  HarnessStarter harnesses_;
  std::mutex table_mutex_;
  std::map<std::string, std::shared_ptr<Instance>> table_;
  std::mutex records_mutex_;
  Background background_;
  WakeImages wake_images_{node_, background_};
};

// Why nothing can be asked of an instance without processes, and what to do about it.
Error not_running(const InstanceRecord& record);

// "the program ended with status 3", "the program was killed by signal 9 (Killed)".
std::string describe_wait_status(int status);

}  // namespace appshot
