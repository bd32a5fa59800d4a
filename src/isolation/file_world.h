// What an instance sees as its files: the host's or those of an environment, each file system under
// a private layer, with /proc, /dev, /dev/shm, /dev/mqueue and /run/appshot of its own; then what
// rules make public or lead elsewhere. Built in the instance's own mount namespace by its init.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "isolation/fresh_identity.h"
#include "isolation/hidden.h"
#include "isolation/own_users.h"
#include "isolation/public_path.h"
#include "isolation/redirection.h"
#include "isolation/share.h"

namespace appshot {

struct FileWorld {
  Share share;
  std::string root;    // empty folder on which the new root is assembled
  std::string layers;  // one folder for each private layer; lives as long as the instance
  std::string frozen;  // the same of the template it was made from, never changed; empty: none
  std::string info;    // becomes /run/appshot, read-only
  Hidden hidden;
  // Between the private layers and what lies below: folders of layers, lowest first.
  std::vector<std::string> environment;
  bool own_root = false;  // nothing of the host lies below: the environment is whole
  std::vector<PublicPath> public_paths;
  std::vector<Redirection> redirections;
  // For those that begin as a copy: it is made by root inside.
  std::function<Result<>(const OwnUsers& users, const std::string& from, const std::string& to)>
      copy_folder;
  OwnUsers users;
  bool privileged = false;  // may change what /sys tells, where that is the host's
  bool is_clone = false;    // what tells hosts apart is given to it anew

  // CLONE_NEW… that its init begins with; the others it finds there.
  uint64_t namespaces() const;
};

// What every new instance has in its /dev.
std::span<const std::string_view> names_in_dev();

// Call in a fresh mount namespace; the caller's root is the instance's afterwards. What a clone has
// lost by that, and is to be made for it, is returned.
Result<std::vector<HostKey>> enter_file_world(const FileWorld& world);

}  // namespace appshot
