#include "node/config.h"

#include <gtest/gtest.h>

namespace appshot {
namespace {

TEST(NodeConfig, LaterTextOverridesEarlier) {
  NodeConfig config;
  ASSERT_TRUE(apply_config_text("[daemon]\nlog_level='debug'\nstop_timeout_ms=5", "a", config));
  ASSERT_TRUE(apply_config_text("[daemon]\nlog_level='error'\n[limits]\nevents=7", "b", config));
  EXPECT_EQ(config.log_level, "error");
  EXPECT_EQ(config.stop_timeout_ms, 5);
  EXPECT_EQ(config.events_max, 7);
}

TEST(NodeConfig, NamesTheLineOfAMistake) {
  NodeConfig config;
  auto unknown = apply_config_text("[daemon]\n\nlogg='x'", "f.toml", config);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message(), "f.toml:3: unknown setting daemon.logg");
  EXPECT_FALSE(apply_config_text("[daemon]\nstop_timeout_ms='x'", "f", config));
  EXPECT_FALSE(apply_config_text("[daemon", "f", config));
  EXPECT_EQ(config, NodeConfig());
}

TEST(NodeConfig, AMissingFileIsNoMistake) {
  NodeConfig config;
  EXPECT_TRUE(apply_config_file("/nonexistent/appshot.toml", config));
}

}  // namespace
}  // namespace appshot
