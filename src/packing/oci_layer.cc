#include "packing/oci_layer.h"

#include <cerrno>

#include "packing/overlay_marks.h"
#include "packing/paths.h"
#include "packing/xattrs.h"

namespace appshot::packing {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaqueName = ".wh..wh..opq";

Error corrupt(const std::string& path, const std::string& what) {
  return Error(ErrorClass::corrupt, "'" + shown(path) + "' " + what);
}

bool is_device(const Entry& entry) {
  return entry.kind == Kind::character || entry.kind == Kind::block;
}

}  // namespace

OciLayer::OciLayer(Tree& tree, size_t number, bool allow_devices, OciCounts& counts)
    : tree_(tree), number_(number), allow_devices_(allow_devices), counts_(counts) {}

std::string OciLayer::in_tree(const std::string& path) const {
  const std::string root = std::to_string(number_) + "/root";
  return path.empty() ? root : root + "/" + path;
}

Result<> OciLayer::begin() {
  Entry folder;
  folder.kind = Kind::folder;
  folder.mode = 0755;
  folder.path = std::to_string(number_);
  TRY(tree_.make(folder));
  Entry root = TRY(folder_as_below(""));
  root.path = in_tree("");
  return tree_.make(root);
}

void OciLayer::keep_portable_xattrs(Entry& entry) {
  for (auto xattr = entry.xattrs.begin(); xattr != entry.xattrs.end();) {
    if (is_portable_xattr(xattr->first)) {
      ++xattr;
    } else {
      counts_.xattrs_skipped += 1;
      xattr = entry.xattrs.erase(xattr);
    }
  }
}

Result<> OciLayer::apply(Entry entry, Source& content) {
  const std::string named = entry.path;
  entry.path = TRY(plain_path(entry.path));
  if (entry.path.empty() && entry.kind != Kind::folder)
    return corrupt(named, "would take the place of the root");
  const std::string folder(folder_of(entry.path)), name(name_of(entry.path));
  for (std::string_view part : components_of(folder))
    if (part.starts_with(kWhiteout)) return corrupt(named, "lies in a whiteout");
  if (name.starts_with(kWhiteout)) return whiteout(folder, name, entry);
  if (entry.kind == Kind::hard_link) entry.target = TRY(plain_path(entry.target).within(named));
  keep_portable_xattrs(entry);
  if (is_device(entry) && (!allow_devices_ || is_whiteout(entry))) {
    counts_.devices_skipped += 1;
    return {};
  }
  TRY(make_parents(folder));
  return put(entry, content);
}

Result<> OciLayer::whiteout(const std::string& folder, const std::string& name,
                            const Entry& entry) {
  // Some have made them hard links of one another.
  if (entry.kind != Kind::file && entry.kind != Kind::hard_link)
    return corrupt(entry.path, "is named like a whiteout and is none");
  if (entry.size != 0) return corrupt(entry.path, "is named like a whiteout and has content");
  if (name == kOpaqueName) {
    if (folder.empty()) return hide_all_below();
    TRY(make_parents(folder));
    return tree_.mark_opaque(in_tree(folder));
  }
  const std::string hidden = name.substr(kWhiteout.size());
  if (hidden.starts_with(kWhiteout)) return {};  // a note of aufs to itself
  if (hidden.empty() || hidden == "." || hidden == "..")
    return corrupt(entry.path, "is a whiteout of no file");
  TRY(make_parents(folder));
  return hide(folder.empty() ? hidden : folder + "/" + hidden);
}

// overlayfs merges the roots of layers, whatever their marks say: so each name is hidden by itself.
Result<> OciLayer::hide_all_below() {
  if (hidden_all_) return {};
  hidden_all_ = true;
  for (size_t below = 0; below < number_; ++below)
    for (const std::string& name : TRY(tree_.names_in(std::to_string(below) + "/root")))
      TRY(hide(name));
  return {};
}

// Of what the layer itself has of that name nothing is lost.
Result<> OciLayer::hide(const std::string& path) {
  Entry node;
  node.path = in_tree(path);
  node.kind = Kind::character;
  const std::optional<struct stat> there = TRY(tree_.look(node.path));
  if (!there) return tree_.make(node);
  return S_ISDIR(there->st_mode) ? tree_.mark_opaque(node.path) : Result<>();
}

Result<> OciLayer::put(const Entry& entry, Source& content) {
  Entry placed = entry;
  placed.path = in_tree(entry.path);
  if (entry.kind == Kind::folder) return make_folder(placed);
  if (entry.kind == Kind::hard_link) {
    placed.target = in_tree(entry.target);
    const Result<std::optional<struct stat>> file = tree_.look(placed.target);
    if (!file || !*file || S_ISDIR((*file)->st_mode) || is_whiteout_node(**file) ||
        entry.target == entry.path)
      return corrupt(entry.path, "is a hard link to '" + shown(entry.target) +
                                     "', which is no file before it in the layer");
  }
  if (TRY(tree_.look(placed.path))) {
    TRY(tree_.remove(placed.path));
    made_any_ = false;
  }
  return tree_.make(placed, [&](int fd) { return write_content(fd, entry, content); });
}

// What took the place of a file or a whiteout lets nothing show from below.
Result<> OciLayer::make_folder(const Entry& entry) {
  const std::optional<struct stat> there = TRY(tree_.look(entry.path));
  if (there && S_ISDIR(there->st_mode)) return tree_.set_attributes(entry);
  if (there) TRY(tree_.remove(entry.path));
  TRY(tree_.make(entry));
  return there ? tree_.mark_opaque(entry.path) : Result<>();
}

Result<> OciLayer::make_parents(const std::string& path) {
  if (made_any_ && made_for_ == path) return {};
  std::string folder;
  for (std::string_view part : components_of(path)) {
    folder += folder.empty() ? std::string(part) : "/" + std::string(part);
    const std::optional<struct stat> there = TRY(tree_.look(in_tree(folder)));
    if (there && S_ISDIR(there->st_mode)) continue;
    if (there && !is_whiteout_node(*there))
      return corrupt(path, S_ISLNK(there->st_mode)
                               ? "leads through the symbolic link '" + shown(folder) + "'"
                               : "leads through '" + shown(folder) + "', which is no folder");
    Entry made = TRY(folder_as_below(folder));
    made.path = in_tree(folder);
    TRY(make_folder(made));
  }
  made_for_ = path;
  made_any_ = true;
  return {};
}

// A folder that a layer needs and does not describe is as it was, which is what the layers below
// say.
Result<Entry> OciLayer::folder_as_below(const std::string& path) {
  Entry folder;
  folder.kind = Kind::folder;
  folder.mode = 0755;
  for (size_t below = number_; below-- > 0;) {
    std::string at = std::to_string(below) + "/root";
    std::optional<struct stat> found = TRY(tree_.look(at));
    bool opaque = false;
    for (std::string_view part : components_of(path)) {
      at += "/" + std::string(part);
      found = TRY(tree_.look(at));
      if (!found || !S_ISDIR(found->st_mode)) break;
      opaque |= TRY(tree_.xattrs_of_folder(at)).contains(kOpaque);
    }
    if (found && S_ISDIR(found->st_mode)) {
      folder.mode = found->st_mode & 07777;
      folder.uid = found->st_uid;
      folder.gid = found->st_gid;
      folder.mtime = tree_.time_of_folder(*found);
      folder.xattrs = TRY(tree_.xattrs_of_folder(at));
      folder.xattrs.erase(kOpaque);
      return folder;
    }
    if (found || opaque) break;
  }
  return folder;
}

}  // namespace appshot::packing
