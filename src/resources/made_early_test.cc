#include "resources/made_early.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

class MadeEarlyTest : public testing::Test {
 protected:
  MadeEarlyTest() {
    add(2, 1);
    in_memory(3, 2);
  }
  image::ProcessT& add(int pid, int parent) {
    image_.processes.push_back(std::make_unique<image::ProcessT>());
    image::ProcessT& process = *image_.processes.back();
    process.pid = pid;
    process.parent = parent;
    process.group = process.session = 2;
    return process;
  }
  image::ProcessT& in_memory(int pid, int parent) {
    image::ProcessT& process = add(pid, parent);
    process.shares_memory = true;
    return process;
  }
  bool is_early(int pid) const {
    for (const auto& process : image_.processes)
      if (process->pid == pid) return is_made_early(image_, *process);
    return false;
  }

  image::ImageT image_;
};

TEST_F(MadeEarlyTest, WhoHasNobodyIsNot) {
  in_memory(4, 3);
  EXPECT_FALSE(is_early(2) || is_early(3) || is_early(4));
}

TEST_F(MadeEarlyTest, WhoHasAChildOfItsOwnIs) {
  add(4, 3).state = image::ProcessState::zombie;
  EXPECT_TRUE(is_early(3));
}

TEST_F(MadeEarlyTest, SoIsWhoMakesOneThatIs) {
  in_memory(4, 3);
  in_memory(5, 2).maker = 4;
  image_.processes.back()->parent = 3;
  add(6, 5);
  EXPECT_TRUE(is_early(3) && is_early(4) && is_early(5));
}

TEST_F(MadeEarlyTest, WhoLeadsOthersIs) {
  image_.processes.back()->group = 3;
  add(4, 2).group = 3;
  EXPECT_TRUE(is_early(3));
}

TEST_F(MadeEarlyTest, WhoLeadsOnlyThoseThatItMakesInItsMemoryIsNot) {
  image_.processes.back()->group = 3;
  in_memory(4, 3).group = 3;
  EXPECT_FALSE(is_early(3) || is_early(4));
}

TEST_F(MadeEarlyTest, WhoIsInAnothersGroupIs) {
  add(4, 2).group = 4;
  in_memory(5, 2).group = 4;
  EXPECT_FALSE(is_early(3));
  EXPECT_TRUE(is_early(5));
}

}  // namespace
}  // namespace appshot
