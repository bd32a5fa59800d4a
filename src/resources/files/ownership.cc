#include "resources/files/ownership.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "resources/file_kind.h"

namespace appshot::files {

void plan_owners(const image::ImageT& image, const PidSpaces& spaces,
                 const image::ProcessT& process, CallList& calls, DataSpace& data) {
  for (const auto& descriptor : process.descriptors) {
    const image::OpenFileT& file = *image.open_files[static_cast<size_t>(descriptor->file)];
    if (!file.owner || is_made_late(file)) continue;
    const int id = spaces.seen_by(process, file.owner->id);
    if (id == 0) continue;  // who sees it sets it
    const f_owner_ex owner{static_cast<__pid_type>(file.owner->type), id};
    calls.add(SYS_fcntl, descriptor->fd, F_SETOWN_EX, data.put(owner));
    calls.add(SYS_fcntl, descriptor->fd, F_SETSIG, file.owner->signal);
    if ((file.flags & FASYNC) != 0) calls.add(SYS_fcntl, descriptor->fd, F_SETFL, file.flags);
  }
}

}  // namespace appshot::files
