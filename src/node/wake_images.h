// What instances were woken from. Such an image belongs to its instance until all that it holds is
// in memory again: until then nothing else is left of it, should memory that is still missing turn
// out to be damaged.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/background.h"
#include "node/node.h"

namespace appshot {

class WakeImages {
 public:
  WakeImages(Node& node, Background& background) : node_(node), background_(background) {}

  // All is in memory, or the instance has ended by itself.
  void not_needed(const std::string& aid);
  // The instance was ended because memory could not be brought in: the image is a snapshot like any
  // other from now on.
  void all_that_is_left(const std::string& aid);
  // Those of instances that ended while no daemon was there.
  Result<> settle();

 private:
  Result<std::vector<SnapshotRecord>> find(const std::string& of) const;
  std::vector<SnapshotRecord> of(const std::string& aid) const;
  void set_free(SnapshotRecord image);

  Node& node_;
  Background& background_;
};

// How folders are called that are being removed.
inline constexpr std::string_view kRemovedPrefix = ".removed-";
// The folder and the record of a snapshot that nobody wants any more.
void drop_snapshot(Node& node, Background& background, const std::string& id);

}  // namespace appshot
