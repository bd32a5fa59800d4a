// appshot-packer pack FILE|- LAYER-DIR… --document JSON: an environment as one file.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "os/file.h"
#include "packing/commands.h"
#include "packing/compression.h"
#include "packing/export_format.h"
#include "packing/layer.h"
#include "packing/paths.h"

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

// To be seen under its name only when it is whole.
Result<Json> write_file_whole(const std::string& path, const std::vector<std::string>& layers,
                              const Json& document, Report& report) {
  const std::string partial = path + ".partial";
  Result<Json> result = [&]() -> Result<Json> {
    // Of one that was killed, or what somebody else has put there for us to write through.
    if (::unlink(partial.c_str()) != 0 && errno != ENOENT)
      return Error::from_errno(errno, "unlink " + partial);
    const UniqueFd file =
        TRY(open_file(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    FdSink sink(file.get(), nullptr);
    Json written = TRY(write_export(sink, layers, document, report));
    TRY_SYS(::fsync(file.get()));
    written["bytes"] = static_cast<uint64_t>(TRY_SYS(::lseek(file.get(), 0, SEEK_CUR)));
    if (::rename(partial.c_str(), path.c_str()) != 0)
      return Error::from_errno(errno, "rename " + partial);
    TRY(sync_names(folder_around(path)));
    return written;
  }();
  if (!result) ::unlink(partial.c_str());
  return result;
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
