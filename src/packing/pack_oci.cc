// appshot-packer pack-oci OUTDIR LAYER-ROOT…: an OCI image layout of layers, bottom first. Nothing
// in it tells when or where it was made, so equal layers make equal images.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "os/file.h"
#include "packing/commands.h"
#include "packing/compression.h"
#include "packing/contents.h"
#include "packing/oci_layout.h"
#include "packing/overlay_marks.h"
#include "packing/paths.h"
#include "packing/tar_writer.h"
#include "packing/walk.h"
#include "packing/xattrs.h"

namespace appshot::packing {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr char kOpaqueName[] = ".wh..wh..opq";
constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;

struct Left {
  uint64_t xattrs = 0;
  uint64_t sockets = 0;
};

// A layer's entries as an image has them.
class OciWriter {
 public:
  OciWriter(TarWriter& archive, Report& report, Left& left)
      : archive_(archive), report_(report), left_(left) {}

  Result<> write(Entry& entry, const Place& place) {
    TRY(keep_only_marks_of_layers(entry));
    if (name_of(entry.path).starts_with(kWhiteout))
      return Error(ErrorClass::refused,
                   "'" + shown(entry.path) + "' has a name that an image takes for a removed file")
          .hint("rename it");
    if (is_whiteout(entry)) {
      const std::string folder(folder_of(entry.path));
      return mark(folder, std::string(kWhiteout) + std::string(name_of(entry.path)));
    }
    const bool opaque = is_opaque(entry);
    entry.xattrs.erase(kOpaque);
    const size_t xattrs = entry.xattrs.size();
    std::erase_if(entry.xattrs, [](const auto& xattr) { return !is_portable_xattr(xattr.first); });
    left_.xattrs += xattrs - entry.xattrs.size();
    TRY(archive_.begin_entry(entry));
    if (entry.kind == Kind::file) TRY(content(entry, place).within("'" + shown(entry.path) + "'"));
    TRY(archive_.end_entry());
    return opaque ? mark(entry.path, kOpaqueName) : Result<>();
  }

 private:
  // Whole, with its holes: not everybody who reads images knows sparse files.
  Result<> content(const Entry& entry, const Place& place) {
    const UniqueFd file = TRY(place.open());
    return read_content(file.get(), entry, [&](std::span<const char> bytes) {
      report_.moved(bytes.size());
      return archive_.content(bytes);
    });
  }

  Result<> mark(const std::string& folder, const std::string& name) {
    Entry entry;
    entry.path = folder.empty() ? name : folder + "/" + name;
    TRY(archive_.begin_entry(entry));
    return archive_.end_entry();
  }

  TarWriter& archive_;
  Report& report_;
  Left& left_;
};

// The folder of an image that is being made.
class LayoutWriter {
 public:
  explicit LayoutWriter(std::string folder) : folder_(std::move(folder)) {}

  Result<> begin() {
    if (::mkdir(folder_.c_str(), kFolderMode) != 0)
      return Error::from_errno(errno, "mkdir " + folder_);
    for (const char* below : {"/blobs", "/blobs/sha256"})
      if (::mkdir((folder_ + below).c_str(), kFolderMode) != 0)
        return Error::from_errno(errno, "mkdir " + folder_ + below);
    return file("oci-layout", json_text({{"imageLayoutVersion", kOciVersion}}));
  }

  Result<> file(const std::string& name, const std::string& text) {
    const UniqueFd file =
        TRY(open_file(folder_ + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, kFileMode));
    return write_all(file.get(), text).within(name);
  }

  Result<Json> document(const std::string& type, const Json& json) {
    const std::string text = json_text(json), digest = digest_of(text);
    TRY(file("blobs/sha256/" + digest.substr(7), text));
    return Json{{"mediaType", type}, {"digest", digest}, {"size", text.size()}};
  }

  // Its descriptor; the digest of what it is decompressed is added to the list.
  Result<Json> layer(const std::string& from, Json& diff_ids, Report& report, Left& left) {
    const std::string partial = folder_ + "/blobs/sha256/partial";
    const UniqueFd blob = TRY(open_file(partial, O_WRONLY | O_CREAT | O_TRUNC, kFileMode));
    const UniqueFd root = TRY(open_file(from, O_RDONLY | O_DIRECTORY));
    FdSink file(blob.get(), nullptr);
    SummedSink packed(&file);
    const std::unique_ptr<Sink> compression = compressed(packed, Compression::gzip);
    SummedSink plain(compression.get());
    TarWriter archive(plain);
    OciWriter writer(archive, report, left);
    Walk walk([&](Entry& entry, const Place& place) { return writer.write(entry, place); });
    TRY(walk.visit_tree(root.get(), "").within("the layer " + from));
    if (!walk.mounts().empty())
      return Error(ErrorClass::refused, "something is mounted on '" + shown(walk.mounts()[0]) +
                                            "' in the layer " + from);
    TRY(archive.end_archive());
    TRY(plain.finish());
    left.sockets += walk.sockets();
    diff_ids.push_back(plain.digest());
    const std::string name = folder_ + "/blobs/sha256/" + packed.digest().substr(7);
    if (::rename(partial.c_str(), name.c_str()) != 0)
      return Error::from_errno(errno, "rename " + partial);
    return Json{
        {"mediaType", kOciLayerGzip}, {"digest", packed.digest()}, {"size", packed.bytes()}};
  }

  Result<> publish(const std::string& as) {
    TRY(sync_files(folder_ + "/blobs/sha256"));
    TRY(sync_names(folder_ + "/blobs"));
    const UniqueFd opened = TRY(open_file(folder_, O_RDONLY | O_DIRECTORY));
    TRY_SYS(::syncfs(opened.get()));
    if (::rename(folder_.c_str(), as.c_str()) != 0)
      return Error::from_errno(errno, "rename " + folder_ + " to " + as);
    return sync_names(folder_around(as));
  }

 private:
  std::string folder_;
};

Result<Json> write_image(LayoutWriter& layout, const std::vector<std::string>& roots,
                         const Json& settings, const std::string& tag, Report& report) {
  TRY(layout.begin());
  Left left;
  Json layers = Json::array(), diff_ids = Json::array();
  for (const std::string& root : roots)
    layers.push_back(TRY(layout.layer(root, diff_ids, report, left)));
  const Json config =
      TRY(layout.document(kOciConfig, {{"architecture", kThisArchitecture},
                                       {"os", "linux"},
                                       {"config", settings},
                                       {"rootfs", {{"type", "layers"}, {"diff_ids", diff_ids}}}}));
  Json manifest = TRY(layout.document(
      kOciManifest,
      {{"schemaVersion", 2}, {"mediaType", kOciManifest}, {"config", config}, {"layers", layers}}));
  const Json result{{"manifest", manifest["digest"]},
                    {"diff_ids", diff_ids},
                    {"xattrs_skipped", left.xattrs},
                    {"sockets_skipped", left.sockets}};
  manifest["platform"] = {{"architecture", kThisArchitecture}, {"os", "linux"}};
  if (!tag.empty()) manifest["annotations"] = {{kOciRefName, tag}};
  TRY(layout.file("index.json", json_text({{"schemaVersion", 2},
                                           {"mediaType", kOciIndex},
                                           {"manifests", Json::array({manifest})}})));
  return result;
}

}  // namespace

Result<Json> pack_oci(const Arguments& arguments, Report& report) {
  std::string target = arguments.words[0];
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  const Json settings = TRY(document_of(arguments, "--config"));
  if (!settings.is_object()) return Error(ErrorClass::usage, "--config takes a JSON object");
  struct stat info {};
  if (::lstat(target.c_str(), &info) == 0)
    return Error(ErrorClass::conflict, target + " is there already").hint("give another name");
  report.begin("pack", 0);
  LayoutWriter layout(target + ".partial");
  const std::vector<std::string> roots(arguments.words.begin() + 1, arguments.words.end());
  TRY(remove_tree(target + ".partial"));  // of one that was killed
  Result<Json> result = write_image(layout, roots, settings, arguments.value("--tag"), report);
  if (result)
    if (Result<> published = layout.publish(target); !published) result = published.take_error();
  if (!result) (void)!remove_tree(target + ".partial");  // what failed is told, and it may be full
  return result;
}

}  // namespace appshot::packing
