// Who a program runs as: "uid[:gid]" or "name[:group]", looked up in the instance's own /etc.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace appshot {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string home = "/";
};

// The files are read as text: the name service would need a dynamic loader, and the host's answer.
Result<User> resolve_user(const std::string& text, std::string_view passwd, std::string_view group);
Result<User> resolve_user(const std::string& text);  // from /etc/passwd and /etc/group

Result<> become_user(const User& user);

}  // namespace appshot
