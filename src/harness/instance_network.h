// An instance's network: a namespace of its own and the cable out of it, or the host's.
//
// Making both takes the kernel longer than most of a restore, so a harness makes them before it
// knows whose harness it will be.
#pragma once

#include <optional>

#include "base/deadline.h"
#include "endpoints/cable.h"
#include "isolation/own_network.h"
#include "os/pids.h"
#include "protocol/harness_config.h"
#include "resources/networks/known.h"

namespace appshot {

class InstanceNetwork {
 public:
  // What fails here is tried again, and told, by enter().
  static InstanceNetwork prepare();

  // In place of the one that has been prepared: one that others have made for the instance.
  Result<> replace(int network);

  // Of the instance's group: whether anybody there changes settings of networks.
  void watch_settings(int group);

  // With the addresses of the configuration, if it has any.
  Result<> enter(const HarnessConfig& config);
  // Back to the host's, for an instance that shares it or has its own already.
  Result<> leave();
  // Others shall know it by another address than it has inside: what is needed for that is made
  // now, while others work, for it takes the kernel some milliseconds.
  Result<> translate();
  // Packets for the instance come from now on.
  Result<> plug();
  // Until what programs have sent on connections that they have closed already has arrived, and
  // nobody but the kernel knows of them any more. Class timeout, with one that has not.
  Result<> await_sent(Deadline deadline);
  // Nothing leaves the instance until it is undone, so that no peer learns of what we do.
  Result<> mute();
  // When it is muted: those outside whose wish to connect has been answered before believe that
  // they are connected, and their answer is on its way. Waits for it, for so long as it may take.
  Result<> await_handshakes(Deadline deadline);
  Result<> unmute();
  // They go where the node has parked the address.
  void unplug();
  // The way out of an instance that runs already, whose harness this becomes.
  Result<> find(const HarnessConfig& config, HostPid init);

  // None: the instance has no way out of its own.
  Cable* cable() { return cable_ ? &*cable_ : nullptr; }
  const EndpointAddresses& addresses() const { return addresses_; }
  networks::Known& known() { return known_; }

 private:
  Result<> get_to_know();
  Result<> lay_cable();
  Result<> give_addresses(const HarnessConfig& config);

  OwnNetwork network_;
  UniqueFd namespace_;  // of the instance, when this process is not in it
  std::optional<Cable> cable_;
  EndpointAddresses addresses_;
  networks::Known known_;
  bool is_muted_ = false;
  bool is_translated_ = false;
};

// None where the configuration names none.
EndpointAddresses addresses_of(const HarnessConfig& config);

}  // namespace appshot
