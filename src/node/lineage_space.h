// The room of what a removed snapshot alone has needed, in files that others share with it.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <utility>

#include "api/paths.h"

namespace appshot {

using PagesFiles = std::set<std::pair<dev_t, ino_t>>;

// Of an image's folder those that others have as well.
PagesFiles shared_pages(const std::string& folder);

// When its folder is gone. Where somebody reads or a snapshot is being taken nothing is given back:
// the next removal does.
void give_back_room(const Paths& paths, const PagesFiles& files);

}  // namespace appshot
