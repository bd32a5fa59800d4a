#include "rules/path.h"

#include <array>

#include "rules/quote.h"

namespace appshot::rules {
namespace {

// Each instance has its own; sockets, devices and processes are found there by everybody.
constexpr std::array<std::string_view, 4> kKept{"/proc", "/sys", "/dev", "/run/appshot"};

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

bool is_within(std::string_view path, std::string_view folder) {
  if (folder == "/") return path.starts_with('/');
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::optional<PathFault> fault_of(std::string_view path) {
  if (path.empty()) return PathFault{0, "a path cannot be empty"};
  if (path[0] != '/') return PathFault{0, "a path must be absolute: begin with /"};
  for (size_t i = 0; i < path.size(); ++i)
    if (is_control(path[i]))
      return PathFault{i,
                       "a path cannot hold the control character " + in_quotes(path.substr(i, 1))};
  for (size_t begin = 1; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    std::string_view component = path.substr(begin, end - begin);
    if (component == "." || component == "..")
      return PathFault{begin, "a path cannot hold " + in_quotes(component) +
                                  ": where it leads would depend on symbolic links"};
    begin = end + 1;
  }
  return std::nullopt;
}

std::string without_extra_slashes(std::string_view path) {
  std::string clean;
  for (char c : path)
    if (c != '/' || !clean.ends_with('/')) clean.push_back(c);
  if (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  return clean;
}

Result<std::string> normal_path(std::string_view path) {
  std::optional<PathFault> fault = fault_of(path);
  if (fault) return Error(ErrorClass::usage, in_quotes(path) + ": " + fault->what);
  std::string clean = without_extra_slashes(path);
  if (clean.size() > kPathBytesMax)
    return Error(ErrorClass::usage, in_quotes(path) + " has " + std::to_string(clean.size()) +
                                        " bytes; a path can have at most " +
                                        std::to_string(kPathBytesMax));
  return clean;
}

std::optional<std::string> fault_of_part(std::string_view value) {
  if (value.empty()) return "it is empty";
  if (value == "." || value == "..") return "that is no name";
  if (value.find('/') != std::string_view::npos) return "it holds a /";
  for (char c : value)
    if (is_control(c)) return "it holds a control character";
  return std::nullopt;
}

std::string_view kept_folder(std::string_view path) {
  if (path == "/") return path;
  for (std::string_view folder : kKept)
    if (is_within(path, folder)) return folder;
  return {};
}

std::optional<std::string> fault_of_target(std::string_view path, std::string_view target) {
  if (is_within(target, path)) return "the target lies inside " + in_quotes(path) + " itself";
  if (is_within(target, "/proc"))
    return "nothing can lead into /proc: what is there is another thing for each who looks";
  return std::nullopt;
}

}  // namespace appshot::rules
