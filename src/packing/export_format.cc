#include "packing/export_format.h"

#include "base/decimal.h"
#include "packing/paths.h"

namespace appshot::packing {
namespace {

Error corrupt(const std::string& what) {
  return Error(ErrorClass::corrupt, what).hint("export the environment again");
}

std::optional<uint64_t> count_at(const Json& object, const char* key) {
  const Json& value = field(object, key);
  if (!value.is_number_unsigned()) return {};
  return value.get<uint64_t>();
}

}  // namespace

std::string head_text(const ExportHead& head) {
  return json_text({{"format", kFormatName},
                    {"version", kFormatVersion},
                    {"layers", head.layers},
                    {"document", head.document}});
}

Result<ExportHead> parse_head(std::string_view text) {
  const Json json = TRY(parse_json(text));
  if (string_at(json, "format") != kFormatName)
    return corrupt("the file is no export of an environment");
  if (int_at(json, "version") != kFormatVersion)
    return Error(ErrorClass::unsupported, "the export is of a format that is not known here")
        .hint("import it with the appshot it was made with, or a newer one");
  const std::optional<uint64_t> layers = count_at(json, "layers");
  if (!layers || *layers > kLayersMax) return corrupt("its number of layers is impossible");
  return ExportHead{field(json, "document"), *layers};
}

std::string end_text(const ExportEnd& end) {
  Json layers = Json::array();
  for (const LayerSum& layer : end.layers) layers.push_back(layer_sum_to_json(layer));
  return json_text({{"head", end.head_digest}, {"layers", layers}});
}

Result<ExportEnd> parse_end(std::string_view text) {
  const Json json = TRY(parse_json(text));
  ExportEnd end{string_at(json, "head"), {}};
  const Json& layers = field(json, "layers");
  if (!layers.is_array() || layers.size() > kLayersMax) return corrupt("its end is damaged");
  for (const Json& layer : layers) {
    const std::optional<uint64_t> entries = count_at(layer, "entries");
    const std::optional<uint64_t> bytes = count_at(layer, "bytes");
    if (!entries || !bytes) return corrupt("its end is damaged");
    end.layers.push_back({string_at(layer, "digest"), *entries, *bytes});
  }
  return end;
}

std::string layer_prefix(size_t number) { return "layers/" + std::to_string(number) + "/"; }

Result<LayerPath> parse_layer_path(std::string_view path) {
  auto refused = [&] { return corrupt("the export has a member '" + shown(path) + "'"); };
  const std::string plain = TRY(plain_path(path));
  // A folder's slash at the end is all that may be more.
  if (plain != path && plain + "/" != path) return refused();
  const std::vector<std::string_view> parts = components_of(plain);
  if (parts.size() < 3 || parts[0] != "layers" || !is_mount_name(parts[2])) return refused();
  const std::optional<uint64_t> number = parse_decimal(parts[1]);
  if (!number || *number >= kLayersMax || std::to_string(*number) != parts[1]) return refused();
  return LayerPath{*number, plain.substr(layer_prefix(*number).size())};
}

}  // namespace appshot::packing
