// TCP connections of instances that share the host's network, while those are away in a snapshot.
//
// There is no cable to mute and no address to park. What the host would say in their names, for
// want of a socket or while one is being made, is dropped by a table of nf_tables that each such
// snapshot has. The table is the record as well: the connections can go on as long as it stands,
// whichever daemon looks; when the machine ends it is gone, and so are they.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/tcp_names.h"

namespace appshot {

class HeldConnections {
 public:
  // `state_dir` is the daemon's.
  explicit HeldConnections(const std::string& state_dir);

  struct Holder {
    std::string snapshot, aid;
    bool operator==(const Holder&) const = default;
  };
  // From now on nothing is said in their names, besides those that are held already.
  Result<> hold(const Holder& holder, const HeldTcp& what) const;
  Result<std::vector<Holder>> holders() const;
  // Nothing of theirs is left; they need not be there.
  Result<> let_go_of_snapshot(const std::string& snapshot) const;
  Result<> let_go_of_instance(const std::string& aid) const;

 private:
  std::string table_of(const Holder& holder) const;
  Result<> let_go(std::string Holder::*of, const std::string& id) const;

  std::string prefix_;
};

}  // namespace appshot
