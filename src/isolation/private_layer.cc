#include "isolation/private_layer.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolation/layer_part.h"
#include "os/file.h"
#include "os/in_root.h"
#include "os/mount_tree.h"

namespace appshot {
namespace {

// Overlay options take ':' and ',' and '\\' only escaped.
std::string escaped(const std::string& path) {
  std::string out;
  for (char c : path) {
    if (c == ':' || c == ',' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

struct Lower {
  std::string name;  // as a mount is told of it
  UniqueFd fd;
};

// By descriptor: names of many layers are longer than the options of a mount may be.
Lower by_descriptor(UniqueFd fd) {
  std::string name = "/proc/self/fd/" + std::to_string(fd.get());
  return {std::move(name), std::move(fd)};
}

// Highest first, as overlay wants them; `base` is among them, as the last.
struct Lowers {
  std::vector<Lower> folders;
  bool with_frozen = false;
  bool with_base = false;

  // Whose mode and owner those of the mount point are: frozen is only what is in it.
  const Lower& shown() const { return folders[with_frozen ? 1 : 0]; }
};

// Those that do not have that folder are left out, and what lies below one that hides it: of a
// mount that begins there overlayfs itself would not see the marks on the way.
Result<Lowers> open_lower(const LayerStack& stack) {
  Lowers lower;
  bool hidden = false;
  if (Result<UniqueFd> frozen = open_file(stack.frozen, O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    lower.folders.push_back(by_descriptor(std::move(*frozen)));
    lower.with_frozen = true;
  } else if (!stack.frozen.empty() && frozen.error().err() != ENOENT) {
    return frozen.take_error();
  }
  for (auto layer = stack.environment.rbegin(); !hidden && layer != stack.environment.rend();
       ++layer) {
    LayerPart part = TRY(part_of_layer(*layer, stack.point).within("the layer " + *layer));
    hidden = part.hides_below;
    if (part.is_folder) lower.folders.push_back(by_descriptor(std::move(part.there)));
  }
  lower.with_base = !hidden && !stack.base.empty();
  if (lower.with_base)
    lower.folders.push_back(
        {escaped(stack.base), TRY(open_file(stack.base, O_PATH | O_DIRECTORY | O_CLOEXEC))});
  if (lower.folders.size() <= (lower.with_frozen ? 1 : 0))
    return Error(ErrorClass::corrupt, "the environment has no files of its own for " + stack.point);
  return lower;
}

std::string lower_options(const std::vector<Lower>& lower) {
  std::string options = "lowerdir=";
  for (const Lower& one : lower) options += (&one == &lower.front() ? "" : ":") + one.name;
  return options;
}

// Without marks that only make sense to whoever knows the layers below: layers go elsewhere. And
// volatile: one is never used again after a crash of the machine, which ends its instance too;
// without it the end of every instance would write out all that is dirty on the host's file system.
Result<> mount_overlay(const std::string& own, const std::vector<Lower>& lower,
                       const std::string& target) {
  const std::string options = lower_options(lower) + ",upperdir=" + escaped(own + "/upper") +
                              ",workdir=" + escaped(own + "/work") +
                              ",volatile,redirect_dir=off,metacopy=off";
  if (::mount("overlay", target.c_str(), "overlay", 0, options.c_str()) == 0) return {};
  return Error::from_errno(errno, "mount overlay on " + target);
}

// Of the others in the last.
Result<bool> any_lies_in_base(const std::vector<Lower>& lower) {
  for (const Lower& one : lower)
    if (&one != &lower.back() && TRY(folder_lies_in(one.fd.get(), lower.back().fd.get())))
      return true;
  return false;
}

// Folders in memory, to mount on what is then seen only by the overlay.
class Workshop {
 public:
  explicit Workshop(const LayerStack& stack) : folder_(stack.own + "/seen") {}

  Result<std::string> place() {
    if (count_ == 0) {
      TRY(make_folders(folder_));
      TRY_SYS(::mount("seen", folder_.c_str(), "tmpfs", 0, "mode=755,size=1m"));
    }
    std::string made = folder_ + "/" + std::to_string(++count_);
    TRY(make_folders(made));
    return made;
  }

 private:
  std::string folder_;
  int count_ = 0;
};

// The same folder, seen as that instance's users see it.
Result<std::string> seen_by(const OwnUsers& users, int folder, Workshop& workshop) {
  const UniqueFd mount = TRY(copy_mount(folder));
  TRY(map_ids(mount.get(), users.space.get()));
  std::string place = TRY(workshop.place());
  TRY(attach_mount(mount.get(), TRY(open_file(place, O_PATH | O_CLOEXEC)).get()));
  return place;
}

Result<> show_to(const OwnUsers& users, std::vector<Lower>& lower, Workshop& workshop) {
  for (Lower& one : lower)
    one = by_descriptor(TRY(
        open_file(TRY(seen_by(users, one.fd.get(), workshop)), O_PATH | O_DIRECTORY | O_CLOEXEC)));
  return {};
}

// An overlay takes no layer that lies inside another, as those of an environment do that are kept
// somewhere below the host's root: then the base is seen through a mount of another file system,
// which is an overlay itself, of it and of an empty folder.
Result<Lower> seen_apart(const Lower& base, Workshop& workshop) {
  const std::string empty = TRY(workshop.place()), seen = TRY(workshop.place());
  const std::string options = "lowerdir=" + escaped(empty) + ":" + base.name;
  TRY_SYS(::mount("overlay", seen.c_str(), "overlay", MS_RDONLY, options.c_str()));
  return by_descriptor(TRY(open_file(seen, O_PATH | O_DIRECTORY | O_CLOEXEC)));
}

}  // namespace

bool any_has(const std::vector<std::string>& layers, const std::string& point) {
  for (const std::string& layer : layers)
    if (const Result<LayerPart> part = part_of_layer(layer, point); part && part->is_folder)
      return true;
  return false;
}

// It stands over the whole file system, the folder it is kept in included; what the instance finds
// there is its own view of it, so nothing of the layer can be reached by that way.
Result<> mount_layers(const LayerStack& stack, const std::string& target) {
  TRY(make_folders(stack.own + "/upper"));
  TRY(make_folders(stack.own + "/work"));
  Lowers opened = TRY(open_lower(stack));
  std::vector<Lower>& lower = opened.folders;
  // The folder's own mode and owner show as those of the mount point.
  struct stat below {};
  TRY_SYS(::fstat(opened.shown().fd.get(), &below));
  TRY_SYS(::chown((stack.own + "/upper").c_str(), below.st_uid, below.st_gid));
  TRY_SYS(::chmod((stack.own + "/upper").c_str(), below.st_mode & 07777));
  const bool apart = opened.with_base && TRY(any_lies_in_base(lower));
  Workshop workshop(stack);
  std::string own = stack.own;
  if (stack.users) {
    TRY(show_to(stack.users, lower, workshop).within("the users of " + stack.point));
    const UniqueFd folder = TRY(open_file(own, O_PATH | O_DIRECTORY | O_CLOEXEC));
    own = TRY(seen_by(stack.users, folder.get(), workshop)
                  .within("the users of its own files of " + stack.point));
  }
  if (apart)
    lower.back() = TRY(
        seen_apart(lower.back(), workshop).within("see " + stack.base + " apart from its layers"));
  const MadeByRootInside made(stack.users.root);
  return mount_overlay(own, lower, target);
}

}  // namespace appshot
