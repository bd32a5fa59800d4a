#include "isolation/public_path.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "os/file.h"
#include "os/in_root.h"
#include "os/mount_tree.h"

namespace appshot {
namespace {

// Where what is shown would cover what an instance cannot do without.
bool is_taken(const std::string& path) {
  constexpr std::string_view kTaken[] = {"/", "/proc", "/sys", "/dev", "/run/appshot"};
  return std::ranges::find(kTaken, path) != std::end(kTaken);
}

Error refusal(const std::string& text, const std::string& why) {
  return Error(ErrorClass::usage, "-v " + text + ": " + why)
      .hint("-v takes HOSTPATH:PATH or HOSTPATH:PATH:ro, both absolute");
}

std::string normal(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

bool has_dots(const std::string& path) { return (path + "/").find("/../") != std::string::npos; }

}  // namespace

Result<PublicPath> parse_public_path(const std::string& text) {
  PublicPath parsed;
  std::string rest = text;
  if (rest.ends_with(":ro") || rest.ends_with(":rw")) {
    parsed.read_only = rest.ends_with(":ro");
    rest.resize(rest.size() - 3);
  }
  const size_t colon = rest.find(':');
  if (colon == std::string::npos) return refusal(text, "there is no path inside");
  parsed.from = normal(rest.substr(0, colon));
  parsed.path = normal(rest.substr(colon + 1));
  if (parsed.path.find(':') != std::string::npos) return refusal(text, "there is a ':' too many");
  if (!parsed.from.starts_with('/')) return refusal(text, "the host's path is not absolute");
  if (!parsed.path.starts_with('/')) return refusal(text, "the path inside is not absolute");
  if (has_dots(parsed.path)) return refusal(text, "the path inside has '..' in it");
  if (is_taken(parsed.path)) return refusal(text, parsed.path + " is the instance's own");
  return parsed;
}

Result<> show_public_path(int root, const PublicPath& shown, const Hidden& hidden) {
  const Result<UniqueFd> opened = open_file(shown.from, O_PATH | O_CLOEXEC);
  if (!opened && opened.error().err() == ENOENT)  // of the host, and not the program's
    return Error(ErrorClass::usage,
                 "there is no " + shown.from + " on the host to be shown at " + shown.path);
  if (!opened) return opened.error();
  const int from = opened->get();
  const std::string real = TRY(read_link("/proc/self/fd/" + std::to_string(from)));
  if (is_hidden(hidden, real))
    return Error(ErrorClass::usage, shown.from +
                                        " cannot be shown: appshot keeps there what is "
                                        "not for instances to see");
  struct stat info {};
  TRY_SYS(::fstat(from, &info));
  const UniqueFd mount = TRY(copy_mounts(from));
  if (shown.read_only) TRY(make_read_only(mount.get()));
  const PlaceKind kind = S_ISDIR(info.st_mode) ? PlaceKind::folder : PlaceKind::file;
  const UniqueFd place = TRY(make_place_in_root(root, shown.path, kind));
  TRY(attach_mount(mount.get(), place.get()).within("show " + shown.from + " at " + shown.path));
  return hide_below(root, hidden, real, shown.path);
}

}  // namespace appshot
