#include "node/own_ids.h"

#include <random>
#include <set>

#include "isolation/own_users.h"
#include "protocol/json.h"

namespace appshot {
namespace {

// Where systemd and others expect the ids of containers.
constexpr uint32_t kFirst = 0x0008'0000, kEnd = 0x7000'0000;
constexpr uint32_t kRanges = (kEnd - kFirst) / kIdsOfAnInstance;

void note(const std::string& spec, std::set<uint32_t>& taken) {
  if (const Result<Json> parsed = parse_json(spec))
    taken.insert(static_cast<uint32_t>(int_at(*parsed, "root")));
}

Result<std::set<uint32_t>> taken_ones(Node& node) {
  std::set<uint32_t> taken;
  for (const InstanceRecord& record : TRY(node.registry.instances())) note(record.spec, taken);
  for (const SnapshotRecord& record : TRY(node.registry.snapshots())) note(record.spec, taken);
  return taken;
}

}  // namespace

// From anywhere on, as other nodes of this machine choose as well.
Result<uint32_t> choose_own_ids(Node& node) {
  const std::set<uint32_t> taken = TRY(taken_ones(node));
  const uint32_t begin = std::random_device()() % kRanges;
  for (uint32_t tried = 0; tried < kRanges; ++tried) {
    const uint32_t root = kFirst + (begin + tried) % kRanges * kIdsOfAnInstance;
    if (!taken.contains(root)) return root;
  }
  return Error(ErrorClass::exhausted, "no user ids are left for one more instance with --userns")
      .hint("remove instances and snapshots that nobody needs");
}

}  // namespace appshot
