#include "node/log.h"

#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace appshot {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames{"debug", "info", "warning", "error"};

std::atomic<LogLevel> least_level{LogLevel::info};

// As 2024-05-01T12:00:00.123, local time.
std::string time_words() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::localtime_r(&now.tv_sec, &parts);
  std::array<char, sizeof "0000-00-00T00:00:00"> seconds{};
  ::strftime(seconds.data(), seconds.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}", seconds.data(), now.tv_nsec / 1'000'000);
}

}  // namespace

void set_log_level(std::string_view name) {
  const auto* found = std::find(kLevelNames.begin(), kLevelNames.end(), name);
  if (found != kLevelNames.end()) least_level = static_cast<LogLevel>(found - kLevelNames.begin());
}

void log_line(LogLevel level, std::string_view text) {
  if (level < least_level) return;
  std::string line =
      fmt::format("{} {} {}\n", time_words(), kLevelNames[static_cast<size_t>(level)], text);
  // At once, so that the lines of several threads do not mix. Where would a failure be logged?
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace appshot
