#include "isolation/needed_places.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/file.h"
#include "os/file_copy.h"
#include "os/in_root.h"

namespace appshot {
namespace {

std::string path_of(const UniqueFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }
std::string name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }
std::string parent_of(const std::string& path) {
  return path.substr(0, std::max<size_t>(path.find_last_of('/'), 1));
}

Error missing(const Redirection& redirection, const NeededPlace& needed) {
  return Error(ErrorClass::not_found, "the program has " + redirection.path + needed.below +
                                          " open, which leads to " + redirection.to + needed.below +
                                          " here, and that is not there");
}

// Owner, mode and times are those that the snapshot's has; so are those of folders on the way.
Result<> copy_needed(int root, const Redirection& redirection, const NeededPlace& needed) {
  const Result<UniqueFd> original = open_in_root(root, redirection.former + needed.below, O_PATH);
  struct stat info {};
  if (original) TRY_SYS(::fstat(original->get(), &info));
  if (!original || (info.st_mode & S_IFMT) != (needed.mode & S_IFMT))
    return missing(redirection, needed)
        .hint("nor is it at " + redirection.former + needed.below +
              " any more, where the snapshot had it: put it at either place");
  const std::string target = redirection.to + needed.below;
  const UniqueFd parent = TRY(make_place_in_root(root, parent_of(target), PlaceKind::folder));
  if (!S_ISDIR(info.st_mode)) return copy_file_into(*original, parent.get(), name_of(target));
  TRY_SYS(::mkdirat(parent.get(), name_of(target).c_str(), 0700));
  const UniqueFd made = TRY(open_at(parent.get(), name_of(target), O_RDONLY | O_DIRECTORY));
  TRY_SYS(::fchown(made.get(), info.st_uid, info.st_gid));
  TRY_SYS(::fchmod(made.get(), info.st_mode & 07777));
  return {};
}

// It is the program's own, so that what it does with it goes on: whose it was, and who may use it.
Result<> create_needed(int root, const Redirection& redirection, const NeededPlace& needed) {
  const bool folder = S_ISDIR(needed.mode);
  const UniqueFd made = TRY(make_place_in_root(root, redirection.to + needed.below,
                                               folder ? PlaceKind::folder : PlaceKind::file));
  const Result<UniqueFd> original = open_in_root(root, redirection.former + needed.below, O_PATH);
  struct stat info {};
  if (original && ::fstat(original->get(), &info) == 0)
    TRY_SYS(::chown(path_of(made).c_str(), info.st_uid, info.st_gid));
  TRY_SYS(::chmod(path_of(made).c_str(), needed.mode & 07777));
  return {};
}

}  // namespace

bool is_needed_as_file(const Redirection& redirection) {
  return std::ranges::any_of(redirection.needed, [](const NeededPlace& needed) {
    return needed.below.empty() && S_ISREG(needed.mode);
  });
}

Result<UniqueFd> open_original(int root, const Redirection& redirection) {
  if (!redirection.former.empty()) {
    Result<UniqueFd> former = open_in_root(root, redirection.former, O_PATH);
    if (former || former.error().err() != ENOENT) return former;
  }
  return open_in_root(root, redirection.path, O_PATH);
}

Result<> provide_needed(int root, const Redirection& redirection) {
  for (const NeededPlace& needed : redirection.needed) {
    const Result<UniqueFd> there = open_in_root(root, redirection.to + needed.below, O_PATH);
    if (!there && there.error().err() != ENOENT)
      return Error(there.error()).within(redirection.path + needed.below);
    if (there) {
      struct stat info {};
      TRY_SYS(::fstat(there->get(), &info));
      if ((info.st_mode & S_IFMT) == (needed.mode & S_IFMT)) continue;
      return Error(ErrorClass::conflict, "the program has " + redirection.path + needed.below +
                                             " open, and " + redirection.to + needed.below +
                                             ", where it leads here, is of another kind")
          .hint("move it away");
    }
    const bool can_be_made = S_ISREG(needed.mode) || S_ISDIR(needed.mode);
    if (redirection.copy && can_be_made)
      TRY(copy_needed(root, redirection, needed).within(redirection.path + needed.below));
    else if (redirection.create && can_be_made && !needed.is_mapped)
      TRY(create_needed(root, redirection, needed).within(redirection.path + needed.below));
    else
      return missing(redirection, needed)
          .hint(needed.is_mapped
                    ? "add COPY to the rule to have it copied, or put it there"
                    : "add COPY or CREATE to the rule to have it made, or put it there");
  }
  return {};
}

Result<> copy_file_into(const UniqueFd& original, int parent, const std::string& name) {
  const std::string drafted = name + ".appshot-copy";
  const UniqueFd from = TRY(open_file(path_of(original), O_RDONLY | O_CLOEXEC));
  if (::unlinkat(parent, drafted.c_str(), 0) != 0 && errno != ENOENT)
    return Error::from_errno(errno, "unlink " + drafted);
  const UniqueFd to = TRY(open_at(parent, drafted, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  Result<> copied = copy_file(from.get(), to.get());
  if (copied && ::renameat(parent, drafted.c_str(), parent, name.c_str()) != 0)
    copied = Error::from_errno(errno, "rename " + drafted);
  if (!copied) (void)::unlinkat(parent, drafted.c_str(), 0);
  return copied;
}

}  // namespace appshot
