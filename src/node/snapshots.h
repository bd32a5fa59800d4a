// Snapshots: taking them, running from them, keeping and dropping them.
//
// A snapshot is in the registry before its folder is, as incomplete; it is complete when the folder
// stands under its final name. So a daemon that dies in between finds out which of the two it was.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
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
  bool full = false;     // shares nothing with earlier ones
  bool sync = false;     // not before the disk has it
  bool sleep = false;    // stop, and the instance keeps the snapshot to wake from
  bool passing = false;  // only to make something else from: no snapshot of the user's
};

// How an instance is to be run from a snapshot.
struct RunWish {
  std::string why;
  std::string memory;  // lazy, eager; empty: as is best for the image
  // As a clone of it: with an address of its own, and the image's files below its own.
  struct Clone {
    std::string template_name;
    std::vector<std::string> ports, env;
    std::shared_ptr<HarnessStarter> seed;  // of the image; none: it is read
    bool takes_connections = false;        // with others, if nobody else can have them
  };
  std::optional<Clone> clone{};
};

// Who owns a passing snapshot; no AID.
inline constexpr char kPassing[] = "(passing)";

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

  // A record under that AID, which is then made to run: one that is new, or of one that has ended,
  // which is told as it was `before`.
  Result<Operation> take_aid(const std::string& aid, const SnapshotRecord& snapshot,
                             std::optional<InstanceRecord>& before);
  Result<Lifecycle::Started> run_from(Operation& operation, const SnapshotRecord& snapshot,
                                      const RunWish& wish, const ProgressListener& progress);
  Result<Json> describe_running(const std::string& aid, const Lifecycle::Started& started);
  // In the background.
  void bring_to_disk_later(const std::string& id);
  void drop(const SnapshotRecord& record);

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
  Result<> keep_place(const InstanceRecord& record, const Endpoints::Wish& wish,
                      const HarnessConfig& config);
  Result<> settle_one(SnapshotRecord record);

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
