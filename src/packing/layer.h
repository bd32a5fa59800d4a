// A layer as one canonical stream, and the sum by which nodes know that they have the same one
// (docs/environments-format.md).
#pragma once

#include <string>

#include "base/result.h"
#include "packing/entry.h"
#include "packing/report.h"
#include "packing/tar_writer.h"
#include "packing/walk.h"

namespace appshot::packing {

struct LayerSum {
  std::string digest;
  uint64_t entries = 0;
  uint64_t bytes = 0;  // of files, holes left out
  bool operator==(const LayerSum&) const = default;
};
Json layer_sum_to_json(const LayerSum& sum);

// Sums what is told to it. Entries come in the order of the canonical stream.
class LayerSummer {
 public:
  LayerSummer() : writer_(sink_) {}
  Result<> begin_entry(const Entry& entry);
  Result<> content(std::span<const char> bytes) { return writer_.content(bytes); }
  Result<> end_entry() { return writer_.end_entry(); }
  Result<LayerSum> finish();

 private:
  SummedSink sink_;
  TarWriter writer_;
  LayerSum sum_;
};

// Whether a folder in a layer is one of a mount's files: "root", "at%home".
bool is_mount_name(std::string_view name);

// Visits what is in the folders of a layer; paths begin with their names. Files beside them are
// none of the layer's. Files that are sparse have their extents. Returns how many sockets it left
// out.
using VisitLayer = std::function<Result<>(const Entry& entry, int content)>;
Result<uint64_t> visit_layer(const std::string& folder, const VisitLayer& visit);

// Sums the layer and, given a writer, writes its entries there below `prefix`.
struct LayerWritten {
  LayerSum sum;
  uint64_t sockets = 0;
};
Result<LayerWritten> write_layer(const std::string& folder, const std::string& prefix,
                                 TarWriter* archive, Report& report);

}  // namespace appshot::packing
