#include "node/harness_link.h"

#include <gtest/gtest.h>

#include <future>

#include "protocol/messages.h"

namespace appshot {
namespace {

Deadline soon() { return Deadline::in(std::chrono::seconds(5)); }

// A link to a harness that the test plays itself.
class HarnessLinkTest : public testing::Test {
 protected:
  HarnessLinkTest() {
    auto [ours, theirs] = std::move(Channel::make_pair()).value();
    harness_ = std::move(theirs);
    link_ = std::make_shared<HarnessLink>(
        std::move(ours),
        HarnessLink::Listener{[this](const Json& event) { event_.set_value(event); },
                              [this] { closed_.set_value(); }});
    EXPECT_TRUE(reactor_->watch(link_));
  }

  Json next_request() { return (*harness_.receive(soon()).value()).document; }

  Channel harness_;
  std::promise<Json> event_;
  std::promise<void> closed_;
  std::shared_ptr<HarnessLink> link_;
  // Ends first: its thread calls what is above.
  std::unique_ptr<Reactor> reactor_ = std::move(Reactor::start()).value();
};

TEST_F(HarnessLinkTest, GivesEachCallerItsOwnAnswer) {
  auto first = link_->ask("status", Json::object());
  auto second = link_->ask("check", Json::object());
  Json one = next_request();
  Json two = next_request();
  EXPECT_EQ(one["op"], "status");
  ASSERT_TRUE(harness_.send(make_answer(two["id"], {{"n", 2}})));
  ASSERT_TRUE(harness_.send(make_answer(one["id"], {{"n", 1}})));
  EXPECT_EQ(link_->await(*first, soon()).value()["n"], 1);
  EXPECT_EQ(link_->await(*second, soon()).value()["n"], 2);
}

TEST_F(HarnessLinkTest, TellsProgressBeforeTheAnswer) {
  auto id = link_->ask("snapshot", Json::object());
  Json request = next_request();
  ASSERT_TRUE(harness_.send(make_progress(request["id"], "memory", 1, 2)));
  ASSERT_TRUE(harness_.send(make_progress(request["id"], "memory", 2, 2)));
  ASSERT_TRUE(harness_.send(make_answer(request["id"])));
  std::vector<int64_t> done;
  EXPECT_TRUE(link_->await(*id, soon(), [&](const Json& p) { done.push_back(p["done"]); }));
  EXPECT_EQ(done, (std::vector<int64_t>{1, 2}));
}

TEST_F(HarnessLinkTest, EndsWaitingCallsWhenTheHarnessDies) {
  auto id = link_->ask("status", Json::object());
  harness_ = Channel();
  auto answer = link_->await(*id, soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().cls(), ErrorClass::gone);
  EXPECT_EQ(closed_.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
  EXPECT_EQ(link_->call("status").error().cls(), ErrorClass::gone);
}

TEST_F(HarnessLinkTest, GivesUpAtTheDeadlineAndIgnoresALateAnswer) {
  auto id = link_->ask("status", Json::object());
  Json request = next_request();
  auto answer = link_->await(*id, Deadline::in(std::chrono::milliseconds(1)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().cls(), ErrorClass::timeout);
  ASSERT_TRUE(harness_.send(make_answer(request["id"])));
  ASSERT_TRUE(harness_.send(make_event("exited", {{"status", 0}})));
  EXPECT_EQ(event_.get_future().get()["status"], 0);
}

TEST(HarnessLinkThatNobodyWatches, IsClosedWhenTheHarnessDies) {
  auto [ours, theirs] = std::move(Channel::make_pair()).value();
  HarnessLink link(std::move(ours), {});
  EXPECT_FALSE(link.closed());
  ASSERT_TRUE(theirs.send(make_event("exited", {{"status", 0}})));
  theirs = Channel();
  EXPECT_TRUE(link.closed());
}

}  // namespace
}  // namespace appshot
