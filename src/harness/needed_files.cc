#include "harness/needed_files.h"

#include <algorithm>
#include <map>

namespace appshot {
namespace {

bool is_within(const std::string& path, const std::string& folder) {
  return folder == "/" || path == folder || path.starts_with(folder + "/");
}

// By path; whether it is mapped anywhere.
class Names {
 public:
  explicit Names(const image::ImageT& image) {
    for (const auto& mount : image.mounts) {
      const bool whole = mount->kind != image::MountKind::made || mount->parent < 0;
      const std::string above = whole ? "" : points_[static_cast<size_t>(mount->parent)];
      points_.push_back(above == "/" ? mount->point : above + mount->point);
      if (mount->kind == image::MountKind::made && mount->space < 0)
        covered_.push_back(points_.back());
    }
    for (const auto& file : image.open_files) add_open(*file);
    for (const auto& name : image.mapped_files) add(*name, true);
    for (const auto& process : image.processes) {
      if (process->address_space && process->address_space->exe)
        add(*process->address_space->exe, true);
      if (process->cwd) add(*process->cwd);
      if (process->root) add(*process->root);
      for (const auto& thread : process->threads) add_folders(*thread);
    }
  }
  const std::map<std::string, NeededPlace>& all() const { return all_; }

 private:
  void add_open(const image::OpenFileT& file) {
    if (const auto* regular = file.kind.AsRegularFile()) add(*regular->name);
    if (const auto* pipe = file.kind.AsNamedPipe()) add(*pipe->name);
    if (const auto* inotify = file.kind.AsInotify())
      for (const auto& watch : inotify->watches) add(*watch->name);
  }

  void add_folders(const image::ThreadT& thread) {
    if (!thread.folders) return;
    if (thread.folders->cwd) add(*thread.folders->cwd);
    if (thread.folders->root) add(*thread.folders->root);
  }

  // What has no name any more is in the image; what the program has mounted there covers the path.
  void add(const image::FileNameT& name, bool is_mapped = false) {
    if (name.ghost >= 0 || name.space >= 0) return;
    const bool is_covered = std::ranges::any_of(
        covered_, [&](const std::string& point) { return is_within(name.path, point); });
    if (is_covered) return;
    NeededPlace& needed = all_[name.path];
    needed.mode = name.mode;
    needed.is_mapped = needed.is_mapped || is_mapped;
  }

  std::vector<std::string> points_, covered_;
  std::map<std::string, NeededPlace> all_;
};

Result<> refuse_watches_of(const image::ImageT& image, const Redirection& redirection) {
  if (redirection.former.empty()) return {};
  for (const auto& file : image.open_files) {
    const auto* inotify = file->kind.AsInotify();
    if (inotify == nullptr) continue;
    for (const auto& watch : inotify->watches)
      if (watch->name->ghost < 0 && is_within(watch->name->path, redirection.former))
        return Error(ErrorClass::refused, redirection.rule + ": the program watches " +
                                              watch->name->path + " (inotify), to which " +
                                              redirection.path + " led, and it leads to " +
                                              redirection.to + " here")
            .hint(
                "let the rule lead to the same place in each instance (<APPL-ID> in place of "
                "<INSTANCE>)");
  }
  return {};
}

}  // namespace

Result<> add_needed(const image::ImageT& image, const std::vector<PublicPath>& public_paths,
                    std::vector<Redirection>& redirections) {
  for (const Redirection& one : redirections) TRY(refuse_watches_of(image, one));
  const Names names(image);
  for (const auto& [path, place] : names.all()) {
    Redirection* deepest = nullptr;
    for (Redirection& one : redirections)
      if (is_within(path, one.path) && (!deepest || one.path.size() > deepest->path.size()))
        deepest = &one;
    if (deepest == nullptr || deepest->former.empty()) continue;
    const bool is_public = std::ranges::any_of(public_paths, [&](const PublicPath& shown) {
      return is_within(path, shown.path) && shown.path.size() > deepest->path.size();
    });
    if (is_public) continue;
    deepest->needed.push_back(place);
    deepest->needed.back().below = path.substr(deepest->path.size());
  }
  return {};
}

}  // namespace appshot
