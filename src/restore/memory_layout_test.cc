#include "restore/memory_layout.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

constexpr uint64_t kUserEnd = 0x7ffffffff000;
constexpr uint64_t kHuge = 2 << 20;
constexpr uint64_t kZoneLength = 1 << 20;

class MemoryLayoutTest : public testing::Test {
 protected:
  void add_process() {
    image_.processes.push_back(std::make_unique<image::ProcessT>());
    image_.processes.back()->address_space = std::make_unique<image::AddressSpaceT>();
  }
  void add(uint64_t start, uint64_t end, image::MappingKind kind = image::MappingKind::anonymous) {
    auto mapping = std::make_unique<image::MappingT>();
    mapping->start = start;
    mapping->end = end;
    mapping->kind = kind;
    image_.processes.back()->address_space->mappings.push_back(std::move(mapping));
  }
  void add_ours(uint64_t start, uint64_t end) {
    proc::Mapping mapping;
    mapping.start = start;
    mapping.end = end;
    ours_.push_back(mapping);
  }
  Result<MemoryLayout> plan() const { return plan_layout(image_, ours_, kZoneLength); }

  // Nothing of the plan lies on anything else, or outside of what can be mapped.
  void expect_clear(const MemoryLayout& layout) const {
    struct Range {
      uint64_t start, end;
    };
    std::vector<Range> planned{{layout.zone, layout.zone + layout.zone_length}}, taken;
    for (const proc::Mapping& mapping : ours_) taken.push_back({mapping.start, mapping.end});
    for (size_t p = 0; p < image_.processes.size(); ++p) {
      const auto& mappings = image_.processes[p]->address_space->mappings;
      for (size_t m = 0; m < mappings.size(); ++m) {
        taken.push_back({mappings[m]->start, mappings[m]->end});
        if (!has_window(image_, *image_.processes[p], *mappings[m])) continue;
        uint64_t window = layout.windows[p][m];
        planned.push_back({window, window + mappings[m]->end - mappings[m]->start});
      }
    }
    for (size_t i = 0; i < planned.size(); ++i) {
      EXPECT_LE(planned[i].end, kUserEnd);
      for (const Range& other : taken)
        EXPECT_FALSE(planned[i].start < other.end && other.start < planned[i].end) << i;
      for (size_t j = 0; j < i; ++j)
        EXPECT_FALSE(planned[i].start < planned[j].end && planned[j].start < planned[i].end) << i;
    }
  }

  image::ImageT image_;
  std::vector<proc::Mapping> ours_;
};

TEST_F(MemoryLayoutTest, TheUsualPlacesAreKeptClear) {
  add_ours(0x400000, 0x500000);
  add_ours(0x7ffff7000000, 0x7ffff7200000);
  add_ours(0xffffffffff600000, 0xffffffffff601000);  // vsyscall: beyond what can be mapped
  for (int i = 0; i < 3; ++i) {
    add_process();
    add(0x555555554000, 0x555555556000);
    add(0x555555556000, 0x555555557000);
    add(0x7ffff7d00000, 0x7ffff7f00000);
    add(0x7ffff7fc0000, 0x7ffff7fc4000, image::MappingKind::vvar);
    add(0x7ffff7fc4000, 0x7ffff7fc6000, image::MappingKind::vdso);
    add(0x7ffffffde000, 0x7ffffffff000);
    add(0xffffffffff600000, 0xffffffffff601000, image::MappingKind::vsyscall);
  }
  Result<MemoryLayout> layout = plan();
  ASSERT_TRUE(layout);
  expect_clear(*layout);
}

TEST_F(MemoryLayoutTest, MappingsThatTouchHaveWindowsThatTouch) {
  add_process();
  add(0x10000000, 0x10003000);
  add(0x10003000, 0x10004000);
  add(0x10005000, 0x10006000);
  MemoryLayout layout = plan().value();
  const std::vector<uint64_t>& windows = layout.windows[0];
  EXPECT_EQ(windows[1], windows[0] + 0x3000);
  EXPECT_GT(windows[2], windows[1] + 0x1000);
}

TEST_F(MemoryLayoutTest, WindowsLieAsTheirPlacesDoWithinAHugePage) {
  add_process();
  add(0x10201000, 0x10801000);
  add(0x20000000, 0x20400000);
  MemoryLayout layout = plan().value();
  EXPECT_EQ(layout.windows[0][0] % kHuge, 0x10201000 % kHuge);
  EXPECT_EQ(layout.windows[0][1] % kHuge, 0u);
}

TEST_F(MemoryLayoutTest, TheKernelsOwnMappingsHaveNoWindow) {
  add_process();
  add(0x10000000, 0x10001000, image::MappingKind::vvar);
  add(0x10001000, 0x10002000, image::MappingKind::vdso);
  add(0xffffffffff600000, 0xffffffffff601000, image::MappingKind::vsyscall);
  EXPECT_EQ(plan().value().windows[0], (std::vector<uint64_t>{0, 0, 0}));
}

TEST_F(MemoryLayoutTest, ProcessesWithoutMemoryHaveNoWindows) {
  image_.processes.push_back(std::make_unique<image::ProcessT>());
  add_process();
  add(0x10000000, 0x10001000);
  MemoryLayout layout = plan().value();
  EXPECT_TRUE(layout.windows[0].empty());
  EXPECT_EQ(layout.windows[1].size(), 1u);
}

TEST_F(MemoryLayoutTest, MoreThanFitsIsRefused) {
  for (int i = 0; i < 3; ++i) {
    add_process();
    add(0x10000000000, 0x10000000000 + (40ULL << 40));  // 40 of 128 TiB each
  }
  Result<MemoryLayout> layout = plan();
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().cls(), ErrorClass::exhausted);
}

TEST_F(MemoryLayoutTest, AMachineFullOfUsIsRefused) {
  add_ours(0x10000, kUserEnd - 0x1000);
  add_process();
  add(0x10000000, 0x10001000);
  EXPECT_FALSE(plan());
}

TEST_F(MemoryLayoutTest, ASingleHugeReservationFits) {
  add_process();
  add(0xc000000000, 0xc000000000 + (16ULL << 40));  // what some runtimes reserve
  Result<MemoryLayout> layout = plan();
  ASSERT_TRUE(layout);
  expect_clear(*layout);
}

}  // namespace
}  // namespace appshot
