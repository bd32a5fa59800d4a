// appshot-packer unpack FILE|- TARGET: the layers of an export, as TARGET/0, TARGET/1 ….
//
// Nothing is believed: every path comes in the one order the format has, so that none comes twice
// and each has the folder it lies in before it; and what was understood of the archive is summed,
// not its bytes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <unordered_set>

#include "os/file.h"
#include "packing/commands.h"
#include "packing/compression.h"
#include "packing/contents.h"
#include "packing/export_format.h"
#include "packing/jail.h"
#include "packing/overlay_marks.h"
#include "packing/paths.h"
#include "packing/tar_reader.h"
#include "packing/tree.h"

namespace appshot::packing {
namespace {

Error corrupt(const std::string& what) {
  return Error(ErrorClass::corrupt, what).hint("export the environment again");
}

// Passes on what is read from it, sums it on the way, and looks where it has holes.
class SummedContent : public Source {
 public:
  SummedContent(Source& from, LayerSummer& summer, const Entry& entry)
      : from_(from),
        summer_(summer),
        entry_(entry),
        extents_(entry.extents.value_or(std::vector<Extent>{{0, entry.size}})) {}

  Result<size_t> read(std::span<char> into) override {
    const size_t got = TRY(from_.read(into));
    TRY(summer_.content(into.first(got)));
    place(into.first(got));
    return got;
  }

  // Otherwise the layer would have another sum when it is packed again.
  Result<> check_holes() {
    holes_.hole_until(entry_.size);
    if (holes_.finish() == entry_.extents) return {};
    return corrupt("the holes of the file are not where they are by the rule");
  }

 private:
  void place(std::span<const char> bytes) {
    while (!bytes.empty()) {
      const Extent& extent = extents_[extent_];
      if (done_ == 0) holes_.hole_until(extent.offset);
      const size_t part = std::min<uint64_t>(bytes.size(), extent.length - done_);
      holes_.content(bytes.first(part));
      bytes = bytes.subspan(part);
      done_ += part;
      if (done_ < extent.length) continue;
      extent_ += 1;
      done_ = 0;
    }
  }

  Source& from_;
  LayerSummer& summer_;
  const Entry& entry_;
  const std::vector<Extent> extents_;
  HoleFinder holes_;
  size_t extent_ = 0;  // the one that is read
  uint64_t done_ = 0;  // of it
};

class Import {
 public:
  Import(Tree& tree, TarReader& archive, size_t layers)
      : tree_(tree), archive_(archive), layers_(layers) {}

  Result<> begin() {
    for (size_t number = 0; number < layers_; ++number) {
      Entry folder;
      folder.path = std::to_string(number);
      folder.kind = Kind::folder;
      folder.mode = 0755;
      TRY(tree_.make(folder));
    }
    return {};
  }

  Result<> take(Entry entry) {
    LayerPath place = TRY(parse_layer_path(entry.path));
    if (place.number >= layers_ || place.number < sums_.size())
      return corrupt("'" + shown(entry.path) + "' is not where its layer is");
    TRY(close_until(place.number));
    if (!last_.empty() && compare_paths(last_, place.path) >= 0)
      return corrupt("'" + shown(entry.path) + "' comes twice, or not in its order");
    last_ = place.path;
    entry.path = place.path;
    TRY(check_marks_of_layers(entry));
    if (entry.kind == Kind::hard_link) TRY(check_link(entry, place.number));
    // The folder of a mount is one, and nothing can lie in what is none.
    if (folder_of(entry.path).empty() && entry.kind != Kind::folder)
      return corrupt("'" + shown(entry.path) + "' is no folder");
    // overlayfs would not mind the mark.
    if (folder_of(entry.path).empty() && is_opaque(entry))
      return corrupt("'" + shown(entry.path) + "' is opaque, and is the root of its layer");
    TRY(summer_->begin_entry(entry));
    TRY(make(entry, std::to_string(place.number) + "/"));
    return summer_->end_entry();
  }

  Result<std::vector<LayerSum>> finish() {
    TRY(close_until(layers_));
    return sums_;
  }

 private:
  Result<> make(Entry entry, const std::string& folder) {
    entry.path = folder + entry.path;
    if (entry.kind == Kind::hard_link) entry.target = folder + entry.target;
    if (entry.kind == Kind::hard_link) TRY(check_target(entry));
    TRY(tree_.make(entry, [&](int fd) -> Result<> {
      SummedContent content(archive_, *summer_, entry);
      TRY(write_content(fd, entry, content));
      return content.check_holes();
    }));
    if (TRY(tree_.is_as_told(entry))) return {};
    return corrupt("'" + shown(entry.path) +
                   "' cannot be made as it is told: its mode, owner, time or attributes differ");
  }

  // A whiteout is none of a file's names.
  Result<> check_target(const Entry& entry) {
    const Result<std::optional<struct stat>> file = tree_.look(entry.target);
    if (file && *file && !S_ISDIR((*file)->st_mode) && !is_whiteout_node(**file)) return {};
    return no_file_before(entry);
  }

  static Error no_file_before(const Entry& entry) {
    return corrupt("'" + shown(entry.path) + "' is a hard link to '" + shown(entry.target) +
                   "', which is no file before it");
  }

  // The first of a file's names is the file, all others are links to that one.
  Result<> check_link(Entry& entry, size_t number) {
    LayerPath target = TRY(parse_layer_path(entry.target));
    const bool first = target.number == number && compare_paths(target.path, entry.path) < 0 &&
                       !links_.contains(std::hash<std::string>()(target.path));
    if (!first || entry.target.ends_with('/')) return no_file_before(entry);
    if (!entry.xattrs.empty())
      return corrupt("'" + shown(entry.path) + "' is a hard link with attributes");
    entry.target = std::move(target.path);
    links_.insert(std::hash<std::string>()(entry.path));
    return {};
  }

  // Layers without any files are told by their number alone.
  Result<> close_until(size_t number) {
    while (sums_.size() < number) {
      sums_.push_back(TRY(summer_->finish()));
      summer_ = std::make_unique<LayerSummer>();
      last_.clear();
      links_.clear();
    }
    return {};
  }

  Tree& tree_;
  TarReader& archive_;
  const size_t layers_;
  std::unique_ptr<LayerSummer> summer_ = std::make_unique<LayerSummer>();
  std::string last_;
  std::unordered_set<size_t> links_;  // sums of their names, which take less room
  std::vector<LayerSum> sums_;
};

Result<std::string> read_member(TarReader& archive, const Entry& entry) {
  if (entry.kind != Kind::file || entry.extents || entry.size > kDocumentBytesMax)
    return corrupt("'" + shown(entry.path) + "' is no document");
  std::string text(entry.size, '\0');
  if (TRY(read_full(archive, text)) < text.size()) return corrupt("the export ends early");
  return text;
}

Result<> check_end(const ExportEnd& end, const std::string& head,
                   const std::vector<LayerSum>& layers) {
  if (end.head_digest != digest_of(head)) return corrupt("the sum of its document is wrong");
  if (end.layers.size() != layers.size()) return corrupt("layers are missing");
  for (size_t i = 0; i < layers.size(); ++i)
    if (end.layers[i] != layers[i])
      return corrupt("the sum of layer " + std::to_string(i) + " is wrong");
  return {};
}

Result<Json> read_export(Source& from, Tree& tree) {
  TarReader archive(from);
  const std::optional<Entry> first = TRY(archive.next());
  if (!first || first->path != kHeadName) return corrupt("the file is no export of an environment");
  const std::string head_text = TRY(read_member(archive, *first));
  const ExportHead head = TRY(parse_head(head_text));
  Import import(tree, archive, head.layers);
  TRY(import.begin());
  std::optional<Entry> entry = TRY(archive.next());
  for (; entry && entry->path != kEndName; entry = TRY(archive.next()))
    TRY(import.take(std::move(*entry)));
  if (!entry) return corrupt("the export ends early: its end mark is missing");
  const ExportEnd end = TRY(parse_end(TRY(read_member(archive, *entry))));
  const std::vector<LayerSum> layers = TRY(import.finish());
  TRY(check_end(end, head_text, layers));
  if (TRY(archive.next()) || !archive.marked_end())
    return corrupt("something follows its end mark");
  TRY(drain(from, 0));
  TRY(tree.finish());
  Json list = Json::array();
  for (size_t i = 0; i < layers.size(); ++i) {
    list.push_back(layer_sum_to_json(layers[i]));
    list.back()["folder"] = std::to_string(i);
  }
  return Json{{"document", head.document}, {"layers", list}};
}

}  // namespace

Result<Json> unpack_environment(const Arguments& arguments, Report& report) {
  const std::string& name = arguments.words[0];
  UniqueFd opened;
  if (name != "-") opened = TRY(open_file(name, O_RDONLY));
  const int fd = name == "-" ? STDIN_FILENO : opened.get();
  struct stat info {};
  TRY_SYS(::fstat(fd, &info));
  TRY(make_target(arguments.words[1]));
  const Limits limits = TRY(limits_of(arguments, arguments.words[1]));
  report.begin("unpack", S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : 0);
  UniqueFd root = TRY(enter_jail(arguments.words[1]));

  Budget budget(limits.bytes, limits.entries);
  Tree tree(std::move(root), budget);
  FdSource file(fd, [&](size_t bytes) { report.moved(bytes); });
  const std::unique_ptr<Source> plain = decompressed(file, Compression::zstd);
  return read_export(*plain, tree).within(name == "-" ? "the export" : name);
}

}  // namespace appshot::packing
