// What /metrics counts since the daemon has started.
#pragma once

#include <atomic>
#include <cstdint>

namespace appshot {

struct Metrics {
  std::atomic<uint64_t> requests = 0;
  std::atomic<uint64_t> launches = 0;
  std::atomic<uint64_t> snapshots = 0;
  std::atomic<uint64_t> restores = 0;
  std::atomic<uint64_t> failures = 0;  // of launches, snapshots and restores
  std::atomic<uint64_t> adoptions = 0;
  std::atomic<uint64_t> snapshot_microseconds = 0;  // sums
  std::atomic<uint64_t> restore_microseconds = 0;
};

}  // namespace appshot
