#include "restore/spawn_plan.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

constexpr int kFreeIdMax = 1000;

class SpawnPlanTest : public testing::Test {
 protected:
  // Returns the process's index.
  size_t add(int pid, int parent, int session, image::ProcessState state = {}) {
    auto process = std::make_unique<image::ProcessT>();
    process->pid = pid;
    process->parent = parent;
    process->group = process->session = session;
    process->state = state;
    image_.processes.push_back(std::move(process));
    return image_.processes.size() - 1;
  }

  SpawnPlan plan() const { return plan_spawn(image_, Births(image_), kFreeIdMax); }

  image::ImageT image_;
};

using Indexes = std::vector<size_t>;

TEST_F(SpawnPlanTest, AnOrdinaryTreeNeedsNobodyElse) {
  size_t root = add(2, 1, 2), child = add(3, 2, 2), grandchild = add(4, 3, 2),
         leader = add(5, 2, 5);
  SpawnPlan made = plan();
  EXPECT_EQ(made.nodes[1].children, Indexes{root});
  EXPECT_EQ(made.nodes[2].children, (Indexes{child, leader}));
  EXPECT_EQ(made.nodes[3].children, Indexes{grandchild});
  for (const auto& [pid, node] : made.nodes) {
    EXPECT_TRUE(node.stand_ins.empty()) << pid;
    EXPECT_TRUE(node.before_session.empty()) << pid;
  }
}

TEST_F(SpawnPlanTest, AChildOfTheSessionItsParentHasLeftIsMadeBefore) {
  add(2, 1, 2);
  add(3, 2, 3);  // called setsid after making 4
  size_t child = add(4, 3, 2);
  SpawnPlan made = plan();
  EXPECT_EQ(made.nodes[3].before_session, Indexes{child});
  EXPECT_TRUE(made.nodes[3].children.empty());
}

TEST_F(SpawnPlanTest, ASubreapersOwnChildOfTheSessionItHasLeftIsMadeBefore) {
  add(2, 1, 2);
  add(3, 2, 3);  // called setsid after making 4
  image_.processes.back()->subreaper = true;
  size_t child = add(4, 3, 2);
  SpawnPlan made = plan();
  EXPECT_EQ(made.nodes[3].before_session, Indexes{child});
  EXPECT_TRUE(made.nodes[2].stand_ins.empty());
}

TEST_F(SpawnPlanTest, AnOrphanOfADeadLeaderThatIsNotYetWaitedForIsMadeByIt) {
  add(2, 1, 2);
  add(3, 2, 3, image::ProcessState::zombie);
  size_t orphan = add(4, 1, 3);
  SpawnPlan made = plan();
  EXPECT_EQ(made.nodes[3].children, Indexes{orphan});
  for (const auto& [pid, node] : made.nodes) EXPECT_TRUE(node.stand_ins.empty()) << pid;
}

TEST_F(SpawnPlanTest, AnOrphanIsMadeByAStandInOfItsSessionsLeader) {
  add(2, 1, 2);
  size_t orphan = add(7, 1, 2);  // its parent, of session 2, is no more
  SpawnPlan made = plan();
  ASSERT_EQ(made.nodes[2].stand_ins.size(), 1u);
  const SpawnPlan::StandIn& stand_in = made.nodes[2].stand_ins[0];
  EXPECT_FALSE(stand_in.leads_session);
  EXPECT_EQ(stand_in.pid, kFreeIdMax);
  EXPECT_EQ(stand_in.children, Indexes{orphan});
}

TEST_F(SpawnPlanTest, AStandInTakesThePlaceOfADeadLeader) {
  add(2, 1, 2);
  size_t one = add(11, 1, 10), two = add(12, 1, 10);  // a daemon's: 10 has ended
  SpawnPlan made = plan();
  ASSERT_EQ(made.nodes[1].stand_ins.size(), 1u);
  const SpawnPlan::StandIn& stand_in = made.nodes[1].stand_ins[0];
  EXPECT_TRUE(stand_in.leads_session);
  EXPECT_EQ(stand_in.pid, 10);
  EXPECT_EQ(stand_in.children, (Indexes{one, two}));
}

TEST_F(SpawnPlanTest, TwoDeadLeadersHaveTwoStandIns) {
  add(11, 1, 10);
  add(21, 1, 20);
  std::vector<SpawnPlan::StandIn> stand_ins = plan().nodes[1].stand_ins;
  ASSERT_EQ(stand_ins.size(), 2u);
  EXPECT_EQ(stand_ins[0].pid, 10);
  EXPECT_EQ(stand_ins[1].pid, 20);
}

TEST_F(SpawnPlanTest, AnOrphanOfASubreaperIsMadeByAStandInBelowIt) {
  add(2, 1, 2);
  size_t reaper = add(3, 2, 3);
  image_.processes[reaper]->subreaper = true;
  add(5, 3, 5);
  size_t orphan = add(8, 3, 5);
  SpawnPlan made = plan();
  EXPECT_TRUE(made.nodes[3].before_session.empty());
  ASSERT_EQ(made.nodes[5].stand_ins.size(), 1u);
  EXPECT_EQ(made.nodes[5].stand_ins[0].children, Indexes{orphan});
}

TEST_F(SpawnPlanTest, AFreeIdIsOneThatNobodyHas) {
  add(2, 1, 2);
  add(kFreeIdMax, 2, 2);
  add(kFreeIdMax - 2, 2, kFreeIdMax - 2);
  image_.processes[1]->threads.push_back(std::make_unique<image::ThreadT>());
  image_.processes[1]->threads.back()->tid = kFreeIdMax - 1;
  add(7, 1, 2);
  EXPECT_EQ(plan().nodes[2].stand_ins.at(0).pid, kFreeIdMax - 3);
}

TEST_F(SpawnPlanTest, EveryProcessIsMadeOnce) {
  add(2, 1, 2);
  add(3, 2, 3);
  add(4, 3, 2);
  add(5, 1, 2);
  add(6, 1, 50);
  add(7, 6, 60);
  add(8, 2, 8, image::ProcessState::zombie);
  add(9, 1, 8);
  std::vector<int> made(image_.processes.size());
  for (const auto& [pid, node] : plan().nodes) {
    for (size_t index : node.before_session) ++made[index];
    for (size_t index : node.children) ++made[index];
    for (const auto& stand_in : node.stand_ins)
      for (size_t index : stand_in.children) ++made[index];
  }
  EXPECT_EQ(made, std::vector<int>(image_.processes.size(), 1));
}

}  // namespace
}  // namespace appshot
