// An instance's own layer of a file system of its world: what it changes is kept there, over what
// is frozen of the template it was made from, over the layers of its environment, over the host's
// files, none of which is ever changed.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "isolation/own_users.h"

namespace appshot {

struct LayerStack {
  std::string own;     // folder of the instance's layer; made where it is missing
  std::string frozen;  // of its template's files, in the form of an upper layer; may be missing
  std::vector<std::string> environment;  // folders of its layers, lowest first
  std::string point;                     // where in the world it is: "/", "/home"
  std::string base;                      // what lies below all; empty: nothing
  const OwnUsers& users;                 // who see all of it as theirs
};

// Whether any of these layers holds that folder.
bool any_has(const std::vector<std::string>& layers, const std::string& point);

Result<> mount_layers(const LayerStack& stack, const std::string& target);

}  // namespace appshot
