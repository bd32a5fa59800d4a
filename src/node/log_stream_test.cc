#include "node/log_stream.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "registry/sqlite/sqlite_registry.h"

namespace appshot {
namespace {

class LogStreamTest : public testing::Test {
 protected:
  LogStreamTest() {
    folder_ =
        std::filesystem::temp_directory_path() / ("appshot-log-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  ~LogStreamTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& text) { std::ofstream(folder_ + "/log", std::ios::app) << text; }

  std::string folder_;
  std::unique_ptr<Registry> registry_ = std::move(open_sqlite_registry(":memory:")).value();
  EventLog events_{*registry_};
};

TEST_F(LogStreamTest, GivesOnlyWholeLines) {
  write("one\ntwo\nthr");
  std::string read;
  LogWish wish{"web", folder_, false, [] { return true; }, -1};
  ASSERT_TRUE(stream_log(wish, events_, [&](std::string_view lines) -> Result<> {
    read += lines;
    return {};
  }));
  EXPECT_EQ(read, "one\ntwo\n");
}

TEST_F(LogStreamTest, ReadsTheFileBeforeFirst) {
  write("old\n");
  std::filesystem::rename(folder_ + "/log", folder_ + "/log.1");
  write("new\n");
  std::string read;
  LogWish wish{"web", folder_, false, [] { return true; }, -1};
  ASSERT_TRUE(stream_log(wish, events_, [&](std::string_view lines) -> Result<> {
    read += lines;
    return {};
  }));
  EXPECT_EQ(read, "old\nnew\n");
}

TEST_F(LogStreamTest, FollowsUntilTheInstanceEnds) {
  std::atomic<bool> ended = false;
  std::promise<void> first;
  std::string read;
  LogWish wish{"web", folder_, true, [&] { return ended.load(); }, -1};
  std::thread reader([&] {
    EXPECT_TRUE(stream_log(wish, events_, [&](std::string_view lines) -> Result<> {
      if (read.empty()) first.set_value();
      read += lines;
      return {};
    }));
  });
  write("one\n");
  first.get_future().wait();
  write("two\n");
  ended = true;
  events_.add("web", "exited", "web ended");
  reader.join();
  EXPECT_EQ(read, "one\ntwo\n");
}

}  // namespace
}  // namespace appshot
