// The members of an export beside the files of its layers: docs/environments-format.md.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "packing/layer.h"
#include "protocol/json.h"

namespace appshot::packing {

inline constexpr char kHeadName[] = "appshot-environment.json";
inline constexpr char kEndName[] = "appshot-end.json";
inline constexpr char kFormatName[] = "appshot environment";
inline constexpr int kFormatVersion = 1;
inline constexpr size_t kDocumentBytesMax = 16 << 20;
inline constexpr size_t kLayersMax = 500;  // what one overlay can have

// The first member: whose layers they are.
struct ExportHead {
  Json document;
  size_t layers = 0;
};
std::string head_text(const ExportHead& head);
Result<ExportHead> parse_head(std::string_view text);

// The last: by it one knows that nothing is missing, and that all is as it was.
struct ExportEnd {
  std::string head_digest;
  std::vector<LayerSum> layers;
};
std::string end_text(const ExportEnd& end);
Result<ExportEnd> parse_end(std::string_view text);

// "layers/3/"
std::string layer_prefix(size_t number);
// "layers/3/root/etc": 3 and "root/etc". What is not exactly of that form is corrupt.
struct LayerPath {
  size_t number = 0;
  std::string path;
};
Result<LayerPath> parse_layer_path(std::string_view path);

}  // namespace appshot::packing
