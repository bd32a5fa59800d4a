// The stages of a restore at which everyone waits for everyone, and the tags by which a failed call
// tells what it was for.
#pragma once

#include <cstdint>

namespace appshot {

enum Stage : uint32_t {
  kStageTree = 1,     // every process exists
  kStageGroups = 2,   // every process is in its group, the dead are dead
  kStageMemory = 3,   // memory is in place; of what is missing the kernel can tell
  kStageThreads = 4,  // every thread exists
  kStageTraced = 5,   // the harness holds every thread: filters cannot bite any more
  kStageReady = 6,    // nothing is left but to give every thread its registers
  kStageBorn = 7,     // the same of those for whom others wait in vfork: see born_late.h
};

enum Tag : uint32_t {
  kTagMemory,
  kTagLocks,
  kTagThread,
  kTagTimers,
  kTagSignals,
  kTagSeccomp,
  kTagScheduling,
  kTagLimits,
  kTagCredentials,
  kTagAttributes,
  kTagBarrier,
  kTagFiles,
  kTagSemaphores,
};

inline const char* tag_words(uint32_t tag) {
  constexpr const char* kWords[] = {"memory",
                                    "file locks",
                                    "threads",
                                    "timers",
                                    "signals",
                                    "seccomp filters",
                                    "scheduling",
                                    "limits",
                                    "credentials",
                                    "attributes",
                                    "waiting for the others",
                                    "open files",
                                    "semaphores"};
  return tag < sizeof kWords / sizeof kWords[0] ? kWords[tag] : "an unknown step";
}

}  // namespace appshot
