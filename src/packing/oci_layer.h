// One layer of an OCI image, entry by entry, as a layer of overlayfs.
//
// An image says in names what overlayfs says in marks: `.wh.NAME` is a whiteout of NAME, and
// `.wh..wh..opq` makes the folder it is in opaque. They speak of what is below the layer: what the
// layer itself has of that name stays, whichever comes first. Otherwise what comes later counts.
#pragma once

#include <string>

#include "base/result.h"
#include "packing/tar_reader.h"
#include "packing/tree.h"

namespace appshot::packing {

struct OciCounts {
  uint64_t devices_skipped = 0;
  uint64_t xattrs_skipped = 0;
};

class OciLayer {
 public:
  // Into the folder `number`/root of the tree, where those of lower numbers are the layers below.
  OciLayer(Tree& tree, size_t number, bool allow_devices, OciCounts& counts);

  Result<> begin();
  // An entry and, by `content`, what a file holds.
  Result<> apply(Entry entry, Source& content);

 private:
  Result<> whiteout(const std::string& folder, const std::string& name, const Entry& entry);
  Result<> hide(const std::string& path);
  Result<> hide_all_below();
  Result<> put(const Entry& entry, Source& content);
  // The folders that lead to a path; those the archive has not named are made.
  Result<> make_parents(const std::string& path);
  Result<> make_folder(const Entry& entry);
  Result<Entry> folder_as_below(const std::string& path);
  void keep_portable_xattrs(Entry& entry);
  std::string in_tree(const std::string& path) const;

  Tree& tree_;
  const size_t number_;
  const bool allow_devices_;
  OciCounts& counts_;
  std::string made_for_;  // the last folder that make_parents has seen to
  bool made_any_ = false;
  bool hidden_all_ = false;
};

}  // namespace appshot::packing
