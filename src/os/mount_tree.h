// A mount that is not yet anywhere: a copy of what is seen through a descriptor, to be put where it
// shall be seen as well.
#pragma once

#include "base/result.h"
#include "os/unique_fd.h"

namespace appshot {

Result<UniqueFd> copy_mount(int of);   // without what is mounted below it
Result<UniqueFd> copy_mounts(int of);  // with it
Result<> make_read_only(int mount);    // with all below it
// Who is root in that user namespace is, of its files, who is root on disk, and so all others. Not
// every file system can do that (class unsupported).
Result<> map_ids(int mount, int users);
// And nothing of it is a device, or gives other rights to who runs it.
Result<> make_safe_and_read_only(int mount);
Result<> attach_mount(int mount, int where);

}  // namespace appshot
