// Templates: snapshots that are kept for clones to be made from. A template is an image of its own,
// which never changes and needs nothing of what it was made from.
//
// Threads: any.
#pragma once

#include <string>

#include "node/frozen_files.h"
#include "node/seeds.h"
#include "node/snapshots.h"

namespace appshot {

struct TemplateWish {
  std::string from;  // a snapshot, a template or an instance
  std::string name;
  bool warm = false;
};

// Class refused, unless there are none.
Result<> refuse(std::vector<Obstacle> obstacles);

class Templates {
 public:
  Templates(Node& node, Lifecycle& lifecycle, Snapshots& snapshots);

  Result<Json> make(const TemplateWish& wish, const ProgressListener& progress);
  Result<Json> list();
  Result<Json> describe(const std::string& id, bool with_records);
  Result<Json> remove(const std::string& id);

  // An image to make clones or a template from: by id or name, or else of the instance that is
  // called so: what it sleeps in, or a passing snapshot of it as it runs.
  struct Source {
    SnapshotRecord image;
    std::string name;      // as its clones know it
    bool passing = false;  // to be dropped when it has served
  };
  // Class refused, with everything that keeps it from being cloned.
  Result<> refuse_obstacles(const SnapshotRecord& image);
  Result<Source> find_source(const std::string& from, const ProgressListener& progress);
  void drop_passing(const Source& source);

  Seeds& seeds() { return seeds_; }

  // At the start of the daemon.
  Result<> settle();

 private:
  Result<SnapshotRecord> find(const std::string& id);
  Result<Json> describe(const SnapshotRecord& record);
  Result<SnapshotRecord> add(const SnapshotRecord& from, const TemplateWish& wish);

  Node& node_;
  Lifecycle& lifecycle_;
  Snapshots& snapshots_;
  FrozenFiles frozen_files_;
  Seeds seeds_;
};

}  // namespace appshot
