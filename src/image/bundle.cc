#include "image/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "image/format.h"
#include "image/manifest.h"
#include "image/pages_reader.h"
#include "os/file.h"

namespace appshot::image {
namespace {

constexpr char kBundleMagic[8] = {'A', 'P', 'P', 'S', 'H', 'O', 'T', 'B'};
constexpr uint32_t kBundleVersion = 1;
constexpr size_t kBufferBytes = 256 * 1024;
constexpr const char* kFiles[] = {kManifestName, kPagesName};

struct BundleHeader {
  char magic[8];
  uint32_t version;
  uint32_t files;
};

Error corrupt(const std::string& why) {
  return Error(ErrorClass::corrupt, "the export " + why)
      .hint("it was changed, cut short or is none of appshot's; export it again");
}

class Hash {
 public:
  Hash() : state_(XXH3_createState(), XXH3_freeState) { XXH3_64bits_reset(state_.get()); }
  void add(std::span<const char> bytes) {
    XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
  }
  uint64_t value() const { return XXH3_64bits_digest(state_.get()); }

 private:
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

class BundleWriter {
 public:
  explicit BundleWriter(const WriteBytes& write) : write_(write) {}

  Result<> header(uint32_t files) {
    BundleHeader header{{}, kBundleVersion, files};
    std::memcpy(header.magic, kBundleMagic, sizeof kBundleMagic);
    return put({reinterpret_cast<const char*>(&header), sizeof header});
  }

  Result<> file(const std::string& folder, const std::string& name) {
    UniqueFd file = TRY(open_file(folder + "/" + name, O_RDONLY));
    struct stat facts;
    TRY_SYS(::fstat(file.get(), &facts));
    uint64_t left = static_cast<uint64_t>(facts.st_size);
    uint32_t name_bytes = static_cast<uint32_t>(name.size());
    TRY(put({reinterpret_cast<const char*>(&name_bytes), sizeof name_bytes}));
    TRY(put({reinterpret_cast<const char*>(&left), sizeof left}));
    TRY(put(name));
    std::vector<char> buffer(kBufferBytes);
    while (left > 0) {
      ssize_t got =
          TRY_SYS(::read(file.get(), buffer.data(), std::min<uint64_t>(left, buffer.size())));
      if (got == 0) return Error(ErrorClass::corrupt, name + " was cut short while it was read");
      TRY(put({buffer.data(), static_cast<size_t>(got)}));
      left -= static_cast<uint64_t>(got);
    }
    return {};
  }

  Result<> trailer() {
    uint64_t hash = hash_.value();
    return write_({reinterpret_cast<const char*>(&hash), sizeof hash});
  }

 private:
  Result<> put(std::span<const char> bytes) {
    hash_.add(bytes);
    return write_(bytes);
  }

  const WriteBytes& write_;
  Hash hash_;
};

class BundleReader {
 public:
  explicit BundleReader(const ReadBytes& read) : read_(read) {}

  Result<uint32_t> header() {
    BundleHeader header;
    TRY(take({reinterpret_cast<char*>(&header), sizeof header}));
    if (std::memcmp(header.magic, kBundleMagic, sizeof kBundleMagic) != 0)
      return corrupt("is not one of appshot's");
    if (header.version != kBundleVersion)
      return Error(ErrorClass::mismatch,
                   "the export has version " + std::to_string(header.version) +
                       ", this appshot reads version " + std::to_string(kBundleVersion));
    return header.files;
  }

  Result<> file(const std::string& folder) {
    uint32_t name_bytes;
    uint64_t left;
    TRY(take({reinterpret_cast<char*>(&name_bytes), sizeof name_bytes}));
    TRY(take({reinterpret_cast<char*>(&left), sizeof left}));
    if (name_bytes > 64) return corrupt("holds a file of a strange name");
    std::string name(name_bytes, '\0');
    TRY(take(name));
    bool known = std::find(std::begin(kFiles), std::end(kFiles), name) != std::end(kFiles);
    if (!known || !seen_.insert(name).second) return corrupt("holds a file of a strange name");
    UniqueFd file = TRY(open_file(folder + "/" + name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    std::vector<char> buffer(kBufferBytes);
    while (left > 0) {
      std::span<char> part(buffer.data(), std::min<uint64_t>(left, buffer.size()));
      TRY(take(part));
      TRY(write_all(file.get(), part).within(name));
      left -= part.size();
    }
    TRY_SYS(::fdatasync(file.get()));
    return {};
  }

  Result<> trailer() {
    uint64_t expected = hash_.value();
    uint64_t told;
    TRY(take({reinterpret_cast<char*>(&told), sizeof told}));
    if (told != expected) return corrupt("does not match its checksum");
    char more;
    if (TRY(read_({&more, 1})) != 0) return corrupt("goes on after its end");
    return {};
  }

 private:
  Result<> take(std::span<char> bytes) {
    std::span<char> rest = bytes;
    while (!rest.empty()) {
      size_t got = TRY(read_(rest));
      if (got == 0) return corrupt("is cut short");
      rest = rest.subspan(got);
    }
    hash_.add(bytes);
    return {};
  }

  const ReadBytes& read_;
  Hash hash_;
  std::set<std::string> seen_;
};

}  // namespace

Result<> export_bundle(const std::string& folder, const WriteBytes& write) {
  // What is damaged is not passed on; and it is refused before the first byte is.
  TRY(verify_folder(folder));
  BundleWriter writer(write);
  TRY(writer.header(std::size(kFiles)));
  for (const char* name : kFiles) TRY(writer.file(folder, name));
  return writer.trailer();
}

Result<> import_bundle(const std::string& folder, const ReadBytes& read) {
  BundleReader reader(read);
  if (TRY(reader.header()) != std::size(kFiles)) return corrupt("holds the wrong number of files");
  for (size_t i = 0; i < std::size(kFiles); ++i) TRY(reader.file(folder));
  TRY(reader.trailer());
  return verify_folder(folder);
}

Result<> verify_folder(const std::string& folder) {
  ImageT image = TRY(read_manifest(folder));
  PagesReader pages = TRY(PagesReader::open(folder + "/" + kPagesName, image.pages_length,
                                            std::move(image.pages_checksums)));
  return pages.verify_all();
}

}  // namespace appshot::image
