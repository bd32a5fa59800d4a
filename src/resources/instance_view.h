// What the engine must know of an instance from outside: where its world is, and which of the
// things its processes hold are the harness's ends of streams.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "isolation/share.h"
#include "os/cgroup.h"
#include "os/kernel_view.h"
#include "os/mapping_flags.h"
#include "os/pids.h"
#include "os/unique_fd.h"
#include "resources/empty_messages.h"
#include "resources/memory_tracks.h"
#include "trace/remote_memory.h"

namespace appshot {

namespace networks {
struct Known;
}

// A pipe or terminal whose other end the harness holds.
struct StreamIdentity {
  std::string name;  // "stdin", "stdout", "stderr"
  dev_t device = 0;
  ino_t inode = 0;
};

struct InstanceView {
  std::string aid;
  Share share;
  HostPid init;
  std::string root;    // "/proc/INIT/root": paths of the instance, from here
  std::string layers;  // the private layers, one folder a file system; empty with --share fs
  std::string frozen;  // the same of the template it was made from, below them; empty: none
  std::string mounts;  // mountinfo of when it was made
  UniqueFd proc;       // the instance's own /proc, opened when the instance was made
  const Cgroup* application = nullptr;
  std::vector<StreamIdentity> streams;
  int terminal = -1;  // master of the instance's terminal, borrowed; -1: none
  int terminal_index = -1;
  SeenQueues* seen_queues = nullptr;                     // by earlier snapshots of it
  std::optional<KernelLayout>* kernel_layout = nullptr;  // kept from one to the next
  MemoryTracks* tracks = nullptr;                        // the same
  MappingFlags* mapping_flags = nullptr;                 // the same
  RemoteMemory::Shared shared_memory = {};               // what becomes of it when it is read
  networks::Known* own_network = nullptr;                // nullptr: nothing
};

}  // namespace appshot
