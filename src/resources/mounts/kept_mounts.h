// Which mounts can be kept: what a restore will find again in a new instance, and what it can make
// again.
#pragma once

#include <string>

#include "resources/mounts/seen_mounts.h"

namespace appshot::mounts {

// Each is empty when nothing is in the way, else words that follow "…, ".

// Of what is mounted from a file system of the instance itself, seen there at `place`.
std::string why_not_found_again(const proc::Mount& place, const proc::Mount& mount);
// Of a file system that the application has made.
std::string why_not_made_again(const proc::Mount& mount, const SeenFileSystem& system);
// Of the place it is mounted on, in a file system of the instance itself.
std::string why_not_mounted_there(const proc::Mount& place, const proc::Mount& parent,
                                  const proc::Mount& mount);

bool is_known_group(const SeenMounts& seen, int group);

// What a mount shows, from the root of what `from` shows: "" or "a/b".
std::string root_below(const proc::Mount& from, const proc::Mount& mount);

// File systems whose files are captured.
bool holds_files(const std::string& type);

}  // namespace appshot::mounts
