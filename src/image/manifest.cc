#include "image/manifest.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cstring>

#include "image/format.h"
#include "image/schema/tables.h"
#include "os/file.h"

namespace appshot::image {
namespace {

Error corrupt(const std::string& why) {
  return Error(ErrorClass::corrupt, "the image's manifest " + why)
      .hint("the file was changed, cut short or is no image; use another copy");
}

}  // namespace

std::vector<char> encode_manifest(const ImageT& image) {
  flatbuffers::FlatBufferBuilder builder(64 * 1024);
  FinishImageBuffer(builder, Image::Pack(builder, &image));
  ManifestHeader header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kFormatVersion;
  header.length = builder.GetSize();
  header.hash = XXH3_64bits(builder.GetBufferPointer(), builder.GetSize());
  std::vector<char> bytes(sizeof header + header.length);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, builder.GetBufferPointer(), header.length);
  return bytes;
}

Result<ImageT> decode_manifest(std::span<const char> bytes) {
  ManifestHeader header;
  if (bytes.size() <= sizeof header) return corrupt("is too short");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
    return corrupt("is not one of appshot's");
  if (header.version != kFormatVersion)
    return Error(ErrorClass::mismatch,
                 "the image has format version " + std::to_string(header.version) +
                     ", this appshot reads version " + std::to_string(kFormatVersion));
  if (header.reserved != 0) return corrupt("has a damaged header");
  std::span<const char> body = bytes.subspan(sizeof header);
  if (header.length != body.size() || header.length > kManifestBytesMax)
    return corrupt("has " + std::to_string(body.size()) + " bytes where " +
                   std::to_string(header.length) + " are announced");
  if (XXH3_64bits(body.data(), body.size()) != header.hash)
    return corrupt("does not match its checksum");

  // FlatBuffers wants its buffer aligned; the header's size keeps it so only if the file's is.
  std::vector<uint64_t> aligned((body.size() + 7) / 8);
  std::memcpy(aligned.data(), body.data(), body.size());
  const auto* data = reinterpret_cast<const uint8_t*>(aligned.data());
  flatbuffers::Verifier verifier(data, body.size(), 64, 50'000'000);
  if (!VerifyImageBuffer(verifier)) return corrupt("is not well formed");
  ImageT image;
  GetImage(data)->UnPackTo(&image);
  TRY(verify_references(image));
  return image;
}

uint64_t memory_bytes(const ImageT& image) {
  uint64_t bytes = 0;
  auto add = [&](const std::vector<PageRun>& runs) {
    for (const PageRun& run : runs) bytes += run.length();
  };
  for (const auto& process : image.processes)
    if (process->address_space)
      for (const auto& mapping : process->address_space->mappings) add(mapping->pages);
  for (const auto& object : image.shared_memory) add(object->pages);
  return bytes;
}

Result<> write_manifest(const std::string& folder, const ImageT& image) {
  UniqueFd file = TRY(open_file(folder + "/" + kManifestName, O_WRONLY | O_CREAT | O_EXCL, 0600));
  return write_all(file.get(), encode_manifest(image)).within("writing the manifest of the image");
}

Result<ImageT> read_manifest(const std::string& folder) {
  std::string bytes = TRY(read_file(folder + "/" + kManifestName));
  return decode_manifest({bytes.data(), bytes.size()});
}

}  // namespace appshot::image
