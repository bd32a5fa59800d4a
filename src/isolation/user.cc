#include "isolation/user.h"

#include <grp.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "os/file.h"
#include "os/thread_ids.h"

namespace appshot {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<uint32_t> number(std::string_view text) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

}  // namespace

Result<User> resolve_user(const std::string& text, std::string_view passwd,
                          std::string_view group) {
  size_t colon = text.find(':');
  std::string_view user_part = std::string_view(text).substr(0, colon);
  std::optional<uint32_t> uid = number(user_part);
  User user;
  std::string_view name;
  bool found = false;
  for (std::string_view line : split(passwd, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() < 6) continue;
    bool matches = uid ? number(fields[2]) == uid : fields[0] == user_part;
    if (!matches || found) continue;
    found = true;
    name = fields[0];
    user.uid = number(fields[2]).value_or(0);
    user.gid = number(fields[3]).value_or(0);
    user.home = std::string(fields[5]);
  }
  if (!found && !uid)
    return Error(ErrorClass::usage, "there is no user '" + std::string(user_part) + "'")
        .hint("give a numeric uid, or a name that is in the instance's /etc/passwd");
  if (!found) user.uid = *uid;

  std::string_view group_part =
      colon == std::string::npos ? "" : std::string_view(text).substr(colon + 1);
  bool group_found = group_part.empty();
  if (std::optional<uint32_t> gid = number(group_part)) {
    user.gid = *gid;
    group_found = true;
  }
  for (std::string_view line : split(group, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() < 4) continue;
    if (!group_found && fields[0] == group_part) {
      user.gid = number(fields[2]).value_or(0);
      group_found = true;
    }
    auto members = split(fields[3], ',');
    if (!name.empty() && std::find(members.begin(), members.end(), name) != members.end())
      user.groups.push_back(number(fields[2]).value_or(0));
  }
  if (!group_found)
    return Error(ErrorClass::usage, "there is no group '" + std::string(group_part) + "'");
  if (std::find(user.groups.begin(), user.groups.end(), user.gid) == user.groups.end())
    user.groups.insert(user.groups.begin(), user.gid);
  return user;
}

Result<User> resolve_user(const std::string& text) {
  std::string passwd = read_file("/etc/passwd").value_or("");
  std::string group = read_file("/etc/group").value_or("");
  return resolve_user(text, passwd, group);
}

Result<> become_user(const User& user) {
  TRY_SYS(set_thread_groups(user.groups.size(), user.groups.data()));
  TRY_SYS(set_thread_gids(user.gid, user.gid, user.gid));
  TRY_SYS(set_thread_uids(user.uid, user.uid, user.uid));
  return {};
}

}  // namespace appshot
