// The seam between the daemon and the image format: what the daemon wants to know of a snapshot's
// folder without knowing the bytes in it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "protocol/json.h"

namespace appshot {

struct SnapshotFacts {
  std::string aid;
  std::string parent;
  Json spec;  // how the instance was launched, as the registry keeps it
  int64_t created_ms = 0;
  int64_t processes = 0;
  int64_t memory_bytes = 0;
  int64_t stored_bytes = 0;
  bool is_template = false;
};

class ImageStore {
 public:
  using ReadSome = std::function<Result<size_t>(std::span<char> bytes)>;  // 0: the end
  using WriteAll = std::function<Result<>(std::string_view bytes)>;

  virtual ~ImageStore() = default;

  // Whether the folder holds a complete snapshot, and what it says about itself.
  virtual Result<SnapshotFacts> describe(const std::string& dir) = 0;
  // What is captured in it, one record a resource, with what clones would do with it.
  virtual Result<Json> records(const std::string& dir) = 0;
  // What keeps it from becoming a template; nothing: it can.
  virtual Result<std::vector<Obstacle>> template_obstacles(const std::string& dir) = 0;
  virtual Result<std::vector<Obstacle>> connections_with_others(const std::string& dir) = 0;
  // Every byte against its checksum; class corrupt says what is wrong.
  virtual Result<> verify(const std::string& dir) = 0;
  // Into an existing empty folder, of the image in another; the caller makes it final.
  virtual Result<> make_template(const std::string& from, const std::string& to,
                                 const std::string& id) = 0;
  virtual Result<> export_folder(const std::string& dir, const WriteAll& write) = 0;
  // Into an existing empty folder, verified; the caller makes it final.
  virtual Result<> import_folder(const std::string& dir, const ReadSome& read) = 0;
};

std::unique_ptr<ImageStore> make_image_store();

}  // namespace appshot
