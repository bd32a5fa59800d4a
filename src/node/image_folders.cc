// The image store on folders as src/image reads and writes them.
#include <sys/stat.h>

#include "image/bundle.h"
#include "image/format.h"
#include "image/manifest.h"
#include "image/template_copy.h"
#include "node/image_store.h"
#include "templates/classify.h"

namespace appshot {
namespace {

// The environment stays in the image: it holds secrets.
Json spec_of(const image::ImageT& image) {
  Json spec{{"argv", image.argv}, {"share", image.share}};
  Result<Json> options = parse_json(image.options);
  if (!options) return spec;
  for (const char* name :
       {"cwd", "user", "hostname", "tty", "stdin", "allow_io_uring", "generation", "public_paths",
        "environment", "rules", "application", "limits", "privileges", "root"})
    if (options->contains(name)) spec[name] = (*options)[name];
  // By which address others will know it, the node says that restores it.
  std::string inner = string_at(*options, "inner_address");
  if (inner.empty()) inner = string_at(*options, "address");
  if (!inner.empty()) spec["inner_address"] = inner;
  return spec;
}

class ImageFolders : public ImageStore {
 public:
  Result<SnapshotFacts> describe(const std::string& dir) override {
    image::ImageT image = TRY(image::read_manifest(dir));
    struct stat pages;
    TRY_SYS(::stat((dir + "/" + image::kPagesName).c_str(), &pages));
    SnapshotFacts facts;
    facts.aid = image.aid;
    facts.parent = image.parent;
    facts.spec = spec_of(image);
    facts.created_ms = static_cast<int64_t>(image.created_ms);
    facts.processes = static_cast<int64_t>(image.processes.size());
    facts.memory_bytes = static_cast<int64_t>(image::memory_bytes(image));
    facts.stored_bytes = pages.st_size;
    facts.is_template = image.is_template;
    return facts;
  }

  Result<Json> records(const std::string& dir) override {
    return templates::records_to_json(TRY(classified(dir)).records);
  }

  Result<std::vector<Obstacle>> template_obstacles(const std::string& dir) override {
    return TRY(classified(dir)).obstacles;
  }

  Result<std::vector<Obstacle>> connections_with_others(const std::string& dir) override {
    return templates::connections_with_others(TRY(classified(dir)));
  }

  Result<> verify(const std::string& dir) override { return image::verify_folder(dir); }

  Result<> make_template(const std::string& from, const std::string& to,
                         const std::string& id) override {
    return image::copy_as_template(from, to, id);
  }

  Result<> export_folder(const std::string& dir, const WriteAll& write) override {
    return image::export_bundle(dir, [&](std::span<const char> bytes) {
      return write({bytes.data(), bytes.size()});
    });
  }

  Result<> import_folder(const std::string& dir, const ReadSome& read) override {
    return image::import_bundle(dir, read);
  }

 private:
  static Result<templates::Classified> classified(const std::string& dir) {
    return templates::classify(TRY(image::read_manifest(dir)));
  }
};

}  // namespace

std::unique_ptr<ImageStore> make_image_store() { return std::make_unique<ImageFolders>(); }

}  // namespace appshot
