// Clones: instances made from one image, as many as are asked for, each with an AID, an address and
// files of its own. All of those that are asked for at once stand, or none does.
//
// Threads: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/instances.h"
#include "node/templates.h"

namespace appshot {

// What becomes of established connections with others outside, which at most one can have.
enum class ConnectionsWish {
  close,       // clones find them reset
  keep_first,  // the first takes them over, if what the snapshot is of has ended in it
  refuse,      // no clones where there are any
};
std::optional<ConnectionsWish> connections_wish_from_name(const std::string& name);

struct CloneWish {
  std::string from;  // a template, a snapshot or an instance
  int64_t count = 1;
  std::string name;  // {n} stands for a number; empty: each is given one
  std::string memory;
  std::vector<std::string> ports, env;
  ConnectionsWish connections = ConnectionsWish::close;
};

class Clones {
 public:
  Clones(Node& node, Lifecycle& lifecycle, Instances& instances, Snapshots& snapshots,
         Templates& templates)
      : node_(node),
        lifecycle_(lifecycle),
        instances_(instances),
        snapshots_(snapshots),
        templates_(templates) {}

  Result<Json> make(const CloneWish& wish, const ProgressListener& progress);

 private:
  Result<std::vector<std::string>> take_aids(const CloneWish& wish, const InstanceRecord& record);
  std::shared_ptr<HarnessStarter> find_seed(const Templates::Source& source, const CloneWish& wish,
                                            const ProgressListener& progress);
  Result<Json> start(const std::string& aid, const Templates::Source& source, const RunWish& wish,
                     const ProgressListener& progress);
  Result<> refuse_if_wanted(const Templates::Source& source, const CloneWish& wish);
  Result<Json> start_all(const std::vector<std::string>& aids, const Templates::Source& source,
                         const CloneWish& wish, const ProgressListener& progress);
  void undo(const std::vector<std::string>& aids);

  Node& node_;
  Lifecycle& lifecycle_;
  Instances& instances_;
  Snapshots& snapshots_;
  Templates& templates_;
};

}  // namespace appshot
