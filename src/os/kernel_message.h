// One message in the queue of a UNIX socket, as the kernel keeps it: a buffer (sk_buff) whose bytes
// lie behind one another first and in pages then.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "os/kernel_pages.h"
#include "os/kernel_view.h"

namespace appshot {

struct KernelIdentity {
  // In each pid namespace that it is in, the machine's first; it may have ended.
  std::vector<pid_t> ids{};
  size_t depth() const { return ids.empty() ? 0 : ids.size() - 1; }
  // In that one; 0: it is not in it.
  pid_t id_at(size_t wanted) const { return wanted < ids.size() ? ids[wanted] : 0; }
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups{};
};

// What one send has put there, less what was taken since.
struct QueuedMessage {
  std::vector<uint8_t> data;
  std::optional<KernelIdentity> sender;  // without groups
  std::vector<uint64_t> files;           // on their way: their addresses (kernel_files.h)
};

Result<QueuedMessage> read_message(KernelView& kernel, KernelPages& pages, uint64_t buffer);

// What a struct pid says.
Result<KernelIdentity> read_pid(KernelView& kernel, uint64_t pid);

}  // namespace appshot
