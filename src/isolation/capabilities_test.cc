#include "isolation/capabilities.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace appshot {
namespace {

using Names = std::vector<std::string>;

bool has(const Names& names, const char* name) {
  return std::ranges::find(names, name) != names.end();
}

TEST(Capabilities, TheDefaultReachesNoMachine) {
  const Names names = *choose_capabilities({}, {});
  for (const char* name : {"CHOWN", "SETUID", "NET_BIND_SERVICE", "SYS_CHROOT"})
    EXPECT_TRUE(has(names, name)) << name;
  for (const char* name : {"SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_PTRACE", "NET_ADMIN",
                           "DAC_READ_SEARCH", "SYS_TIME", "BPF", "SYSLOG"})
    EXPECT_FALSE(has(names, name)) << name;
}

TEST(Capabilities, AreAddedAndDroppedByName) {
  EXPECT_TRUE(has(*choose_capabilities({"NET_ADMIN"}, {}), "NET_ADMIN"));
  EXPECT_TRUE(has(*choose_capabilities({"cap_sys_ptrace"}, {}), "SYS_PTRACE"));
  EXPECT_FALSE(has(*choose_capabilities({}, {"CAP_NET_RAW"}), "NET_RAW"));
  EXPECT_EQ(*choose_capabilities({}, {"ALL"}), Names());
  EXPECT_EQ(*choose_capabilities({"KILL"}, {"ALL"}), Names{"KILL"});
  const Names all_but = *choose_capabilities({"ALL"}, {"SYS_ADMIN"});
  EXPECT_TRUE(has(all_but, "SYS_MODULE"));
  EXPECT_FALSE(has(all_but, "SYS_ADMIN"));
}

TEST(Capabilities, WhatIsNoneIsRefused) {
  const auto refused = choose_capabilities({"SYS_EVERYTHING"}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cls(), ErrorClass::usage);
  EXPECT_FALSE(choose_capabilities({}, {""}));
}

TEST(Capabilities, AreGivenUpForGood) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const pid_t child = ::fork();
  if (child == 0) {
    const CapabilitySet kept = capabilities_named({"KILL", "SETPCAP"});
    bool done = bound_capabilities(kept) && reduce_capabilities(kept);
    done = done && ::prctl(PR_CAPBSET_READ, CAP_KILL, 0, 0, 0) == 1;
    done = done && ::prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 0;
    ::_exit(done && ::chroot("/") != 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace appshot
