#include "protocol/harness_config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "protocol/error_json.h"
#include "protocol/harness_begin.h"
#include "protocol/messages.h"

namespace appshot {
namespace {

HarnessConfig example() {
  HarnessConfig config;
  config.aid = "web";
  config.state_dir = "/state/instances/web";
  config.run_dir = "/run/instances/web";
  config.argv = {"sleep", "10"};
  config.env = {"A=b"};
  config.user = "1000:1000";
  config.address = "198.18.0.9";
  config.address_v6 = "fd61:7073:686f::c612:9";
  config.inner_address = "198.18.0.2";
  config.name_server = "198.18.0.1";
  config.tty = config.stdin_open = config.hold_start = true;
  config.share = {"net"};
  config.generation = 3;
  config.limits = {512 << 20, 1.5, 100};
  config.privileges = {false, {"KILL", "CHOWN"}, true};
  config.root = 700000;
  return config;
}

TEST(HarnessBegin, ArrivesWithItsLogAsItWasSent) {
  auto channels = Channel::make_pair();
  ASSERT_TRUE(channels);
  HarnessConfig large = example();
  large.env.assign(4, std::string(kPacketBytesMax, 'e'));
  ASSERT_TRUE(send_begin(channels->first, large, STDERR_FILENO));
  auto begin = await_begin(channels->second);
  ASSERT_TRUE(begin) << begin.error().message();
  ASSERT_TRUE(*begin);
  EXPECT_EQ((*begin)->config, large);
  EXPECT_TRUE((*begin)->log);
}

TEST(HarnessBegin, IsNothingWhenTheDaemonGoesAwayFirst) {
  auto channels = Channel::make_pair();
  ASSERT_TRUE(channels);
  channels->first = Channel();
  auto begin = await_begin(channels->second);
  ASSERT_TRUE(begin) << begin.error().message();
  EXPECT_FALSE(*begin);
}

TEST(HarnessConfig, IsRefusedWithoutWhatItsModeNeeds) {
  Json no_program = harness_config_to_json(example());
  no_program["argv"] = Json::array();
  EXPECT_FALSE(harness_config_from_json(no_program));
  Json no_image = harness_config_to_json(example());
  no_image["mode"] = "restore";
  EXPECT_FALSE(harness_config_from_json(no_image));
  EXPECT_FALSE(harness_config_from_json(Json::array()));
}

TEST(HarnessConfig, WasPrivilegedBeforeThereWasAnythingElse) {
  Json of_before = harness_config_to_json(example());
  of_before.erase("privileges");
  of_before.erase("limits");
  const auto config = harness_config_from_json(of_before);
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->privileges.all);
  EXPECT_FALSE(config->limits.any());
}

TEST(ErrorJson, KeepsClassHintAndObstacles) {
  Error error = Error(ErrorClass::refused, "cannot snapshot web")
                    .hint("close it")
                    .with_obstacles({{"process 12 has /dev/kvm open", "close it"}});
  Error read_back = error_from_json(error_to_json(error));
  EXPECT_EQ(error_from_json(error_to_json(Error::from_errno(ENOENT, "open"))).err(), ENOENT);
  EXPECT_EQ(read_back.cls(), ErrorClass::refused);
  EXPECT_EQ(read_back.message(), error.message());
  EXPECT_EQ(read_back.hint(), "close it");
  EXPECT_EQ(read_back.obstacles(), error.obstacles());
}

TEST(Messages, AnAnswerIsAResultOrAnError) {
  auto good = answer_result(make_answer(1, {{"processes", 2}}));
  ASSERT_TRUE(good);
  EXPECT_EQ(int_at(*good, "processes"), 2);
  auto bad = answer_result(make_refusal(1, Error(ErrorClass::conflict, "busy")));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().cls(), ErrorClass::conflict);
}

TEST(Json, ReadsAWrongTypeAsAbsent) {
  Json document{{"text", 5}, {"number", "five"}, {"list", {1, "two"}}};
  EXPECT_EQ(string_at(document, "text", "none"), "none");
  EXPECT_EQ(int_at(document, "number", -1), -1);
  EXPECT_EQ(strings_at(document, "list"), std::vector<std::string>{"two"});
  EXPECT_TRUE(field(Json::array(), "x").is_null());
}

}  // namespace
}  // namespace appshot
