// appshot-packer unpack-oci LAYOUT[:TAG] TARGET: the layers of an image, as TARGET/0/root ….
#include "packing/commands.h"
#include "packing/jail.h"
#include "packing/oci_layer.h"
#include "packing/oci_layout.h"
#include "packing/tar_reader.h"
#include "packing/tree.h"

namespace appshot::packing {
namespace {

// Archives are filled up at their end, by some to a tape's block; more than this is something else.
constexpr uint64_t kTrailingBytesMax = 16 << 20;

// The layer is made while its sums are still counted. Only who knows that both are right, which the
// result says, may use it.
Result<> unpack_layer(const OciLayerBlob& layer, OciLayer& into, Budget& budget, Report& report) {
  FdSource file(layer.blob.file.get(), [&](size_t bytes) { report.moved(bytes); });
  SummedSource packed(file);
  const std::unique_ptr<Source> decompression = decompressed(packed, layer.compression);
  SummedSource plain(*decompression);
  TarReader archive(plain);
  TRY(into.begin());
  for (;;) {
    std::optional<Entry> entry = TRY(archive.next());
    if (!entry) break;
    TRY(budget.see(*entry));
    TRY(into.apply(std::move(*entry), archive));
  }
  TRY(drain(plain, kTrailingBytesMax));
  TRY(drain(packed, kTrailingBytesMax));
  if (packed.digest() != layer.blob.digest || packed.bytes() != layer.blob.size)
    return Error(ErrorClass::corrupt, "the blob " + layer.blob.digest + " is damaged");
  if (plain.digest() != layer.diff_id)
    return Error(ErrorClass::corrupt, "it is not what the image's configuration says, " +
                                          layer.diff_id + ", but " + plain.digest());
  return {};
}

}  // namespace

Result<Json> unpack_oci(const Arguments& arguments, Report& report) {
  const OciReference reference = parse_oci_reference(arguments.words[0]);
  const OciImage image = TRY(open_oci_image(reference).within(arguments.words[0]));
  TRY(make_target(arguments.words[1]));
  const Limits limits = TRY(limits_of(arguments, arguments.words[1]));
  uint64_t total = 0;
  for (const OciLayerBlob& layer : image.layers) total += layer.blob.size;
  report.begin("unpack", total);
  UniqueFd root = TRY(enter_jail(arguments.words[1]));

  Budget budget(limits.bytes, limits.entries);
  Tree tree(std::move(root), budget);
  OciCounts counts;
  Json layers = Json::array();
  for (size_t number = 0; number < image.layers.size(); ++number) {
    const OciLayerBlob& layer = image.layers[number];
    const uint64_t before = budget.bytes();
    OciLayer into(tree, number, arguments.has("--allow-devices"), counts);
    TRY(unpack_layer(layer, into, budget, report)
            .within(arguments.words[0] + ": layer " + std::to_string(number)));
    layers.push_back({{"diff_id", layer.diff_id},
                      {"folder", std::to_string(number)},
                      {"bytes", budget.bytes() - before}});
  }
  TRY(tree.finish());
  return Json{{"layers", layers},
              {"config", image.config},
              {"devices_skipped", counts.devices_skipped},
              {"xattrs_skipped", counts.xattrs_skipped}};
}

}  // namespace appshot::packing
