// A process as it is being looked at: everything about it that is read once and used by many kinds
// of resources.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/mapping_flags.h"
#include "os/pidfd.h"
#include "os/pids.h"
#include "os/proc/process_dir.h"
#include "trace/remote_memory.h"

namespace appshot {

struct DescriptorSource {
  int fd = -1;
  std::string link;     // /proc/PID/fd/N
  struct stat info {};  // of what it leads to
  proc::Fields fields;  // fdinfo
  std::string fdinfo;   // the same, as text: kinds with lines of their own parse them
  uint32_t flags() const { return static_cast<uint32_t>(proc::field_number(fields, "flags", 8)); }
  uint64_t mount() const { return proc::field_number(fields, "mnt_id"); }
};

Result<DescriptorSource> look_at_descriptor(const proc::ProcessDir& dir, int fd);

// What it has in common with who made it, its parent or another, of which it is not a thread.
struct SharedWithMaker {
  VirtualPid maker{};  // 0: its parent
  bool memory = false, descriptors = false, folders = false, actions = false;
};

struct ProcessSource {
  HostPid host;
  VirtualPid id;
  proc::ProcessDir dir;
  proc::Stat stat;
  proc::Fields status;
  std::vector<proc::Mapping> mappings;
  std::vector<DescriptorSource> descriptors;
  Pidfd pidfd;
  SharedWithMaker shared{};  // see checkpoint/shared_parts.h

  std::string words() const;  // "process 12 (nginx)"

  // Works on running processes too; then it is a picture of nearly one moment.
  // A process whose first thread has ended is looked at through one that lives.
  static Result<ProcessSource> look_at(HostPid pid, const MappingFlags* flags = nullptr);
  // The caller itself, without memory or descriptors.
  static Result<ProcessSource> ourselves();
  // Through a thread of it that is known to live.
  // With `flags` the mappings are looked at faster; see there.
  static Result<ProcessSource> look_through(HostPid thread, const MappingFlags* flags = nullptr);

  const proc::Mapping* mapping_named(std::string_view name) const;
};

}  // namespace appshot
