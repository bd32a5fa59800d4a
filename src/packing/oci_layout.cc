#include "packing/oci_layout.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>

#include "os/file.h"
#include "os/in_root.h"
#include "packing/export_format.h"
#include "packing/paths.h"

namespace appshot::packing {
namespace {

constexpr uint64_t kJsonBytesMax = 8 << 20;
constexpr int kNestedMax = 8;
constexpr size_t kDescriptorsMax = 10'000;

Error corrupt(const std::string& what) { return Error(ErrorClass::corrupt, what); }

bool is_index(const std::string& type) {
  return type == kOciIndex || type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

bool is_manifest(const std::string& type) {
  return type == kOciManifest || type == "application/vnd.docker.distribution.manifest.v2+json";
}

std::optional<Compression> compression_of(const std::string& type) {
  static const std::map<std::string, Compression> kTypes{
      {"application/vnd.oci.image.layer.v1.tar", Compression::none},
      {kOciLayerGzip, Compression::gzip},
      {"application/vnd.oci.image.layer.v1.tar+zstd", Compression::zstd},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar", Compression::none},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Compression::gzip},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Compression::zstd},
      {"application/vnd.docker.image.rootfs.diff.tar", Compression::none},
      {"application/vnd.docker.image.rootfs.diff.tar.gzip", Compression::gzip},
      {"application/vnd.docker.image.rootfs.diff.tar.zstd", Compression::zstd},
  };
  auto found = kTypes.find(type);
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

Result<std::string> read_bounded(int fd, const std::string& what) {
  struct stat info {};
  TRY_SYS(::fstat(fd, &info));
  if (!S_ISREG(info.st_mode)) return corrupt(what + " is no file");
  if (static_cast<uint64_t>(info.st_size) > kJsonBytesMax)
    return Error(ErrorClass::exhausted, what + " is larger than 8 MiB");
  return read_whole(fd).within(what);
}

class Layout {
 public:
  static Result<Layout> of(const std::string& folder) {
    Layout layout;
    layout.folder_ = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
    const Json version = TRY(parse_json(TRY(layout.read("oci-layout"))).within("oci-layout"));
    if (string_at(version, "imageLayoutVersion") != kOciVersion)
      return Error(ErrorClass::unsupported, folder + " is no OCI image layout of version 1.0.0");
    return layout;
  }

  Result<Json> index() { return parse_json(TRY(read("index.json"))).within("index.json"); }

  // A descriptor's blob, of the size it says.
  Result<OciBlob> blob(const Json& descriptor) {
    OciBlob blob{string_at(descriptor, "digest"), 0, {}};
    if (!is_digest(blob.digest))
      return Error(ErrorClass::unsupported,
                   "'" + shown(blob.digest) + "' is no sha256 digest, or not written like one");
    const Json& size = field(descriptor, "size");
    if (!size.is_number_unsigned())
      return corrupt("the size of the blob " + blob.digest + " is no number");
    blob.size = size.get<uint64_t>();
    blob.file = TRY(open("blobs/sha256/" + blob.digest.substr(7)));
    struct stat info {};
    TRY_SYS(::fstat(blob.file.get(), &info));
    if (!S_ISREG(info.st_mode) || static_cast<uint64_t>(info.st_size) != blob.size)
      return corrupt("the blob " + blob.digest + " has " + std::to_string(info.st_size) +
                     " bytes and should have " + std::to_string(blob.size));
    return blob;
  }

  Result<Json> document(const Json& descriptor) {
    const OciBlob blob = TRY(this->blob(descriptor));
    const std::string text = TRY(read_bounded(blob.file.get(), "the blob " + blob.digest));
    if (digest_of(text) != blob.digest) return corrupt("the blob " + blob.digest + " is damaged");
    return parse_json(text).within("the blob " + blob.digest);
  }

 private:
  // A FIFO is not waited for.
  Result<UniqueFd> open(const std::string& path) {
    return open_below(folder_.get(), path, O_RDONLY | O_NONBLOCK);
  }
  Result<std::string> read(const std::string& name) {
    return read_bounded(TRY(open(name)).get(), name);
  }

  UniqueFd folder_;
};

bool for_this_machine(const Json& descriptor) {
  const Json& platform = field(descriptor, "platform");
  return !platform.is_object() || (string_at(platform, "os") == "linux" &&
                                   string_at(platform, "architecture") == kThisArchitecture);
}

std::string tag_of(const Json& descriptor) {
  return string_at(field(descriptor, "annotations"), kOciRefName);
}

Result<Json> choose(const Json& index, const std::string& tag) {
  const Json& all = field(index, "manifests");
  if (!all.is_array() || all.size() > kDescriptorsMax)
    return corrupt("an index lists no manifests");
  std::vector<const Json*> found;
  std::string tags;
  for (const Json& descriptor : all) {
    if (!tag_of(descriptor).empty() && tags.size() < 500) tags += " " + shown(tag_of(descriptor));
    // What is none of these goes with images and is none: signatures, lists of contents.
    const std::string type = string_at(descriptor, "mediaType");
    if (!is_index(type) && !is_manifest(type)) continue;
    if (for_this_machine(descriptor) && (tag.empty() || tag_of(descriptor) == tag))
      found.push_back(&descriptor);
  }
  if (found.size() == 1) return *found[0];
  if (found.empty())
    return Error(ErrorClass::not_found,
                 tag.empty() ? std::string("there is no image for linux/amd64 in it")
                             : "there is no image '" + shown(tag) + "' for linux/amd64 in it")
        .hint(tags.empty() ? "" : "it has" + tags);
  return Error(ErrorClass::usage, "it has more than one image").hint("name one of" + tags);
}

// Through indexes of indexes to a manifest.
Result<Json> find_manifest(Layout& layout, const std::string& tag) {
  Json descriptor = TRY(choose(TRY(layout.index()), tag));
  for (int depth = 0; depth < kNestedMax; ++depth) {
    const Json document = TRY(layout.document(descriptor));
    if (is_manifest(string_at(descriptor, "mediaType"))) return document;
    descriptor = TRY(choose(document, ""));
  }
  return corrupt("its indexes lie in one another without an end");
}

Result<std::vector<OciLayerBlob>> open_layers(Layout& layout, const Json& manifest,
                                              const Json& config) {
  const Json& layers = field(manifest, "layers");
  const Json& rootfs = field(config, "rootfs");
  const std::vector<std::string> diff_ids = strings_at(rootfs, "diff_ids");
  if (!layers.is_array() || !field(rootfs, "diff_ids").is_array() ||
      layers.size() != diff_ids.size())
    return corrupt("its manifest and its configuration do not list the same layers");
  if (layers.size() > kLayersMax)
    return Error(ErrorClass::exhausted, "it has more layers than an overlay can have");
  std::vector<OciLayerBlob> opened;
  for (size_t i = 0; i < diff_ids.size(); ++i) {
    const std::string type = string_at(layers[i], "mediaType");
    const std::optional<Compression> compression = compression_of(type);
    if (!compression)
      return Error(ErrorClass::unsupported, "a layer of the type '" + shown(type) + "'");
    if (!is_digest(diff_ids[i])) return corrupt("'" + shown(diff_ids[i]) + "' is no diff_id");
    OciBlob blob = TRY(layout.blob(layers[i]).within("layer " + std::to_string(i)));
    opened.push_back({std::move(blob), *compression, diff_ids[i]});
  }
  return opened;
}

}  // namespace

OciReference parse_oci_reference(const std::string& text) {
  struct stat info {};
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || ::stat(text.c_str(), &info) == 0) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

Result<OciImage> open_oci_image(const OciReference& reference) {
  Layout layout = TRY(Layout::of(reference.folder));
  const Json manifest = TRY(find_manifest(layout, reference.tag));
  const Json config = TRY(layout.document(field(manifest, "config")));
  const std::string os = string_at(config, "os"), machine = string_at(config, "architecture");
  if ((!os.empty() && os != "linux") || (!machine.empty() && machine != kThisArchitecture))
    return Error(ErrorClass::mismatch,
                 "the image is for " + shown(os) + "/" + shown(machine) + ", this is linux/amd64");
  OciImage image;
  image.layers = TRY(open_layers(layout, manifest, config));
  const Json& settings = field(config, "config");
  image.config = settings.is_object() ? settings : Json::object();
  return image;
}

}  // namespace appshot::packing
