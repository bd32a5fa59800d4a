// Any bytes at all as an image's manifest: refused, or an image that can be written and read again.
// Each input is tried as it is, and once more with a right header put before it, so that the fuzzer
// gets past the checksum. `--write-seeds=FOLDER` writes the corpus to begin with.
#include <xxhash.h>

#include <cstring>
#include <vector>

#include "fuzz/fuzz_target.h"
#include "image/manifest.h"
#include "image/rich_image_for_test.h"
#include "templates/classify.h"

namespace {

using appshot::require;
using appshot::image::ImageT;
using appshot::image::ManifestHeader;

void try_bytes(const std::vector<char>& bytes) {
  appshot::Result<ImageT> image = appshot::image::decode_manifest(bytes);
  if (!image) return;
  std::vector<char> written = appshot::image::encode_manifest(*image);
  appshot::Result<ImageT> again = appshot::image::decode_manifest(written);
  require(bool(again), "what was accepted can be written and read again");
  require(appshot::image::encode_manifest(*again) == written, "it stays what it is");
  // The daemon does that with what has been imported; its rules may be wrong.
  (void)!appshot::templates::classify(*image);
}

std::vector<char> with_right_header(std::vector<char> bytes) {
  if (bytes.size() < sizeof(ManifestHeader)) bytes.resize(sizeof(ManifestHeader));
  ManifestHeader header{};
  std::memcpy(header.magic, appshot::image::kMagic, sizeof header.magic);
  header.version = appshot::image::kFormatVersion;
  header.length = bytes.size() - sizeof header;
  header.hash = XXH3_64bits(bytes.data() + sizeof header, header.length);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

std::vector<std::vector<char>> seeds() {
  ImageT rich = appshot::image::rich_image();
  ImageT plain = appshot::image::rich_image();
  plain.processes.resize(1);
  plain.open_files.clear();
  plain.processes[0]->descriptors.clear();
  plain.private_files.clear();
  ImageT wrong = appshot::image::rich_image();
  wrong.processes[1]->parent = 9;
  std::vector<std::vector<char>> all;
  ImageT launched = appshot::image::rich_image();
  launched.options = R"({"public_paths": ["/srv:/srv"], "ports": ["80:80"], "rules": [
      {"source": "rules", "text": "EXCEPT PATH \"/s\"\nRESOURCE file DO share"}]})";
  for (const ImageT* image : {&rich, &plain, &wrong, &launched})
    all.push_back(appshot::image::encode_manifest(*image));
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  appshot::write_seeds_if_told(*argc, *argv, seeds);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<char> bytes(data, data + size);
  try_bytes(bytes);
  try_bytes(with_right_header(std::move(bytes)));
  return 0;
}
