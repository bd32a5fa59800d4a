// Making a user namespace. The kernel takes what it maps as a whole, once, and best from who is
// outside: so a child begins it, and lives in it until we have written its maps.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

struct UserMaps {
  std::string users, groups;  // as the kernel reads them, in terms of the caller's namespace
  bool groups_denied = false;
};

// `before` runs in the child before it begins the namespace, as whom it will belong to; it returns
// 0 or an errno.
Result<UniqueFd> make_user_namespace(const UserMaps& maps, const std::function<int()>& before = {});

}  // namespace appshot
