// Writes down, for every thread of an image, the calls by which it becomes itself again.
#pragma once

#include <map>

#include "base/result.h"
#include "image/schema/values.h"
#include "os/proc/maps.h"
#include "resources/births.h"
#include "restore/file_mappings.h"
#include "restore/late_files.h"
#include "restore/lazy_memory.h"
#include "restore/memory_layout.h"
#include "restore/own_parts.h"
#include "restore/zone.h"

namespace appshot {

// In front of the program's file, at which number a process that enters a user namespace has it.
inline int user_space_descriptor(int exe_fd) { return exe_fd - 1; }

struct Script {
  // By process id: where it is told, in the zone, that who was made early is in the stub
  // (made_early.h).
  std::map<int, uint64_t> told;
  std::map<int, StubTask*> leaders;    // by process id: what each process enters the stub with
  std::map<int, StubTask*> born_late;  // the same of those who are born last: see born_late.h
};

// `ours`: the memory map of the process whose forks will run it. `exe_fd`: the descriptor at which
// each of them will have its program's file, with those of its mapped files behind it.
Result<Script> write_script(const image::ImageT& image, const MemoryLayout& layout,
                            const std::vector<proc::Mapping>& ours, int exe_fd,
                            const FileMappings& files, const LazyMemory& lazy,
                            const LateFiles& late, const OwnParts& own_parts, const Births& births,
                            Zone& zone);

// How much of the zone an image needs.
uint64_t zone_bytes_for(const image::ImageT& image);

}  // namespace appshot
