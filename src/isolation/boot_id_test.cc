#include "isolation/boot_id.h"

#include <gtest/gtest.h>

#include <regex>

#include "os/file.h"

namespace appshot {
namespace {

TEST(BootId, IsWrittenAsTheKernelWritesIt) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  const std::string kernel = read_file("/proc/sys/kernel/random/boot_id").value_or("");
  EXPECT_TRUE(std::regex_match(kernel.substr(0, kernel.find('\n')), form)) << kernel;
  EXPECT_TRUE(std::regex_match(new_boot_id(), form)) << new_boot_id();
}

TEST(BootId, IsAnotherEachTime) { EXPECT_NE(new_boot_id(), new_boot_id()); }

}  // namespace
}  // namespace appshot
