// appshot-packer pack FILE|- LAYER-DIR… --document JSON: an environment as one file.
#include <unistd.h>

#include "os/whole_file.h"
#include "packing/commands.h"
#include "packing/compression.h"
#include "packing/export_format.h"
#include "packing/layer.h"

namespace appshot::packing {
namespace {

Result<> write_member(TarWriter& archive, const std::string& name, const std::string& text) {
  Entry entry;
  entry.path = name;
  entry.mode = 0600;
  entry.size = text.size();
  TRY(archive.begin_entry(entry));
  TRY(archive.content(text));
  return archive.end_entry();
}

Result<Json> write_export(Sink& to, const std::vector<std::string>& layers, const Json& document,
                          Report& report) {
  const std::unique_ptr<Sink> packed = compressed(to, Compression::zstd);
  TarWriter archive(*packed);
  const std::string head = head_text({document, layers.size()});
  if (head.size() > kDocumentBytesMax)
    return Error(ErrorClass::refused, "the document is larger than 16 MiB");
  TRY(write_member(archive, kHeadName, head));
  ExportEnd end{digest_of(head), {}};
  Json list = Json::array();
  for (size_t i = 0; i < layers.size(); ++i) {
    LayerWritten written = TRY(write_layer(layers[i], layer_prefix(i), &archive, report));
    Json layer = layer_sum_to_json(written.sum);
    layer["sockets_skipped"] = written.sockets;
    list.push_back(std::move(layer));
    end.layers.push_back(std::move(written.sum));
  }
  TRY(write_member(archive, kEndName, end_text(end)));
  TRY(archive.end_archive());
  TRY(packed->finish());
  return Json{{"layers", list}};
}

Result<Json> write_file_whole(const std::string& path, const std::vector<std::string>& layers,
                              const Json& document, Report& report) {
  WholeFile file = TRY(WholeFile::create(path));
  FdSink sink(file.fd(), nullptr);
  Json written = TRY(write_export(sink, layers, document, report));
  written["bytes"] = static_cast<uint64_t>(TRY_SYS(::lseek(file.fd(), 0, SEEK_CUR)));
  TRY(file.publish());
  return written;
}

}  // namespace

Result<Json> pack_environment(const Arguments& arguments, Report& report) {
  const Json document = TRY(document_of(arguments, "--document"));
  const std::vector<std::string> layers(arguments.words.begin() + 1, arguments.words.end());
  if (layers.size() > kLayersMax)
    return Error(ErrorClass::usage, "more layers than an environment can have");
  report.begin("pack", 0);
  if (arguments.words[0] != "-")
    return write_file_whole(arguments.words[0], layers, document, report);
  FdSink sink(STDOUT_FILENO, nullptr);
  return write_export(sink, layers, document, report);
}

}  // namespace appshot::packing
