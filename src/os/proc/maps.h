// /proc/PID/smaps: the memory map with everything that shows of each mapping.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace appshot::proc {

// One bit for each two-letter flag of smaps' VmFlags line that a restore cares about.
enum VmFlag : uint64_t {
  kRead = 1 << 0,               // rd
  kWrite = 1 << 1,              // wr
  kExec = 1 << 2,               // ex
  kShared = 1 << 3,             // sh
  kMayWrite = 1 << 4,           // mw
  kGrowsDown = 1 << 5,          // gd
  kPfn = 1 << 6,                // pf
  kLocked = 1 << 7,             // lo
  kLockOnFault = 1 << 8,        // lf
  kIo = 1 << 9,                 // io
  kSequential = 1 << 10,        // sr
  kRandom = 1 << 11,            // rr
  kDontFork = 1 << 12,          // dc
  kDontExpand = 1 << 13,        // de
  kAccount = 1 << 14,           // ac
  kNoReserve = 1 << 15,         // nr
  kHugeTlb = 1 << 16,           // ht
  kSync = 1 << 17,              // sf
  kWipeOnFork = 1 << 18,        // wf
  kDontDump = 1 << 19,          // dd
  kHugePage = 1 << 20,          // hg
  kNoHugePage = 1 << 21,        // nh
  kMergeable = 1 << 22,         // mg
  kUffdMissing = 1 << 23,       // um
  kUffdWriteProtect = 1 << 24,  // uw
  kUffdMinor = 1 << 25,         // ui
  kSealed = 1 << 26,            // sl
  kDroppable = 1 << 27,         // dp
  kShadowStack = 1 << 28,       // ss
  kMixedMap = 1 << 29,          // mm
  kMayRead = 1 << 30,           // mr
  kMayExec = 1ULL << 31,        // me
  kGuard = 1ULL << 32,          // gu
};

struct Mapping {
  uint64_t start = 0;
  uint64_t end = 0;
  bool readable = false, writable = false, executable = false, shared = false;
  uint64_t offset = 0;
  uint32_t device_major = 0, device_minor = 0;
  uint64_t inode = 0;
  std::string name;       // path, [heap], [vdso] …; as the kernel prints it
  uint64_t vm_flags = 0;  // VmFlag
  uint64_t anonymous_bytes = 0;
  uint64_t swapped_bytes = 0;
  uint64_t huge_bytes = 0;
  uint64_t hugetlb_page = 0;
  std::string unknown_flags;  // two-letter flags this version knows nothing of

  uint64_t length() const { return end - start; }
};

// /proc/PID/maps is the same without the fields.
Result<std::vector<Mapping>> parse_smaps(std::string_view text);

}  // namespace appshot::proc
