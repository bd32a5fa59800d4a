#include "node/wake_images.h"

#include <stdio.h>

#include <utility>

#include "node/lineage_space.h"
#include "node/log.h"
#include "os/file.h"

namespace appshot {

// Complete, of an instance that does not sleep in it; of all instances, or of one.
Result<std::vector<SnapshotRecord>> WakeImages::find(const std::string& of) const {
  std::vector<SnapshotRecord> images = TRY(node_.registry.snapshots());
  std::erase_if(images, [&](const SnapshotRecord& image) {
    if (!image.complete || image.owner.empty() || (!of.empty() && image.owner != of)) return true;
    Result<InstanceRecord> owner = node_.registry.instance(image.owner);
    return owner && owner->aid == image.owner && owner->sleep_snapshot == image.id;
  });
  return images;
}

void WakeImages::not_needed(const std::string& aid) {
  for (const SnapshotRecord& image : of(aid)) drop_snapshot(node_, background_, image.id);
}

void WakeImages::all_that_is_left(const std::string& aid) {
  for (const SnapshotRecord& image : of(aid)) set_free(image);
}

std::vector<SnapshotRecord> WakeImages::of(const std::string& aid) const {
  Result<std::vector<SnapshotRecord>> images = find(aid);
  if (images) return std::move(images).value();
  log_error("what " + aid + " was woken from: " + images.error().message());
  return {};
}

void WakeImages::set_free(SnapshotRecord image) {
  const std::string aid = std::exchange(image.owner, "");
  if (Result<> changed = node_.registry.update_snapshot(image); !changed)
    return log_error("snapshot " + image.id + ": " + changed.error().message());
  node_.events.add(aid, "snapshot-kept",
                   aid + ": what it slept in is the snapshot " + image.id + " now",
                   {{"snapshot", image.id}});
}

Result<> WakeImages::settle() {
  for (const SnapshotRecord& image : TRY(find(""))) {
    Result<InstanceRecord> owner = node_.registry.instance(image.owner);
    const bool known = owner && owner->aid == image.owner;
    if (known && is_alive(owner->state)) continue;  // its harness tells
    if (known && owner->state == InstanceState::failed)
      set_free(image);
    else
      drop_snapshot(node_, background_, image.id);
  }
  return {};
}

void drop_snapshot(Node& node, Background& background, const std::string& id) {
  // Renamed first, so that a half-removed folder is never taken for a snapshot.
  std::string doomed = node.paths.snapshots() + "/" + std::string(kRemovedPrefix) + id;
  std::string dir = node.paths.snapshot_dir(id);
  if (::rename(dir.c_str(), doomed.c_str()) != 0) doomed = dir;
  if (Result<> removed = node.registry.remove_snapshot(id); !removed)
    log_warning(removed.error().message());
  node.endpoints.dropped(id);
  background.run([doomed, paths = node.paths] {
    const PagesFiles shared = shared_pages(doomed);
    if (Result<> removed = remove_tree(doomed); !removed)
      return log_warning(removed.error().message());
    give_back_room(paths, shared);
  });
}

}  // namespace appshot
