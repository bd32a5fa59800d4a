// Snapshots that are there: listing, dropping, verifying, moving, and finding them again.
#include <unistd.h>

#include "node/log.h"
#include "node/snapshots.h"
#include "os/file.h"

namespace appshot {
namespace {

constexpr std::string_view kPartial = ".partial-";

// What the folder itself tells; the rest of the record stays.
void apply(const SnapshotFacts& facts, SnapshotRecord& record) {
  record.complete = true;
  record.processes = facts.processes;
  record.memory_bytes = facts.memory_bytes;
  record.stored_bytes = facts.stored_bytes;
}

// A record for a folder that came without one.
SnapshotRecord record_of(const SnapshotFacts& facts, const std::string& id,
                         const std::string& dir) {
  SnapshotRecord record;
  record.id = id;
  record.dir = dir;
  record.aid = facts.aid;
  record.parent = facts.parent;
  record.created_ms = facts.created_ms;
  record.is_template = facts.is_template;
  record.spec = json_text(facts.spec);
  apply(facts, record);
  return record;
}

}  // namespace

Result<Json> Snapshots::list() {
  TRY(settle());
  Json list = Json::array();
  for (const SnapshotRecord& record : TRY(node_.registry.snapshots()))
    if (record.complete && record.owner.empty() && !record.is_template)
      list.push_back(describe_snapshot(record));
  return Json{{"snapshots", std::move(list)}};
}

Result<Json> Snapshots::describe(const std::string& id, bool with_records) {
  SnapshotRecord record = TRY(node_.registry.snapshot(id));
  Json document = describe_snapshot(record);
  if (with_records) document["records"] = TRY(node_.images.records(record.dir));
  return document;
}

Result<Json> Snapshots::remove(const std::string& id) {
  SnapshotRecord record = TRY(node_.registry.snapshot(id));
  if (!record.owner.empty())
    return Error(ErrorClass::conflict,
                 "the snapshot " + record.id + " is what " + record.owner + " sleeps in")
        .hint("appshot rm -f " + record.owner + " drops both");
  if (record.is_template)
    return Error(ErrorClass::conflict, id + " is a template").hint("appshot template-rm " + id);
  if (!record.complete)
    return Error(ErrorClass::conflict, "the snapshot " + record.id + " is still being taken");
  drop(record);
  node_.events.add(record.aid, "snapshot-removed", "snapshot " + record.id + " removed");
  return Json{{"id", record.id}};
}

void Snapshots::drop(const SnapshotRecord& record) {
  drop_snapshot(node_, lifecycle_.background(), record.id);
  environments_.sweep_if_named(record.spec);
}

Result<Json> Snapshots::verify(const std::string& id) {
  SnapshotRecord record = TRY(node_.registry.snapshot(id));
  TRY(node_.images.verify(record.dir).within("snapshot " + record.id));
  return Json{{"id", record.id}, {"verified", true}};
}

Result<> Snapshots::export_to(const std::string& id, const ImageStore::WriteAll& write) {
  SnapshotRecord record = TRY(node_.registry.snapshot(id));
  return node_.images.export_folder(record.dir, write).within("snapshot " + record.id);
}

Result<Json> Snapshots::import_from(const std::string& name, const ImageStore::ReadSome& read) {
  if (!name.empty()) TRY(check_snapshot_name(name));
  std::string id = generate_snapshot_id();
  std::string dir = node_.paths.snapshot_dir(id);
  std::string partial = node_.paths.snapshot_partial(id);
  TRY(make_folders(partial, 0700));
  Result<> imported = node_.images.import_folder(partial, read);
  Result<SnapshotFacts> facts = SnapshotFacts();
  if (imported) facts = node_.images.describe(partial);
  if (imported && facts) imported = publish_folder(partial, dir, Durable::now);
  if (!imported || !facts) {
    (void)remove_tree(partial);
    Error error = imported ? facts.take_error() : imported.take_error();
    return std::move(error).within("cannot import");
  }
  SnapshotRecord record = record_of(*facts, id, dir);
  record.name = name;
  record.durable = true;
  Result<> added = node_.registry.add_snapshot(record);
  if (!added) {
    (void)remove_tree(dir);
    return added.take_error();
  }
  node_.events.add(record.aid, "imported", "snapshot " + id + " imported");
  return describe_snapshot(record);
}

Result<> Snapshots::settle() {
  for (SnapshotRecord& record : TRY(node_.registry.snapshots())) {
    if (record.complete || !lifecycle_.busy_with(record.aid).empty()) continue;
    Result<InstanceRecord> instance = node_.registry.instance(record.aid);
    bool alive = instance && is_alive(instance->state);
    // A living harness may still be writing it, for a daemon that is no more.
    if (alive && ::access(record.dir.c_str(), F_OK) != 0) continue;
    // Another request may have completed or removed it since it was listed.
    Result<> settled = settle_one(record);
    if (!settled && settled.error().cls() != ErrorClass::not_found) return settled;
  }
  return {};
}

Result<> Snapshots::settle_one(SnapshotRecord record) {
  Result<SnapshotFacts> facts = node_.images.describe(record.dir);
  if (!facts) {
    TRY(remove_tree(node_.paths.snapshot_partial(record.id)));
    return node_.registry.remove_snapshot(record.id);
  }
  apply(*facts, record);
  if (!record.durable) bring_to_disk_later(record.id);
  return node_.registry.update_snapshot(record);
}

Result<> Snapshots::adopt_folders() {
  for (const std::string& name : TRY(list_folder(node_.paths.snapshots()))) {
    std::string path = node_.paths.snapshots() + "/" + name;
    bool partial = name.starts_with(kPartial);
    std::string id = partial ? name.substr(kPartial.size()) : name;
    Result<SnapshotRecord> known = node_.registry.snapshot(id);
    if (known && known->id == id) continue;  // settle() decides about incomplete ones
    if (partial || name.starts_with(kRemovedPrefix)) {
      TRY(remove_tree(path));
      continue;
    }
    Result<SnapshotFacts> facts = node_.images.describe(path);
    if (!facts) {
      log_warning("not a snapshot, left alone: " + path + ": " + facts.error().message());
      continue;
    }
    TRY(node_.registry.add_snapshot(record_of(*facts, id, path)));
    log_info("took in the snapshot " + id);
  }
  return {};
}

}  // namespace appshot
