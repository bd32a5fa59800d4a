// What every registry must do, as tests against the interface: an implementation instantiates the
// suite with a function that opens a fresh, empty registry which keeps 300 events.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "registry/registry.h"

namespace appshot {

using RegistryFactory = std::function<std::unique_ptr<Registry>()>;

class RegistryConformance : public testing::TestWithParam<RegistryFactory> {
 protected:
  std::unique_ptr<Registry> registry_ = GetParam()();
};

TEST_P(RegistryConformance, ReadsAnInstanceBackAsItWas) {
  InstanceRecord record;
  record.state = InstanceState::running;
  record.why = "launched";
  record.created_ms = 1;
  record.changed_ms = 2;
  record.spec = R"({"argv":["a b","\u0000"]})";
  record.harness = {10, 11};
  record.init = {12, 13};
  record.generation = 4;
  record.wait_status = 256;
  auto aid = registry_->create_instance(record, {AidWish::Kind::given, "web"});
  ASSERT_TRUE(aid);
  record.aid = "web";
  EXPECT_EQ(registry_->instance("web").value(), record);

  record.state = InstanceState::asleep;
  record.sleep_snapshot = "abc";
  record.wait_status.reset();
  ASSERT_TRUE(registry_->update_instance(record));
  EXPECT_EQ(registry_->instance("web").value(), record);
  EXPECT_EQ(registry_->instances().value(), std::vector<InstanceRecord>{record});

  ASSERT_TRUE(registry_->remove_instance("web"));
  EXPECT_EQ(registry_->instance("web").error().cls(), ErrorClass::not_found);
  EXPECT_EQ(registry_->update_instance(record).error().cls(), ErrorClass::not_found);
  EXPECT_EQ(registry_->remove_instance("web").error().cls(), ErrorClass::not_found);
}

TEST_P(RegistryConformance, GivesAnAddressToOneInstanceAndOneToEach) {
  const LeaseRecord web{"198.18.0.2", "web", "", 5};
  ASSERT_TRUE(registry_->add_lease(web));
  EXPECT_EQ(registry_->add_lease({"198.18.0.2", "other", "", 6}).error().cls(),
            ErrorClass::conflict);
  EXPECT_EQ(registry_->add_lease({"198.18.0.3", "web", "", 6}).error().cls(), ErrorClass::conflict);
  LeaseRecord other{"198.18.0.3", "other", "", 4};
  ASSERT_TRUE(registry_->add_lease(other));
  EXPECT_EQ(registry_->leases().value(), (std::vector<LeaseRecord>{other, web}));
  other.standing = "0123456789ab";
  ASSERT_TRUE(registry_->update_lease(other));
  EXPECT_EQ(registry_->leases().value(), (std::vector<LeaseRecord>{other, web}));
  ASSERT_TRUE(registry_->remove_lease("198.18.0.3"));
  EXPECT_EQ(registry_->remove_lease("198.18.0.3").error().cls(), ErrorClass::not_found);
  EXPECT_EQ(registry_->update_lease(other).error().cls(), ErrorClass::not_found);
  EXPECT_EQ(registry_->leases().value(), std::vector<LeaseRecord>{web});
}

TEST_P(RegistryConformance, KeepsSettings) {
  EXPECT_EQ(registry_->setting("range").value(), "");
  ASSERT_TRUE(registry_->set_setting("range", "198.18.0.0/20"));
  ASSERT_TRUE(registry_->set_setting("range", "198.18.16.0/20"));
  EXPECT_EQ(registry_->setting("range").value(), "198.18.16.0/20");
}

TEST_P(RegistryConformance, HandsOutAGivenAidOnce) {
  ASSERT_TRUE(registry_->create_instance({}, {AidWish::Kind::given, "web"}));
  auto second = registry_->create_instance({}, {AidWish::Kind::given, "web"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().cls(), ErrorClass::conflict);
  auto invalid = registry_->create_instance({}, {AidWish::Kind::given, "../web"});
  ASSERT_FALSE(invalid);
  EXPECT_EQ(invalid.error().cls(), ErrorClass::usage);
}

TEST_P(RegistryConformance, NumbersDerivedAids) {
  EXPECT_EQ(registry_->create_instance({}, {AidWish::Kind::derived, "my app"}).value(), "my-app");
  EXPECT_EQ(registry_->create_instance({}, {AidWish::Kind::derived, "my app"}).value(), "my-app-2");
  EXPECT_EQ(registry_->create_instance({}, {AidWish::Kind::derived, "///"}).value(), "app");
}

TEST_P(RegistryConformance, NeverHandsOutOneAidTwiceToThreadsAtOnce) {
  std::vector<std::string> aids(40);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 10; ++i)
        aids[t * 10 + i] =
            registry_->create_instance({}, {AidWish::Kind::derived, "web"}).value_or("");
    });
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> different(aids.begin(), aids.end());
  EXPECT_EQ(different.size(), aids.size());
  EXPECT_FALSE(different.contains(""));
}

TEST_P(RegistryConformance, FindsAGeneratedAidByAUniquePrefixAndAGivenOneNot) {
  std::string aid = registry_->create_instance({}, {AidWish::Kind::generated, ""}).value();
  EXPECT_TRUE(check_aid(aid));
  EXPECT_EQ(registry_->instance(aid.substr(0, aid.size() - 1)).value().aid, aid);
  ASSERT_TRUE(registry_->create_instance({}, {AidWish::Kind::given, "database"}));
  EXPECT_FALSE(registry_->instance("databas"));
  EXPECT_FALSE(registry_->instance(""));
}

TEST_P(RegistryConformance, FindsASnapshotByIdNameAndPrefix) {
  SnapshotRecord record;
  record.id = "0123456789ab";
  record.aid = "web";
  record.name = "golden";
  record.dir = "/state/snapshots/0123456789ab";
  record.complete = true;
  record.memory_bytes = 1 << 20;
  record.frozen_ms = 1.5;
  ASSERT_TRUE(registry_->add_snapshot(record));
  EXPECT_EQ(registry_->snapshot("0123456789ab").value(), record);
  EXPECT_EQ(registry_->snapshot("golden").value(), record);
  EXPECT_EQ(registry_->snapshot("0123").value(), record);

  SnapshotRecord other = record;
  other.id = "0123ffffffff";
  EXPECT_EQ(registry_->add_snapshot(other).error().cls(), ErrorClass::conflict);
  other.name = "";
  ASSERT_TRUE(registry_->add_snapshot(other));
  EXPECT_EQ(registry_->snapshot("0123").error().cls(), ErrorClass::usage);
  other.owner = "web";
  ASSERT_TRUE(registry_->update_snapshot(other));
  EXPECT_EQ(registry_->snapshot("0123f").value(), other);
  ASSERT_TRUE(registry_->mark_durable(other.id));
  other.durable = true;
  EXPECT_EQ(registry_->snapshot("0123f").value(), other);
  EXPECT_EQ(registry_->mark_durable("nobody").error().cls(), ErrorClass::not_found);
  other.is_template = other.warm = true;
  ASSERT_TRUE(registry_->update_snapshot(other));
  EXPECT_EQ(registry_->snapshot("0123f").value(), other);
  ASSERT_TRUE(registry_->remove_snapshot(other.id));
  EXPECT_EQ(registry_->snapshots().value(), std::vector<SnapshotRecord>{record});
}

TEST_P(RegistryConformance, KeepsEnvironmentsByName) {
  EnvironmentRecord record;
  record.name = "web";
  record.created_ms = 1;
  record.changed_ms = 2;
  record.rules = "LINK \"/a\" TO \"/b\"\n";
  record.content = R"({"layers":["1","2"]})";
  ASSERT_TRUE(registry_->add_environment(record));
  EXPECT_EQ(registry_->environment("web").value(), record);
  EXPECT_EQ(registry_->add_environment(record).error().cls(), ErrorClass::conflict);
  EXPECT_EQ(registry_->environment("we").error().cls(), ErrorClass::not_found);

  EnvironmentRecord other = record;
  other.name = "base";
  ASSERT_TRUE(registry_->add_environment(other));
  EXPECT_EQ(registry_->environments().value(), (std::vector{other, record}));
  record.rules.clear();
  record.changed_ms = 3;
  ASSERT_TRUE(registry_->update_environment(record));
  EXPECT_EQ(registry_->environment("web").value(), record);
  ASSERT_TRUE(registry_->remove_environment("web"));
  EXPECT_EQ(registry_->remove_environment("web").error().cls(), ErrorClass::not_found);
  EXPECT_EQ(registry_->update_environment(record).error().cls(), ErrorClass::not_found);
  EXPECT_EQ(registry_->environments().value(), std::vector{other});
}

TEST_P(RegistryConformance, KeepsABoundedNumberOfEventsInOrder) {
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(registry_->append_event({0, i, i % 2 ? "odd" : "even", "tick", "text", "{}"}));
  auto all = registry_->events(0, 10'000, "").value();
  EXPECT_GE(all.size(), 300u);
  EXPECT_LE(all.size(), 600u);
  EXPECT_EQ(all.back().time_ms, 999);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].seq, all[i].seq);
  EXPECT_TRUE(registry_->events(all.back().seq, 10, "").value().empty());
  auto odd = registry_->events(0, 2, "odd").value();
  ASSERT_EQ(odd.size(), 2u);
  EXPECT_EQ(odd[0].time_ms, 997);
  EXPECT_EQ(odd[1].time_ms, 999);
}

}  // namespace appshot
