// Seeds: processes that hold an image in memory, so that clones of it are forked and not read
// (docs/harness-protocol.md). One is kept for a template that is to be warm, and for a while for
// one of which clones are made, as far as the memory set apart for that goes.
//
// They end with the daemon; the next one makes those anew that are asked for.
// Threads: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "node/background.h"
#include "node/harness_start.h"
#include "registry/records.h"

namespace appshot {

class Seeds {
 public:
  enum class Keep { while_used, always };
  enum class State { cold, warming, warm };

  // Room: the most memory that all of them together may have.
  Seeds(std::string program, int64_t room, Background& background)
      : program_(std::move(program)), room_(room), background_(background) {}

  // Where harnesses of that image come from once it is in memory: waits for that, and begins it
  // where nobody has. Class exhausted: there is no room for it.
  Result<std::shared_ptr<HarnessStarter>> get(const SnapshotRecord& image, Keep keep,
                                              const ProgressListener& progress = {});
  // The same if it is in memory already; else nullptr.
  std::shared_ptr<HarnessStarter> find(const std::string& image);
  // In the background, if there is room.
  void warm_later(const SnapshotRecord& image, Keep keep);
  void drop(const std::string& image);
  State state(const std::string& image);

 private:
  struct Seed;

  Result<std::shared_ptr<Seed>> take_place(const SnapshotRecord& image, Keep keep, bool& is_new);
  Result<> make_room(int64_t bytes);
  Result<> load(Seed& seed, const SnapshotRecord& image, const ProgressListener& progress);
  void settle(const std::shared_ptr<Seed>& seed, Result<> loaded);
  void watch_over_unused();

  const std::string program_;
  const int64_t room_;
  Background& background_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_watched_ = false;
  std::map<std::string, std::shared_ptr<Seed>> seeds_;  // by image
};

}  // namespace appshot
