#include "resources/private_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <map>
#include <set>

#include "os/file.h"
#include "resources/file_names.h"

namespace appshot {
namespace {

constexpr size_t kLongerWhereRestored = 64;
constexpr size_t kToldOfPath = 100;
// An overlay's mark on a folder of which nothing below is seen.
constexpr char kOpaque[] = "trusted.overlay.opaque";

// Among them the layer's own marks (trusted.overlay.*) and file capabilities.
Result<Attributes> attributes_of(const std::string& path) {
  Attributes attributes;
  std::vector<char> names(65536), value(65536);
  ssize_t length = ::llistxattr(path.c_str(), names.data(), names.size());
  if (length < 0 && errno == ENOTSUP) return attributes;
  if (length < 0) return Error::from_errno(errno, "llistxattr");
  for (ssize_t at = 0; at < length;
       at += static_cast<ssize_t>(std::string_view(names.data() + at).size()) + 1) {
    std::string name(names.data() + at);
    if (name.starts_with("trusted.overlay.origin") || name.starts_with("trusted.overlay.uuid"))
      continue;
    ssize_t bytes = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (bytes < 0) return Error::from_errno(errno, "lgetxattr " + name);
    auto attribute = std::make_unique<image::AttributeT>();
    attribute->name = name;
    attribute->value.assign(value.begin(), value.begin() + bytes);
    attributes.push_back(std::move(attribute));
  }
  return attributes;
}

Result<> put_attributes(const std::string& path, const Attributes& attributes) {
  for (const auto& attribute : attributes)
    TRY_SYS(::lsetxattr(path.c_str(), attribute->name.c_str(), attribute->value.data(),
                        attribute->value.size(), 0));
  return {};
}

class Capture {
 public:
  explicit Capture(CaptureContext& context) : context_(context) {}

  // `folder` on the host is `prefix` in the image.
  Result<> walk(const std::string& folder, const std::string& prefix,
                std::span<const std::string_view> without = {}) {
    for (const std::string& name : TRY(list_folder(folder))) {
      if (std::ranges::find(without, name) != without.end()) continue;
      const struct stat info = TRY(look_at(folder + "/" + name));
      TRY(keep(folder + "/" + name, prefix + name, info, Part::own));
      if (S_ISDIR(info.st_mode)) TRY(walk(folder + "/" + name, prefix + name + "/"));
    }
    return {};
  }

  // What is seen of one folder over the other, as one: a layer as well.
  Result<> walk_layer(const std::string& own, const std::string& frozen,
                      const std::string& prefix) {
    const std::vector<std::string> names = TRY(list_if_there(own));
    for (const std::string& name : names) {
      const std::string path = own + "/" + name;
      const std::string below = frozen.empty() ? "" : frozen + "/" + name;
      const struct stat info = TRY(look_at(path));
      TRY(keep(path, prefix + name, info, Part::own));
      if (!S_ISDIR(info.st_mode)) continue;
      const bool shows = TRY(shows_through(path, below));
      // What hides the layers further down does so still.
      if (shows && TRY(is_opaque(below)))
        context_.image.private_files.back()->attributes.push_back(opaque());
      TRY(walk_layer(path, shows ? below : "", prefix + name + "/"));
    }
    if (frozen.empty()) return {};
    for (const std::string& name : TRY(list_if_there(frozen))) {
      if (std::ranges::find(names, name) != names.end()) continue;
      const std::string path = frozen + "/" + name;
      const struct stat info = TRY(look_at(path));
      TRY(keep(path, prefix + name, info, Part::frozen));
      if (S_ISDIR(info.st_mode)) TRY(walk_layer("", path, prefix + name + "/"));
    }
    return {};
  }

 private:
  enum class Part { own, frozen };

  static Result<std::vector<std::string>> list_if_there(const std::string& folder) {
    if (folder.empty()) return std::vector<std::string>();
    Result<std::vector<std::string>> names = list_folder(folder);
    if (!names && names.error().err() == ENOENT) return std::vector<std::string>();
    return names;
  }

  static Result<bool> is_opaque(const std::string& folder) {
    char value = 0;
    const ssize_t length = ::lgetxattr(folder.c_str(), kOpaque, &value, 1);
    if (length < 0 && errno != ENODATA && errno != ENOTSUP)
      return Error::from_errno(errno, "lgetxattr " + folder);
    return length == 1 && value == 'y';
  }

  static std::unique_ptr<image::AttributeT> opaque() {
    auto attribute = std::make_unique<image::AttributeT>();
    attribute->name = kOpaque;
    attribute->value = {'y'};
    return attribute;
  }

  // Whether that folder of the frozen layer is seen through the one over it.
  static Result<bool> shows_through(const std::string& folder, const std::string& below) {
    struct stat info {};
    if (below.empty() || ::lstat(below.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return false;
    return !TRY(is_opaque(folder));
  }

  static Result<struct stat> look_at(const std::string& path) {
    struct stat info {};
    if (path.size() + kLongerWhereRestored >= PATH_MAX)
      return Error(ErrorClass::refused,
                   "a file of the private layer lies deeper than a path can "
                   "tell: ..." +
                       path.substr(path.size() - kToldOfPath))
          .hint("remove it, or move it up");
    if (::lstat(path.c_str(), &info) != 0) return Error::from_errno(errno, "stat " + path);
    return info;
  }

  Result<> keep(const std::string& path, const std::string& name, const struct stat& info,
                Part part) {
    return keep_file(path, name, info, part).within(path);
  }

  Result<> keep_file(const std::string& path, const std::string& name, const struct stat& info,
                     Part part) {
    auto file = std::make_unique<image::PrivateFileT>();
    file->path = name;
    file->mode = info.st_mode;
    file->uid = info.st_uid;
    file->gid = info.st_gid;
    file->mtime = std::make_unique<image::Time>(to_time(info.st_mtim));
    file->rdev = info.st_rdev;
    CaptureContext::Identity identity{info.st_dev, info.st_ino};
    auto first = seen_.find(identity);
    if (first != seen_.end() && !S_ISDIR(info.st_mode)) {
      file->same_as = first->second;
    } else {
      seen_.emplace(identity, static_cast<int>(context_.image.private_files.size()));
      file->attributes = TRY(attributes_of(path));
      if (S_ISLNK(info.st_mode)) file->link = TRY(read_link(path));
      if (S_ISREG(info.st_mode)) file->ghost = TRY(content(path, name, info, part));
    }
    context_.image.private_files.push_back(std::move(file));
    return {};
  }

  Result<int> content(const std::string& path, const std::string& name, const struct stat& info,
                      Part part) {
    auto ghost = std::make_unique<image::GhostT>();
    ghost->size = static_cast<uint64_t>(info.st_size);
    ghost->mode = info.st_mode;
    ghost->uid = info.st_uid;
    ghost->gid = info.st_gid;
    ghost->mtime = std::make_unique<image::Time>(to_time(info.st_mtim));
    TRY(pages(path, name, info, part, ghost->pages));
    context_.image.ghosts.push_back(std::move(ghost));
    return static_cast<int>(context_.image.ghosts.size()) - 1;
  }

  Result<> pages(const std::string& path, const std::string& name, const struct stat& info,
                 Part part, std::vector<image::PageRun>& runs) {
    const auto size = static_cast<uint64_t>(info.st_size);
    KnownContent* known = context_.tracks == nullptr
                              ? nullptr
                              : context_.tracks->captured({info.st_dev, info.st_ino}, size);
    if (known != nullptr && part == Part::frozen) context_.tracks->know_frozen(*known, name, info);
    if (known != nullptr && known->stamp == FileStamp::of(info)) {
      runs = known->pages.runs();
      return {};
    }
    UniqueFd fd = TRY(open_file(path, O_RDONLY | O_NOFOLLOW | O_NOATIME));
    if (known != nullptr) known->stamp = FileStamp::take(fd.get());
    return context_.pages.add_file(std::move(fd), path, size, runs, known);
  }

  CaptureContext& context_;
  std::map<CaptureContext::Identity, int> seen_;
};

class Restore {
 public:
  using Hides = std::function<Result<bool>(const std::string& name)>;

  Restore(const image::ImageT& image, const image::PagesReader& pages)
      : image_(image), pages_(pages) {}

  // Files of the image under `prefix` go below `folder`.
  Result<> fill(const std::string& prefix, const std::string& folder, const Hides& hides) {
    for (const auto& file : image_.private_files) {
      if (!file->path.starts_with(prefix)) continue;
      if (is_whiteout(first_name(*file)) && hides &&
          !TRY(hides(file->path.substr(prefix.size())))) {
        left_out_.insert(file.get());
        continue;
      }
      if (file->path.find("/../") != std::string::npos || file->path.ends_with("/.."))
        return Error(ErrorClass::corrupt, "the image holds a file named " + file->path);
      std::string path = folder + "/" + file->path.substr(prefix.size());
      TRY(make(*file, path, prefix, folder).within(path));
    }
    // Times last: making what is in a folder changes the folder's.
    for (auto file = image_.private_files.rbegin(); file != image_.private_files.rend(); ++file) {
      if (!(*file)->path.starts_with(prefix) || left_out_.contains(file->get())) continue;
      timespec times[2] = {{0, UTIME_OMIT}, from_time(*(*file)->mtime)};
      std::string path = folder + "/" + (*file)->path.substr(prefix.size());
      if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
        return Error::from_errno(errno, "utimensat " + path);
    }
    return {};
  }

 private:
  // Under which it has been written down what it is.
  const image::PrivateFileT& first_name(const image::PrivateFileT& file) const {
    return file.same_as < 0 ? file : *image_.private_files[static_cast<size_t>(file.same_as)];
  }

  // An overlay's mark that there is nothing. All of a layer may be one file.
  static bool is_whiteout(const image::PrivateFileT& file) {
    return S_ISCHR(file.mode) && file.rdev == 0;
  }

  Result<> make(const image::PrivateFileT& named, const std::string& path,
                const std::string& prefix, const std::string& folder) {
    const image::PrivateFileT& file = first_name(named);
    if (&file != &named && !is_whiteout(file)) {
      std::string target = folder + "/" + file.path.substr(prefix.size());
      TRY_SYS(::link(target.c_str(), path.c_str()));
      return {};
    }
    if (S_ISDIR(file.mode)) {
      if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return Error::from_errno(errno, "mkdir");
    } else if (S_ISLNK(file.mode)) {
      TRY_SYS(::symlink(file.link.c_str(), path.c_str()));
    } else if (S_ISREG(file.mode)) {
      TRY(make_file(file, path));
    } else {
      TRY_SYS(::mknod(path.c_str(), file.mode, static_cast<dev_t>(file.rdev)));
    }
    TRY_SYS(::lchown(path.c_str(), file.uid, file.gid));
    if (!S_ISLNK(file.mode)) TRY_SYS(::chmod(path.c_str(), file.mode & 07777));
    return put_attributes(path, file.attributes);
  }

  Result<> make_file(const image::PrivateFileT& file, const std::string& path) {
    UniqueFd fd = TRY(open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
    if (file.ghost < 0) return {};
    const image::GhostT& ghost = *image_.ghosts[static_cast<size_t>(file.ghost)];
    for (const image::PageRun& run : ghost.pages)
      TRY(pages_.copy_to(fd.get(), run.offset(), run.length(), run.address()));
    TRY_SYS(::ftruncate(fd.get(), static_cast<off_t>(ghost.size)));
    return {};
  }

  const image::ImageT& image_;
  const image::PagesReader& pages_;
  std::set<const image::PrivateFileT*> left_out_;
};

}  // namespace

Result<> capture_files(CaptureContext& context, const std::string& folder,
                       const std::string& prefix, std::span<const std::string_view> without) {
  return Capture(context).walk(folder, prefix, without);
}

Result<> capture_layer(CaptureContext& context, const std::string& own, const std::string& frozen,
                       const std::string& prefix) {
  return Capture(context).walk_layer(own, frozen, prefix);
}

Result<std::unique_ptr<image::PrivateFileT>> capture_folder(const std::string& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return Error::from_errno(errno, "stat " + folder);
  auto file = std::make_unique<image::PrivateFileT>();
  file->mode = info.st_mode;
  file->uid = info.st_uid;
  file->gid = info.st_gid;
  file->mtime = std::make_unique<image::Time>(to_time(info.st_mtim));
  file->attributes = TRY(attributes_of(folder));
  return file;
}

Result<> restore_files(const image::ImageT& image, const image::PagesReader& pages,
                       const std::string& prefix, const std::string& folder,
                       const std::function<Result<bool>(const std::string& name)>& hides) {
  return Restore(image, pages).fill(prefix, folder, hides);
}

Result<> restore_folder(const image::PrivateFileT& record, const std::string& folder) {
  TRY_SYS(::chown(folder.c_str(), record.uid, record.gid));
  TRY_SYS(::chmod(folder.c_str(), record.mode & 07777));
  TRY(put_attributes(folder, record.attributes));
  const timespec times[2] = {{0, UTIME_OMIT}, from_time(*record.mtime)};
  TRY_SYS(::utimensat(AT_FDCWD, folder.c_str(), times, 0));
  return {};
}

}  // namespace appshot
