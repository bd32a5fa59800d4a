// The places of one instance on this machine: folders, cgroups, sockets.
#pragma once

#include <string>

#include "base/result.h"
#include "os/cgroup.h"
#include "os/controllers.h"
#include "protocol/harness_config.h"

namespace appshot {

struct InstancePlaces {
  std::string state;  // lives as long as the instance: layers, log, exit.json
  std::string run;    // sockets, and the folder on which its root is assembled

  std::string layers() const { return state + "/layers"; }
  std::string log() const { return state + "/log"; }
  std::string exit_record() const { return state + "/exit.json"; }
  std::string root() const { return run + "/root"; }
  std::string info() const { return run + "/info"; }
  std::string origin() const { return state + "/origin"; }
  std::string memory() const { return run + "/instance.json"; }  // for a harness that takes over
  std::string socket() const { return run + "/harness.sock"; }
  std::string init_socket() const { return run + "/init.sock"; }
};

// NODE/instances/AID is one of many.
std::string node_folder(const std::string& place);

struct InstanceGroups {
  Cgroup instance;     // init
  Cgroup application;  // …/app: what is frozen and captured
  Cgroup visitors;     // …/exec
  LimitedGroups limited;

  static Result<InstanceGroups> create(const HarnessConfig& config);
  static Result<InstanceGroups> open(const HarnessConfig& config);
  // When nobody is left in them.
  Result<> remove() const;
};

// The folders a new instance needs; what a predecessor of the same name left is replaced.
Result<> make_places(const InstancePlaces& places);
// Puts the layers of an earlier life aside; removing them may take long and can wait.
Result<> put_layers_aside(const InstancePlaces& places);
// Those that this or any harness before has put aside. Two may do it at once.
Result<> remove_old_layers(const InstancePlaces& places);

}  // namespace appshot
