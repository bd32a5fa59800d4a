// Reads tar archives of anybody: ustar, GNU's long names and large numbers, pax with extended
// attributes and sparse files (its form 1.0). What it does not understand is an error by name.
//
// Bounded: what it holds of the headers of an entry is at most 16 MiB, whatever an archive claims.
// Names come out as they stand there, byte for byte; whoever makes files of them checks them
// (paths.h). Where links lead and names of attributes have no NUL in them.
#pragma once

#include <optional>
#include <vector>

#include "packing/entry.h"
#include "packing/streams.h"
#include "tar/header.h"
#include "tar/pax.h"

namespace appshot::packing {

class TarReader : public Source {
 public:
  explicit TarReader(Source& from) : from_(from) {}

  // The next entry, or nothing after the last. What was not read of the one before is skipped.
  Result<std::optional<Entry>> next();
  // The content of that entry: of a sparse file, its extents one after the other.
  Result<size_t> read(std::span<char> into) override;
  // Whether it ended with the two blocks of zeros, and not just so.
  bool marked_end() const { return marked_end_; }

 private:
  // What headers before an entry's own say about it.
  struct Ahead {
    tar::PaxRecords records;
    std::optional<std::string> name, link;
    uint64_t bytes = 0;  // that they have in the archive
  };
  Result<bool> read_header(tar::Header& header);
  Result<std::string> read_text(const tar::Header& header, Ahead& ahead);
  // True: it was about the entry that follows.
  Result<bool> take_ahead(const tar::Header& header, Ahead& ahead);
  Result<Entry> entry_from(const tar::Header& header, const Ahead& ahead);
  Result<> read_extents(Entry& entry);

  Source& from_;
  uint64_t left_ = 0;     // of the entry's content
  uint64_t padding_ = 0;  // behind it
  bool marked_end_ = false;
  bool ended_ = false;
};

}  // namespace appshot::packing
