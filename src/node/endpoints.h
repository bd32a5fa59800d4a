// Which instance has which virtual address and which published ports, and what becomes of them when
// it ends, sleeps, is restored or removed. The registry's leases are the record; the kernel's
// routes and tables (endpoints/node_network.h) are made to agree with it. Of instances that share
// the host's network the kernel's tables are the record (endpoints/held_connections.h).
//
// Threads: any. Failure: where this machine gives no network to instances they have loopback alone,
// which is logged once; who asks for a port is told why not.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/paths.h"
#include "endpoints/held_connections.h"
#include "endpoints/name_relay.h"
#include "endpoints/node_network.h"
#include "endpoints/port_claim.h"
#include "node/config.h"
#include "protocol/harness_config.h"
#include "registry/registry.h"

namespace appshot {

class Endpoints {
 public:
  Endpoints(Registry& registry, const Paths& paths, const NodeConfig& config)
      : registry_(registry), paths_(paths), held_(paths.state_dir), config_(config) {}

  // What a daemon before has left is taken up: addresses whose instances will be back stay parked.
  Result<> begin();
  // Nothing is left on this machine unless an instance has an address still.
  void finish();

  // For an instance that is launched: a free address goes into its configuration.
  Result<> take(const std::string& aid, HarnessConfig& config);

  // For one that is restored: the address it had, or another by which it is known from now on while
  // inside it has the same. `snapshot` is the one it is restored from.
  struct Wish {
    std::string aid;
    std::string snapshot;
    std::string address;        // as it had it; empty: it had none on this node
    std::string inner_address;  // as it had it inside; empty: the same
    bool as_another = false;    // than the one that the snapshot is of
    std::vector<std::string> ports{};
    bool fresh = false;  // another address than it had, whoever has that now
  };
  // What was before, for a restore that fails.
  struct Before {
    std::optional<LeaseRecord> own;
    std::optional<LeaseRecord> of_another;
  };
  // Class conflict when an instance that is there has it.
  Result<Before> take_again(const Wish& wish, HarnessConfig& config);
  void undo(const std::string& aid, const Before& before);

  // It has been started from another snapshot, or launched: connections in the host's network that
  // it had in another life are none of its any more.
  void runs(const std::string& aid);
  // It is about to end in a snapshot, from which its connections may go on. Empty: it did not.
  Result<> stand(const std::string& aid, const std::string& snapshot);
  // It has ended, and not in a snapshot: its address answers as dead.
  void ended(const std::string& aid);
  // There is no such snapshot any more.
  void dropped(const std::string& snapshot);
  // There is no such instance any more.
  void release(const std::string& aid);

  // What is published by whom.
  struct Published {
    std::string aid;
    PublishedPort port;
  };
  std::vector<Published> published();

  std::optional<LeaseRecord> lease_of(const std::string& aid);
  Result<std::vector<NodeNetwork::Traffic>> traffic();

 private:
  Result<> ensure_network();
  Result<IpAddress> take_free(const std::string& aid);
  Result<> settle(const IpAddress& address, const IpAddress& inner, HarnessConfig& config);
  Result<Before> find_place(const Wish& wish, bool is_from_elsewhere, HarnessConfig& config);
  Result<> serve_names();
  std::optional<LeaseRecord> find(const std::function<bool(const LeaseRecord&)>& which);
  bool is_there(const std::string& aid);
  void unpark(const LeaseRecord& lease);
  // What was left to us is chosen.
  Result<> publish(const std::string& aid, const IpAddress& address,
                   std::vector<std::string>& ports);
  Result<> claim(const std::string& aid, std::vector<PublishedPort>& ports);
  Result<Publication> publication_of(const LeaseRecord& lease);
  void withdraw(const std::string& aid);

  Result<> move_lease(const Wish& wish, const Before& before);
  void put_back(const std::string& aid, const Before& before);

  struct Claimed {
    Publication publication;
    std::vector<PortClaim> claims;
  };

  void let_go(const std::string& aid);
  void let_go_of_unknown();

  Registry& registry_;
  const Paths& paths_;
  const HeldConnections held_;  // of instances that share the host's network
  const NodeConfig& config_;
  std::mutex mutex_;
  std::unique_ptr<NodeNetwork> network_;
  std::unique_ptr<NameRelay> names_;        // for instances that cannot ask the host's servers
  std::map<std::string, Claimed> claimed_;  // by AID
  bool warned_ = false, warned_of_names_ = false;
  uint32_t next_ = 0;  // addresses are given out in turn, so that one is not soon another's
};

}  // namespace appshot
