// A mount namespace for the time of a restore, in which every file system of an image lies whole
// and uncovered: what is mounted anywhere is a piece of one of these.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"
#include "resources/restore_context.h"

namespace appshot::mounts {

class Workshop {
 public:
  // The caller, who has one thread, is in it afterwards; made from the instance's own namespace as
  // it was when it was new.
  static Result<Workshop> build(const RestoreContext& context);

  Result<> enter() const;
  // A namespace of which nothing will be left but what is mounted on top; the caller is in it. It
  // belongs to that user namespace (Image.namespaces[]; -1: the instance's own).
  Result<UniqueFd> enter_copy(const RestoreContext& context, const image::NamespaceT& space) const;
  // A mount of a part of a file system, which is not mounted anywhere yet. The caller is here.
  static Result<UniqueFd> piece(int file_system, const std::string& root);
  // Where it itself is mounted.
  static const char* place();

 private:
  explicit Workshop(UniqueFd space) : space_(std::move(space)) {}
  UniqueFd space_;
};

// A new one, mounted nowhere yet, and without files.
Result<UniqueFd> make_file_system(const image::FileSystemT& system);
Result<> make_read_only(int mount);  // the file system

// A mount that is nowhere yet takes its place: `point` in the mount that `on` is the root of.
Result<> mount_on(int mount, int on, const std::string& point);

}  // namespace appshot::mounts
