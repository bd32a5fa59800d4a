// Bringing snapshots to the disk after their answer, so that they outlast a loss of power.
#include <unistd.h>

#include "node/log.h"
#include "node/snapshots.h"
#include "os/file.h"

namespace appshot {
namespace {

// Whoever restores at once is not held up by the disk, and what is gone again by then costs it
// nothing.
constexpr std::chrono::milliseconds kDelay{1000};

Result<> bring_to_disk(Node& node, const SnapshotRecord& record) {
  TRY(sync_files(record.dir));
  TRY(sync_names(node.paths.snapshots()));
  return node.registry.mark_durable(record.id);
}

void tell_damaged(Node& node, const SnapshotRecord& record, const Error& error) {
  // Removed meanwhile: the folder goes first, then the record.
  if (!node.registry.snapshot(record.id) || ::access(record.dir.c_str(), F_OK) != 0) return;
  const std::string text = "snapshot " + record.id + " did not reach the disk: " + error.message();
  log_warning(text);
  node.events.add(record.aid, "snapshot-damaged", text, {{"snapshot", record.id}});
}

}  // namespace

void Snapshots::bring_to_disk_later(const std::string& id) {
  std::lock_guard lock(waiting_->mutex);
  waiting_->ids.push_back(id);
  if (waiting_->ids.size() > 1) return;  // the first has called for it
  lifecycle_.background().run_later(kDelay, [&node = node_, waiting = waiting_] {
    std::vector<std::string> ids;
    {
      std::lock_guard taken(waiting->mutex);
      ids.swap(waiting->ids);
    }
    for (const std::string& due : ids) {
      Result<SnapshotRecord> record = node.registry.snapshot(due);
      if (!record) continue;
      if (Result<> brought = bring_to_disk(node, *record); !brought)
        tell_damaged(node, *record, brought.error());
    }
  });
}

Result<> Snapshots::check_durability() {
  std::vector<SnapshotRecord> unsure = TRY(node_.registry.snapshots());
  std::erase_if(unsure, [](const SnapshotRecord& r) { return !r.complete || r.durable; });
  if (unsure.empty()) return {};
  lifecycle_.background().run([&node = node_, unsure = std::move(unsure)] {
    for (const SnapshotRecord& record : unsure) {
      Result<> whole = node.images.verify(record.dir);
      if (whole) whole = bring_to_disk(node, record);
      if (!whole) tell_damaged(node, record, whole.error());
    }
  });
  return {};
}

}  // namespace appshot
