// appshot-packer digest LAYER-DIR
#include "packing/commands.h"
#include "packing/layer.h"

namespace appshot::packing {

Result<Json> digest_layer(const Arguments& arguments, Report& report) {
  report.begin("digest", 0);
  const LayerWritten written = TRY(write_layer(arguments.words[0], "", nullptr, report));
  Json result = layer_sum_to_json(written.sum);
  result["sockets_skipped"] = written.sockets;
  return result;
}

}  // namespace appshot::packing
