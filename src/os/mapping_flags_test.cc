#include "os/mapping_flags.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace appshot {
namespace {

// We who look at ourselves change meanwhile.
constexpr int kTriesMax = 100;

TEST(MappingFlags, AreAsInSmapsWithoutReadingIt) {
  constexpr size_t kLength = 1 << 20;
  void* memory =
      ::mmap(nullptr, kLength, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(::madvise(memory, kLength / 2, MADV_DONTFORK), 0);
  proc::ProcessDir self = proc::ProcessDir::open(HostPid{::getpid()}).value();
  MappingFlags flags;
  if (Result<> learnt = flags.learn(self); !learnt) {
    GTEST_SKIP() << learnt.error().message();
  }
  std::optional<std::vector<proc::Mapping>> fast;
  for (int tries = 0; !fast && tries < kTriesMax; ++tries)
    if (flags.learn(self)) fast = flags.mappings(self);
  ASSERT_TRUE(fast);
  // Our own map changes while we look; what we have made ourselves does not.
  std::map<uint64_t, uint64_t> expected;
  const std::vector<proc::Mapping> slow = self.mappings().value();
  for (const proc::Mapping& mapping : slow) expected[mapping.start] = mapping.vm_flags;
  size_t compared = 0;
  for (const proc::Mapping& mapping : *fast) {
    if (!expected.contains(mapping.start) || mapping.name == "[vsyscall]") continue;
    EXPECT_EQ(mapping.vm_flags, expected[mapping.start]) << mapping.name;
    ++compared;
  }
  EXPECT_GT(compared, 5u);
  const auto start = reinterpret_cast<uint64_t>(memory);
  for (const proc::Mapping& mapping : *fast)
    if (mapping.start == start) {
      EXPECT_NE(mapping.vm_flags & proc::VmFlag::kDontFork, 0u);
    }

  // A flag that nobody has told the meaning of: not known, rather than guessed.
  ASSERT_EQ(::mlock2(memory, kLength / 4, 0), 0);
  ASSERT_EQ(::madvise(memory, kLength / 4, MADV_DONTDUMP), 0);
  EXPECT_FALSE(flags.mappings(self));
  bool known = false;
  for (int tries = 0; !known && tries < kTriesMax; ++tries)
    known = flags.learn(self) && flags.mappings(self);
  EXPECT_TRUE(known);
  ::munmap(memory, kLength);
}

}  // namespace
}  // namespace appshot
