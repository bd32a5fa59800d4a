// An OCI image layout in a folder, as skopeo and podman write it: index, manifest, configuration,
// and the layers' blobs. Everything in it is bytes of others: documents are of bounded size and
// have the digest that leads to them before they are read, and names of blobs can be nothing but
// digests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"
#include "packing/compression.h"
#include "protocol/json.h"

namespace appshot::packing {

struct OciBlob {
  std::string digest;
  uint64_t size = 0;
  UniqueFd file;
};

struct OciLayerBlob {
  OciBlob blob;
  Compression compression = Compression::none;
  std::string diff_id;  // the digest its bytes have when they are decompressed
};

struct OciImage {
  std::vector<OciLayerBlob> layers;  // bottom first; all open
  Json config;                       // how its programs are to be started
};

// "FOLDER:TAG", or a folder alone when it holds one image.
struct OciReference {
  std::string folder;
  std::string tag;
};
OciReference parse_oci_reference(const std::string& text);
// The image for this kind of machine.
Result<OciImage> open_oci_image(const OciReference& reference);

inline constexpr char kOciIndex[] = "application/vnd.oci.image.index.v1+json";
inline constexpr char kOciManifest[] = "application/vnd.oci.image.manifest.v1+json";
inline constexpr char kOciConfig[] = "application/vnd.oci.image.config.v1+json";
inline constexpr char kOciLayerGzip[] = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr char kOciRefName[] = "org.opencontainers.image.ref.name";
inline constexpr char kOciVersion[] = "1.0.0";
inline constexpr char kThisArchitecture[] = "amd64";

}  // namespace appshot::packing
