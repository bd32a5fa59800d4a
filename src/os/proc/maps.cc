#include "os/proc/maps.h"

#include <array>
#include <charconv>

namespace appshot::proc {
namespace {

struct FlagName {
  char name[3];
  uint64_t flag;
};

// The rest of what 6.18 prints says nothing a restore must act on: ms me mr follow from the
// protection and the file, dv ar nm bt 0..3 come with the mapping's origin.
constexpr auto kFlags = std::to_array<FlagName>({
    {"rd", kRead},
    {"wr", kWrite},
    {"ex", kExec},
    {"sh", kShared},
    {"mr", kMayRead},
    {"mw", kMayWrite},
    {"me", kMayExec},
    {"ms", 0},
    {"gd", kGrowsDown},
    {"pf", kPfn},
    {"lo", kLocked},
    {"lf", kLockOnFault},
    {"io", kIo},
    {"sr", kSequential},
    {"rr", kRandom},
    {"dc", kDontFork},
    {"de", kDontExpand},
    {"ac", kAccount},
    {"nr", kNoReserve},
    {"ht", kHugeTlb},
    {"sf", kSync},
    {"wf", kWipeOnFork},
    {"dd", kDontDump},
    {"hg", kHugePage},
    {"nh", kNoHugePage},
    {"mg", kMergeable},
    {"um", kUffdMissing},
    {"uw", kUffdWriteProtect},
    {"ui", kUffdMinor},
    {"sl", kSealed},
    {"dp", kDroppable},
    {"ss", kShadowStack},
    {"mm", kMixedMap},
    {"ar", 0},
    {"nl", 0},
    {"??", 0},
    {"dv", 0},
    {"sd", 0},
    {"bt", 0},
    {"nm", 0},
    {"gu", kGuard},
    {"mt", 0},
});

// A cursor over one line; every take_* leaves it after what was taken.
struct Cursor {
  std::string_view rest;

  bool take_hex(uint64_t& value) {
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, 16);
    if (error != std::errc()) return false;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    return true;
  }
  bool take_decimal(uint64_t& value) {
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, 10);
    if (error != std::errc()) return false;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    return true;
  }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void skip_spaces() {
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  }
};

// The kernel escapes newline and backslash in names as octal.
std::string unescape(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\' && i + 3 < name.size() && name[i + 1] >= '0' && name[i + 1] <= '3') {
      out.push_back(static_cast<char>((name[i + 1] - '0') * 64 + (name[i + 2] - '0') * 8 +
                                      (name[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(name[i]);
    }
  }
  return out;
}

bool parse_head(std::string_view line, Mapping& mapping) {
  Cursor at{line};
  if (!at.take_hex(mapping.start) || !at.take('-') || !at.take_hex(mapping.end) || !at.take(' '))
    return false;
  if (at.rest.size() < 5) return false;
  mapping.readable = at.rest[0] == 'r';
  mapping.writable = at.rest[1] == 'w';
  mapping.executable = at.rest[2] == 'x';
  mapping.shared = at.rest[3] == 's';
  at.rest.remove_prefix(5);
  uint64_t major = 0, minor = 0;
  if (!at.take_hex(mapping.offset) || !at.take(' ') || !at.take_hex(major) || !at.take(':') ||
      !at.take_hex(minor) || !at.take(' ') || !at.take_decimal(mapping.inode))
    return false;
  mapping.device_major = static_cast<uint32_t>(major);
  mapping.device_minor = static_cast<uint32_t>(minor);
  at.skip_spaces();
  mapping.name = unescape(at.rest);
  return true;
}

bool take_kilobytes(std::string_view line, std::string_view key, uint64_t& bytes) {
  if (!line.starts_with(key)) return false;
  Cursor at{line.substr(key.size())};
  at.skip_spaces();
  uint64_t kilobytes = 0;
  if (at.take_decimal(kilobytes)) bytes = kilobytes * 1024;
  return true;
}

void parse_flags(std::string_view line, Mapping& mapping) {
  for (size_t at = 0; at + 1 < line.size(); at += 3) {
    std::string_view name = line.substr(at, 2);
    bool known = false;
    for (const FlagName& flag : kFlags) {
      if (name[0] != flag.name[0] || name[1] != flag.name[1]) continue;
      mapping.vm_flags |= flag.flag;
      known = true;
      break;
    }
    if (!known) mapping.unknown_flags.append(name).push_back(' ');
  }
}

// There are some twenty five for each mapping, and few matter.
void parse_field(std::string_view line, Mapping& mapping) {
  switch (line[0]) {
    case 'A':
      (void)(take_kilobytes(line, "Anonymous:", mapping.anonymous_bytes) ||
             take_kilobytes(line, "AnonHugePages:", mapping.huge_bytes));
      return;
    case 'K':
      (void)take_kilobytes(line, "KernelPageSize:", mapping.hugetlb_page);
      return;
    case 'S':
      (void)take_kilobytes(line, "Swap:", mapping.swapped_bytes);
      return;
    case 'V':
      if (line.starts_with("VmFlags: ")) parse_flags(line.substr(9), mapping);
      return;
    default:
      return;
  }
}

}  // namespace

Result<std::vector<Mapping>> parse_smaps(std::string_view text) {
  std::vector<Mapping> mappings;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    bool is_field = line[0] >= 'A' && line[0] <= 'Z';
    if (!is_field) {
      Mapping mapping;
      if (!parse_head(line, mapping))
        return Error(ErrorClass::corrupt, "smaps line not understood: " + std::string(line));
      mappings.push_back(std::move(mapping));
      continue;
    }
    if (mappings.empty()) return Error(ErrorClass::corrupt, "smaps begins with a field");
    parse_field(line, mappings.back());
  }
  return mappings;
}

}  // namespace appshot::proc
