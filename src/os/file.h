// Whole-file reads and writes, and opening with an error that names the path.
#pragma once

#include <sys/stat.h>

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0);
Result<UniqueFd> open_at(int dir, const std::string& path, int flags, mode_t mode = 0);

// For /proc and small files: read to the end.
Result<std::string> read_whole(int fd);
Result<std::string> read_file(const std::string& path);
Result<std::string> read_file_at(int dir, const std::string& path);
// Of a file that the kernel writes as one piece: saves asking whether there is more.
Result<std::string> read_record_at(int dir, const std::string& path);
Result<std::string> read_link(const std::string& path);
Result<std::string> read_link_at(int dir, const std::string& path);

Result<> write_all(int fd, std::span<const char> bytes);
Result<> write_all_at(int fd, std::span<const char> bytes, uint64_t offset);
Result<> write_file(const std::string& path, std::string_view content, int extra_flags = 0);

Result<> make_folders(const std::string& path, mode_t mode = 0755);  // as mkdir -p
Result<> remove_tree(const std::string& path);  // stays on one file system; absent is fine
Result<std::vector<std::string>> list_folder(const std::string& path);
Result<std::vector<std::string>> list_folder_at(int dir, const std::string& path);

// What outlasts a loss of power: the content and the names of the files in a folder; the names of
// the folders in it.
Result<> sync_files(const std::string& folder);
Result<> sync_names(const std::string& folder);

// Where a name is, to be opened: "." and "/" where no other is left.
std::string folder_around(const std::string& path);

enum class Durable { later, now };
// Makes a finished folder visible in one step; for now: durable before, and its name after.
Result<> publish_folder(const std::string& partial, const std::string& final_path, Durable when);

}  // namespace appshot
