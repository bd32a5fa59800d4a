#include "os/proc/maps.h"

#include <gtest/gtest.h>

namespace appshot::proc {
namespace {

constexpr char kFields[] =
    "Size:                  4 kB\n"
    "KernelPageSize:        4 kB\n"
    "MMUPageSize:           4 kB\n"
    "Rss:                   4 kB\n"
    "Anonymous:             8 kB\n"
    "AnonHugePages:      2048 kB\n"
    "THPeligible:           0\n";

Mapping only(const std::string& text) {
  Result<std::vector<Mapping>> mappings = parse_smaps(text);
  EXPECT_TRUE(mappings);
  EXPECT_EQ(mappings->size(), 1u);
  return mappings->front();
}

TEST(Smaps, ReadsAFileMapping) {
  Mapping mapping = only(
      "55d0c8a00000-55d0c8a02000 r-xp 00003000 fe:01 1835010                    /usr/bin/cat\n" +
      std::string(kFields) + "VmFlags: rd ex mr mw me dw sd \n");
  EXPECT_EQ(mapping.start, 0x55d0c8a00000u);
  EXPECT_EQ(mapping.end, 0x55d0c8a02000u);
  EXPECT_EQ(mapping.length(), 0x2000u);
  EXPECT_TRUE(mapping.readable);
  EXPECT_FALSE(mapping.writable);
  EXPECT_TRUE(mapping.executable);
  EXPECT_FALSE(mapping.shared);
  EXPECT_EQ(mapping.offset, 0x3000u);
  EXPECT_EQ(mapping.device_major, 0xfeu);
  EXPECT_EQ(mapping.device_minor, 1u);
  EXPECT_EQ(mapping.inode, 1835010u);
  EXPECT_EQ(mapping.name, "/usr/bin/cat");
  EXPECT_EQ(mapping.anonymous_bytes, 8192u);
  EXPECT_EQ(mapping.huge_bytes, 2u << 20);
  EXPECT_EQ(mapping.hugetlb_page, 4096u);
  EXPECT_EQ(mapping.vm_flags, uint64_t{kRead | kExec | kMayRead | kMayWrite | kMayExec});
  EXPECT_EQ(mapping.unknown_flags, "dw ");
}

TEST(Smaps, NamesMayHoldAnything) {
  const std::string head = "7f0000000000-7f0000001000 rw-s 00000000 00:01 7 ";
  EXPECT_EQ(only(head + "         /tmp/a b  c (deleted)\n").name, "/tmp/a b  c (deleted)");
  EXPECT_EQ(only(head + "/tmp/two\\012lines\n").name, "/tmp/two\nlines");
  EXPECT_EQ(only(head + "/tmp/back\\134slash\n").name, "/tmp/back\\slash");
  EXPECT_EQ(only(head + "/tmp/Size: 4 kB\n").name, "/tmp/Size: 4 kB");
  EXPECT_EQ(only(head + "/memfd:[heap] (deleted)\n").name, "/memfd:[heap] (deleted)");
  EXPECT_EQ(only(head + "/SYSV0000002a (deleted)\n").name, "/SYSV0000002a (deleted)");
  EXPECT_EQ(only(head + "/tmp/\xff\xfe\n").name, "/tmp/\xff\xfe");
  EXPECT_TRUE(only(head + "/x\n").shared);
}

TEST(Smaps, MappingsWithoutAName) {
  Mapping mapping = only("7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n");
  EXPECT_EQ(mapping.name, "");
  EXPECT_FALSE(mapping.readable);
  EXPECT_EQ(mapping.inode, 0u);
  EXPECT_EQ(
      only("7f0000000000-7f0000001000 rw-p 00000000 00:00 0                   [anon:a b]\n").name,
      "[anon:a b]");
}

TEST(Smaps, TheHighestMappingAndTheLargestInode) {
  Mapping mapping = only(
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 18446744073709551615      "
      "[vsyscall]\n");
  EXPECT_EQ(mapping.end, 0xffffffffff601000u);
  EXPECT_EQ(mapping.inode, ~uint64_t{0});
  EXPECT_EQ(mapping.name, "[vsyscall]");
}

TEST(Smaps, KnowsFlagsAndKeepsUnknownOnes) {
  Mapping mapping = only("1000-2000 rw-p 00000000 00:00 0 \nVmFlags: gd lo wf dc gu zz yy \n");
  EXPECT_EQ(mapping.vm_flags, uint64_t{kGrowsDown | kLocked | kWipeOnFork | kDontFork} | kGuard);
  EXPECT_EQ(mapping.unknown_flags, "zz yy ");
}

TEST(Smaps, SeveralMappingsKeepTheirOwnFields) {
  Result<std::vector<Mapping>> mappings = parse_smaps(
      "1000-2000 rw-p 00000000 00:00 0 \nAnonymous:          4 kB\nVmFlags: rd wr \n"
      "2000-3000 r--p 00000000 00:00 0 \nAnonymous:          0 kB\nVmFlags: rd \n");
  ASSERT_TRUE(mappings);
  ASSERT_EQ(mappings->size(), 2u);
  EXPECT_EQ(mappings->at(0).anonymous_bytes, 4096u);
  EXPECT_EQ(mappings->at(1).anonymous_bytes, 0u);
  EXPECT_EQ(mappings->at(1).vm_flags, uint64_t{kRead});
}

TEST(Smaps, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {"nonsense\n", "1000 2000 rw-p\n", "1000-2000 rw-p\n",
                           "1000-2000 rw-p 0 00:00\n", "Size: 4 kB\n", "1000-2000\n", "1000-\n"}) {
    Result<std::vector<Mapping>> mappings = parse_smaps(text);
    ASSERT_FALSE(mappings) << text;
    EXPECT_EQ(mappings.error().cls(), ErrorClass::corrupt);
  }
  EXPECT_TRUE(parse_smaps(""));
}

}  // namespace
}  // namespace appshot::proc
