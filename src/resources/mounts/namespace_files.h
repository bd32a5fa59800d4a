// Mounts that stand for namespaces or show one: a file by which a namespace is kept (nsfs, as `ip
// netns add` makes it), and the devices of a network (sysfs).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "resources/mounts/seen_mounts.h"

namespace appshot::mounts {

bool is_namespace_file(const proc::Mount& mount);
// "net" …
std::string kind_of_namespace(const proc::Mount& mount);
// In words that follow "the application has mounted a file system (nsfs) on …, ".
std::string why_namespace_not_kept(const SeenSpace& space, const proc::Mount& mount);

// What leads to the network whose devices that file system shows; nothing: nobody lives there.
std::optional<std::string> network_shown(dev_t sysfs, const std::vector<ProcessSource>& processes);

}  // namespace appshot::mounts
