// Any bytes at all as an archive: refused, or entries that can be written and are the same when
// they are read again. The checksums of headers are made right, so that the fuzzer gets past them;
// each input is tried as it is, too, and as what stands in a gzip and a zstd stream.
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/fuzz_target.h"
#include "packing/bytes_for_test.h"
#include "packing/compression.h"
#include "packing/paths.h"
#include "packing/tar_reader.h"
#include "packing/tar_writer.h"

namespace {

using appshot::require;
using appshot::Result;
using appshot::packing::Entry;
using appshot::packing::Kind;
using Entries = std::vector<std::pair<Entry, std::string>>;

Result<Entries> read_entries(const std::string& bytes) {
  appshot::packing::BytesSource source(bytes);
  appshot::packing::TarReader reader(source);
  Entries entries;
  for (;;) {
    std::optional<Entry> entry = TRY(reader.next());
    if (!entry) return entries;
    std::string content = TRY(read_all(reader));
    entries.emplace_back(std::move(*entry), std::move(content));
  }
}

Result<std::string> write_entries(const Entries& entries) {
  appshot::packing::BytesSink sink;
  appshot::packing::TarWriter writer(sink);
  for (const auto& [entry, content] : entries) {
    TRY(writer.begin_entry(entry));
    TRY(writer.content(content));
    TRY(writer.end_entry());
  }
  TRY(writer.end_archive());
  return sink.bytes();
}

// As the program does before it writes any of it.
bool make_plain(Entry& entry) {
  Result<std::string> path = appshot::packing::plain_path(entry.path);
  if (!path) return false;
  entry.path = *path;
  if (entry.path.empty() && entry.kind != Kind::folder) return false;
  require(entry.target.find('\0') == std::string::npos, "links lead to whole names");
  for (const auto& [name, value] : entry.xattrs)
    require(!name.empty() && name.find('\0') == std::string::npos, "attributes have whole names");
  return true;
}

void try_archive(const std::string& bytes) {
  Result<Entries> entries = read_entries(bytes);
  if (!entries) return;
  for (auto& [entry, content] : *entries)
    if (!make_plain(entry)) return;
  Result<std::string> written = write_entries(*entries);
  if (!written) return;  // more than an archive of ours holds
  Result<Entries> again = read_entries(*written);
  require(bool(again), "what was written can be read");
  for (auto& [entry, content] : *again) require(make_plain(entry), "paths stay plain");
  require(*again == *entries, "it stays what it is");
}

std::string with_right_checksums(std::string bytes) {
  using appshot::tar::Header;
  for (size_t at = 0; at + sizeof(Header) <= bytes.size(); at += sizeof(Header)) {
    Header header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    // Headers look like this, content hardly ever does.
    if (std::memcmp(header.magic, "ustar", 5) != 0) continue;
    appshot::tar::put_number(header.checksum, appshot::tar::checksum_of(header));
    std::memcpy(bytes.data() + at, &header, sizeof header);
  }
  return bytes;
}

std::vector<std::string> seeds() {
  Entry file;
  file.path = std::string(150, 'p');
  file.mode = 04755;
  file.uid = 4'000'000'000;
  file.size = 5;
  file.mtime = {-5, 250'000'000};
  file.xattrs = {{"user.note", "n"}, {"security.capability", "c"}};
  Entry sparse;
  sparse.path = "sparse";
  sparse.size = 1 << 20;
  sparse.extents = {{{4096, 3}, {1 << 19, 4}}};
  Entry link;
  link.path = "link";
  link.kind = Kind::link;
  link.target = "where";
  Entry device;
  device.path = "device";
  device.kind = Kind::block;
  device.major = 8;
  const Entries all{{file, "12345"}, {sparse, "1234567"}, {link, ""}, {device, ""}};
  std::vector<std::string> written;
  for (const Entries& entries :
       std::vector<Entries>{all, {all[0]}, {all[1]}, {all[2], all[3]}, {}}) {
    Result<std::string> bytes = write_entries(entries);
    require(bool(bytes), "a seed can be written");
    written.push_back(std::move(*bytes));
  }
  return written;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  appshot::write_seeds_if_told(*argc, *argv, seeds);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using appshot::packing::Compression;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  try_archive(bytes);
  try_archive(with_right_checksums(bytes));
  for (Compression how : {Compression::gzip, Compression::zstd}) {
    appshot::packing::BytesSource source(bytes);
    (void)!read_all(*decompressed(source, how));
  }
  return 0;
}
