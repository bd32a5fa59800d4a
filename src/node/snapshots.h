// Snapshots: taking them, running from them, keeping and dropping them.
//
// A snapshot is in the registry before its folder is, as incomplete; it is complete when the folder
// stands under its final name. So a daemon that dies in between finds out which of the two it was.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "node/environments.h"
#include "node/lifecycle.h"
#include "node/node.h"
#include "protocol/json.h"

namespace appshot {

struct SnapshotWish {
  std::string name;
  bool stop = false;
  bool full = false;   // shares nothing with earlier ones
  bool sync = false;   // not before the disk has it
  bool sleep = false;  // stop, and the instance keeps the snapshot to wake from
};

// Why an instance is not running that is made for a restore; gone with it when it fails.
inline constexpr char kBeingRestored[] = "being restored";

class Snapshots {
 public:
  Snapshots(Node& node, Lifecycle& lifecycle, Environments& environments)
      : node_(node), lifecycle_(lifecycle), environments_(environments) {}

  Result<Json> take(const std::string& aid, const SnapshotWish& wish,
                    const ProgressListener& progress);
  // Under its own AID, or as another. Class conflict when that one is alive.
  // `memory`: lazy, eager, or as is best for the image.
  Result<Json> restore(const std::string& id, const std::string& as, const std::string& memory,
                       const ProgressListener& progress);
  Result<Json> wake(const std::string& aid, const std::string& memory,
                    const ProgressListener& progress);

  Result<Json> list();
  Result<Json> describe(const std::string& id, bool with_records);
  Result<Json> remove(const std::string& id);
  Result<Json> verify(const std::string& id);
  Result<> export_to(const std::string& id, const ImageStore::WriteAll& write);
  Result<Json> import_from(const std::string& name, const ImageStore::ReadSome& read);

  // Incomplete snapshots of instances nobody works on become complete or vanish.
  Result<> settle();
  // Folders: complete ones that the registry does not know are taken in, leftovers removed.
  Result<> adopt_folders();
  // Those that a daemon before did not live to bring to the disk, or that the machine did not: each
  // is verified, then brought there. In the background.
  Result<> check_durability();

 private:
  Result<Json> capture(Operation& operation, const SnapshotRecord& record, const SnapshotWish& wish,
                       const ProgressListener& progress);
  Result<Lifecycle::Started> run_from(Operation& operation, const SnapshotRecord& snapshot,
                                      const std::string& why, const std::string& memory,
                                      const ProgressListener& progress);
  Result<> remember_inner_address(const std::string& aid, const std::string& address);
  Result<Json> describe_running(const std::string& aid, const Lifecycle::Started& started);
  Result<Operation> take_aid(const std::string& aid, const SnapshotRecord& snapshot,
                             std::optional<InstanceRecord>& before);
  Result<> settle_one(SnapshotRecord record);
  // In the background.
  void bring_to_disk_later(const std::string& id);

  // For the disk.
  struct Waiting {
    std::mutex mutex;
    std::vector<std::string> ids;
  };

  Node& node_;
  Lifecycle& lifecycle_;
  Environments& environments_;
  std::shared_ptr<Waiting> waiting_ = std::make_shared<Waiting>();
};

Json describe_snapshot(const SnapshotRecord& record);

}  // namespace appshot
