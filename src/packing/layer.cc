#include "packing/layer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "os/file.h"
#include "packing/contents.h"
#include "packing/overlay_marks.h"
#include "packing/paths.h"

namespace appshot::packing {

Json layer_sum_to_json(const LayerSum& sum) {
  return {{"digest", sum.digest}, {"entries", sum.entries}, {"bytes", sum.bytes}};
}

Result<> LayerSummer::begin_entry(const Entry& entry) {
  sum_.entries += 1;
  if (entry.kind == Kind::file) sum_.bytes += bytes_of(entry);
  return writer_.begin_entry(entry);
}

Result<LayerSum> LayerSummer::finish() {
  TRY(writer_.end_archive());
  sum_.digest = sink_.digest();
  return sum_;
}

bool is_mount_name(std::string_view name) {
  return name == "root" ||
         (name.starts_with("at%") && name.size() > 3 && name.find('/') == std::string_view::npos);
}

namespace {

Result<std::vector<std::string>> mount_names(int layer) {
  std::vector<std::string> names;
  for (std::string& name : TRY(list_folder_at(layer, "."))) {
    struct stat info {};
    TRY_SYS(::fstatat(layer, name.c_str(), &info, AT_SYMLINK_NOFOLLOW));
    if (S_ISREG(info.st_mode)) continue;
    if (!S_ISDIR(info.st_mode) || !is_mount_name(name))
      return Error(ErrorClass::refused, "'" + shown(name) + "' is no folder of a layer")
          .hint("a layer has a folder 'root', and 'at%…' for other mounts");
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<uint64_t> visit_layer(const std::string& folder, const VisitLayer& visit) {
  const UniqueFd layer = TRY(open_file(folder, O_RDONLY | O_DIRECTORY));
  Walk walk([&](Entry& entry, const Place& place) -> Result<> {
    TRY(keep_only_marks_of_layers(entry));
    if (entry.kind != Kind::file) return visit(entry, -1);
    const UniqueFd content = TRY(place.open().within("'" + shown(entry.path) + "'"));
    entry.extents =
        TRY(extents_of(content.get(), entry.size).within("'" + shown(entry.path) + "'"));
    return visit(entry, content.get());
  });
  for (const std::string& name : TRY(mount_names(layer.get()))) {
    const UniqueFd mount = TRY(open_at(layer.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(walk.visit_tree(mount.get(), name));
  }
  if (!walk.mounts().empty())
    return Error(ErrorClass::refused, "something is mounted on '" + shown(walk.mounts()[0]) + "'");
  return walk.sockets();
}

Result<LayerWritten> write_layer(const std::string& folder, const std::string& prefix,
                                 TarWriter* archive, Report& report) {
  LayerSummer summer;
  auto write = [&](const Entry& entry, int content) -> Result<> {
    TRY(summer.begin_entry(entry));
    if (archive != nullptr) {
      Entry placed = entry;
      placed.path = prefix + entry.path;
      if (entry.kind == Kind::hard_link) placed.target = prefix + entry.target;
      TRY(archive->begin_entry(placed));
    }
    if (entry.kind == Kind::file)
      TRY(read_content(content, entry, [&](std::span<const char> bytes) -> Result<> {
            report.moved(bytes.size());
            TRY(summer.content(bytes));
            return archive == nullptr ? Result<>() : archive->content(bytes);
          }).within("'" + shown(entry.path) + "'"));
    TRY(summer.end_entry());
    return archive == nullptr ? Result<>() : archive->end_entry();
  };
  LayerWritten written;
  written.sockets = TRY(visit_layer(folder, write).within("the layer " + folder));
  written.sum = TRY(summer.finish());
  return written;
}

}  // namespace appshot::packing
