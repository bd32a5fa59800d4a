// A folder in which entries become files. Every path is resolved anew from its root, following no
// symbolic link (os/in_root); what is made is made in its parent, by its last name alone.
//
// Uses the working directory, because some calls take no descriptor of a parent: so for a process
// of one thread, in a place where nobody else changes files (jail.h).
#pragma once

#include <sys/stat.h>

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"
#include "packing/budget.h"
#include "packing/entry.h"
#include "packing/streams.h"

namespace appshot::packing {

class Tree {
 public:
  // The budget outlives it.
  Tree(UniqueFd root, Budget& budget);

  // Puts a file's content into it; `fd` is new, empty, and cannot be read.
  using Fill = std::function<Result<>(int fd)>;
  // Makes what is not there yet, in a folder that is. A file is filled before it gets its time.
  Result<> make(const Entry& entry, const Fill& fill = nullptr);
  // Of a folder that is there already: it becomes as the entry says.
  Result<> set_attributes(const Entry& entry);
  Result<> mark_opaque(const std::string& path);

  // Without following the last name; absent when there is none. An error where a parent is none.
  Result<std::optional<struct stat>> look(const std::string& path);
  // Whether what was made of an entry is as that says, which a file system may not be able to keep
  // (times), and which what goes together may contradict (modes and lists of access).
  Result<bool> is_as_told(const Entry& entry);
  Result<std::vector<std::string>> names_in(const std::string& folder);
  Result<std::map<std::string, std::string>> xattrs_of_folder(const std::string& path);
  // Of a folder that was looked at: the time it was made with, which it does not have yet.
  Time time_of_folder(const struct stat& info) const;
  Result<> remove(const std::string& path);  // with all that is in it

  // Folders get their times now, when nothing comes into them any more, and everything is brought
  // to the disk. The last call.
  Result<> finish();

 private:
  // The working directory becomes the parent; the last name is returned ("." for the root).
  Result<std::string> enter_parent(const std::string& path);
  Result<> make_here(const std::string& name, const Entry& entry, const Fill& fill);
  Result<> link_here(const std::string& name, const Entry& entry);
  Result<> attributes_here(const std::string& name, const Entry& entry);

  UniqueFd root_;
  Budget& budget_;
  std::string parent_path_;
  UniqueFd parent_;  // of parent_path_, once something was looked for there
  bool default_acls_ = false;
  std::unordered_map<ino_t, Time> folder_times_;  // by number, as names would take more memory
};

// The content of the reader's current entry, holes left out.
Result<> write_content(int fd, const Entry& entry, Source& content);

}  // namespace appshot::packing
