#include "resources/limits/limits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "os/file.h"

namespace appshot::limits {
namespace {

TEST(Limits, ReadsTheKernelsTable) {
  auto limits = parse(
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max cpu time              unlimited            unlimited            seconds   \n"
      "Max stack size            8388608              unlimited            bytes     \n"
      "Max open files            1024                 524288               files     \n"
      "Max nice priority         0                    0                    \n"
      "Max realtime timeout      18446744073709551614 unlimited            us        \n");
  ASSERT_EQ(limits.size(), 5u);
  EXPECT_EQ(limits[0]->resource, int{RLIMIT_CPU});
  EXPECT_EQ(limits[0]->soft, RLIM_INFINITY);
  EXPECT_EQ(limits[1]->resource, int{RLIMIT_STACK});
  EXPECT_EQ(limits[1]->soft, 8388608u);
  EXPECT_EQ(limits[1]->hard, RLIM_INFINITY);
  EXPECT_EQ(limits[2]->hard, 524288u);
  EXPECT_EQ(limits[3]->resource, int{RLIMIT_NICE});
  EXPECT_EQ(limits[3]->hard, 0u);
  EXPECT_EQ(limits[4]->soft, 18446744073709551614u);
}

TEST(Limits, EveryLimitOfThisKernelIsKnownAndRight) {
  auto limits = parse(read_file("/proc/self/limits").value());
  EXPECT_EQ(limits.size(), size_t{RLIM_NLIMITS});
  for (const auto& limit : limits) {
    rlimit here{};
    ASSERT_EQ(::getrlimit(static_cast<__rlimit_resource_t>(limit->resource), &here), 0);
    EXPECT_EQ(limit->soft, here.rlim_cur) << limit->resource;
    EXPECT_EQ(limit->hard, here.rlim_max) << limit->resource;
  }
}

}  // namespace
}  // namespace appshot::limits
