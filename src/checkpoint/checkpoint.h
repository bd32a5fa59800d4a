// Takes a snapshot of a running application: the list of steps.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/tcp_names.h"
#include "resources/instance_view.h"

namespace appshot {

struct CheckpointRequest {
  std::string id;
  std::string parent;      // the snapshot that the instance was restored from; may be empty
  std::string partial;     // folder to write in
  std::string final_path;  // what it is renamed to when it is whole
  bool stop = false;
  bool full = false;  // of earlier snapshots nothing is used
  // Memory is copied while it runs, as far as that goes: it stands still for less time, and all of
  // it takes longer.
  bool precopy = false;
  bool sync = false;    // durable before the application ends and before the answer
  std::string options;  // how the instance was launched, kept in the image as it is
  std::vector<std::string> argv;
  // What it takes to restore it that is not there; asked when the application is to end. May be
  // none.
  std::function<Result<>(const image::ImageT&)> refuse_unrestorable;
  // From then on no peer learns anything; called when nothing of the application runs. May be none.
  std::function<Result<>()> mute;
  // The same in the host's network, for certain connections, and for more when it is called again.
  std::function<Result<>(const HeldTcp&)> hold;
  std::function<void(const char* phase, uint64_t done, uint64_t total)> progress;
};

struct CheckpointReport {
  size_t processes = 0;
  uint64_t memory_bytes = 0;
  uint64_t stored_bytes = 0;
  bool durable = false;
  double frozen_ms = 0;          // how long it stood still, in all
  double longest_frozen_ms = 0;  // at once
  double took_ms = 0;
};

// After an error the application runs as if nothing had been asked, and no folder of ours is left.
Result<CheckpointReport> checkpoint(const InstanceView& instance, const CheckpointRequest& request);

}  // namespace appshot
