// What a UNIX socket is called: its address, and the file that its address made.
#pragma once

#include <string>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/unique_fd.h"
#include "resources/capture_context.h"

namespace appshot::unix_sockets {

using Name = std::vector<uint8_t>;  // sun_path, as many bytes as were given

inline bool is_path(const Name& name) { return !name.empty() && name.front() != 0; }

// Its own, its file's and its peer's.
Result<> capture_names(const CaptureContext& context, int socket, image::UnixSocketT& into);

// Binds it to the name, and puts the file where it was: `file` is nullptr for one that is nowhere
// any more.
struct BoundFile {
  const image::FileNameT* file = nullptr;
  std::string root = {};  // in front of its path
  uid_t uid = 0;
  gid_t gid = 0;
};
Result<> bind_to(int socket, const Name& name, const BoundFile& where);

// A path behind which its file is found for as long as it lives, wherever that is.
struct Reach {
  UniqueFd file;  // keeps the way open
  Name name;
};
Result<Reach> reach(int bound_socket, const Name& name);

Result<> connect_to(int socket, const Name& name);

}  // namespace appshot::unix_sockets
