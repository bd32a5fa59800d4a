#include "isolation/redirection.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>

#include "isolation/needed_places.h"
#include "os/file.h"
#include "os/in_root.h"
#include "os/mount_tree.h"

namespace appshot {
namespace {

struct Lead {
  const Redirection* redirection;
  UniqueFd mount;  // none: a link that leads nowhere yet
  PlaceKind kind = PlaceKind::folder;
};

std::string name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }
std::string parent_of(const std::string& path) {
  return path.substr(0, std::max<size_t>(path.find_last_of('/'), 1));
}

std::string path_of(const UniqueFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

// What lies at the path begins to lie at the other place, too.
Result<UniqueFd> make_target(int root, const Redirection& redirection,
                             const CopyFolder& copy_folder) {
  const Result<UniqueFd> original = open_original(root, redirection);
  if (!redirection.copy || !original)
    return make_place_in_root(root, redirection.to,
                              is_needed_as_file(redirection) ? PlaceKind::file : PlaceKind::folder);
  struct stat info {};
  TRY_SYS(::fstat(original->get(), &info));
  const UniqueFd parent =
      TRY(make_place_in_root(root, parent_of(redirection.to), PlaceKind::folder));
  const std::string name = name_of(redirection.to);
  if (S_ISREG(info.st_mode)) {
    TRY(copy_file_into(*original, parent.get(), name).within("copy " + redirection.path));
  } else if (S_ISDIR(info.st_mode)) {
    // By names that another process finds as well, in a mount namespace that is a copy of ours.
    TRY(copy_folder(TRY(read_link(path_of(*original))),
                    TRY(read_link(path_of(parent))) + "/" + name));
  } else {
    return Error(ErrorClass::refused, redirection.path + " is neither a file nor a folder")
        .hint("take COPY out of the rule");
  }
  return open_in_root(root, redirection.to, O_PATH);
}

Result<Lead> follow(int root, const Redirection& redirection, const CopyFolder& copy_folder) {
  Lead lead{&redirection, UniqueFd()};
  Result<UniqueFd> target = open_in_root(root, redirection.to, O_PATH);
  const bool is_missing = !target && target.error().err() == ENOENT;
  if (is_missing && (redirection.create || redirection.copy))
    target = make_target(root, redirection, copy_folder);
  else if (is_missing && redirection.is_link && redirection.needed.empty())
    return lead;
  else if (is_missing)
    return Error(ErrorClass::not_found, redirection.to + " is not there")
        .hint("add CREATE to the rule to have it made");
  const UniqueFd there = TRY(std::move(target));
  TRY(provide_needed(root, redirection));
  struct stat info {};
  TRY_SYS(::fstat(there.get(), &info));
  lead.kind = S_ISDIR(info.st_mode) ? PlaceKind::folder : PlaceKind::file;
  lead.mount = TRY(copy_mounts(there.get()));
  if (redirection.read_only) TRY(make_read_only(lead.mount.get()));
  return lead;
}

// What it leads to may come later: then it is a plain link, which a program can read.
Result<> leave_link(int root, const Redirection& link) {
  const UniqueFd parent = TRY(make_place_in_root(root, parent_of(link.path), PlaceKind::folder));
  const std::string name = name_of(link.path);
  struct stat there {};
  if (::fstatat(parent.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISLNK(there.st_mode))
      return Error(ErrorClass::conflict, "there is something at " + link.path + ", and " + link.to +
                                             ", where it is to lead, is not there");
    TRY_SYS(::unlinkat(parent.get(), name.c_str(), 0));
  }
  TRY_SYS(::symlinkat(link.to.c_str(), parent.get(), name.c_str()));
  return {};
}

// A link of the same name is one that led nowhere in an earlier life.
Result<> put(int root, const Lead& lead) {
  const Redirection& redirection = *lead.redirection;
  if (!lead.mount) return leave_link(root, redirection);
  if (redirection.is_link) {
    const UniqueFd parent =
        TRY(make_place_in_root(root, parent_of(redirection.path), PlaceKind::folder));
    struct stat there {};
    const std::string name = name_of(redirection.path);
    if (::fstatat(parent.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(there.st_mode))
      TRY_SYS(::unlinkat(parent.get(), name.c_str(), 0));
  }
  const UniqueFd place = TRY(make_place_in_root(root, redirection.path, lead.kind));
  return attach_mount(lead.mount.get(), place.get());
}

// Or lies within what is.
bool is_redirected(const std::string& path, const std::vector<Redirection>& redirections) {
  return std::ranges::any_of(redirections, [&](const Redirection& redirection) {
    return path == redirection.path || path.starts_with(redirection.path + "/");
  });
}

}  // namespace

Result<> lead_paths(int root, const std::vector<PublicPath>& public_paths,
                    const std::vector<Redirection>& redirections, const CopyFolder& copy_folder,
                    const Hidden& hidden) {
  for (const PublicPath& shown : public_paths) TRY(show_public_path(root, shown, hidden));
  std::vector<Lead> leads;
  for (const Redirection& redirection : redirections)
    leads.push_back(TRY(follow(root, redirection, copy_folder).within(redirection.rule)));
  // What lies within another comes after it, so that both are seen: public paths, too.
  std::map<std::string, std::function<Result<>()>> by_path;
  for (const PublicPath& shown : public_paths)
    by_path[shown.path] = [&] { return show_public_path(root, shown, hidden); };
  for (const Lead& lead : leads)
    by_path[lead.redirection->path] = [&] {
      return put(root, lead).within(lead.redirection->rule);
    };
  for (const auto& [path, show] : by_path)
    if (is_redirected(path, redirections)) TRY(show());
  return {};
}

}  // namespace appshot
