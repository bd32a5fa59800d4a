// The image store on folders as src/image reads and writes them.
#include <sys/stat.h>

#include "image/bundle.h"
#include "image/format.h"
#include "image/manifest.h"
#include "node/image_records.h"
#include "node/image_store.h"

namespace appshot {
namespace {

class ImageFolders : public ImageStore {
 public:
  Result<SnapshotFacts> describe(const std::string& dir) override {
    image::ImageT image = TRY(image::read_manifest(dir));
    struct stat manifest;
    struct stat pages;
    TRY_SYS(::stat((dir + "/" + image::kManifestName).c_str(), &manifest));
    TRY_SYS(::stat((dir + "/" + image::kPagesName).c_str(), &pages));
    SnapshotFacts facts;
    facts.aid = image.aid;
    facts.parent = image.parent;
    facts.argv = image.argv;
    facts.created_ms = static_cast<int64_t>(image.created_ms);
    facts.processes = static_cast<int64_t>(image.processes.size());
    facts.memory_bytes = static_cast<int64_t>(image.pages_length);
    facts.stored_bytes = (manifest.st_blocks + pages.st_blocks) * 512;
    return facts;
  }

  Result<Json> records(const std::string& dir) override {
    return image_records(TRY(image::read_manifest(dir)));
  }

  Result<> verify(const std::string& dir) override { return image::verify_folder(dir); }

  Result<> export_folder(const std::string& dir, const WriteAll& write) override {
    return image::export_bundle(dir, [&](std::span<const char> bytes) {
      return write({bytes.data(), bytes.size()});
    });
  }

  Result<> import_folder(const std::string& dir, const ReadSome& read) override {
    return image::import_bundle(dir, read);
  }
};

}  // namespace

std::unique_ptr<ImageStore> make_image_store() { return std::make_unique<ImageFolders>(); }

}  // namespace appshot
