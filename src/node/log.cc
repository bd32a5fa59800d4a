// The only file that includes spdlog.
#include "node/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace appshot {
namespace {

spdlog::logger& logger() {
  // Never destroyed: connection threads may log until the process is gone.
  static spdlog::logger& instance = *[] {
    auto* fresh = new spdlog::logger("appshotd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    fresh->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    return fresh;
  }();
  return instance;
}

}  // namespace

void set_log_level(std::string_view name) {
  logger().set_level(spdlog::level::from_str(std::string(name)));
}

void log_line(LogLevel level, std::string_view text) {
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err};
  logger().log(kLevels[static_cast<int>(level)], spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace appshot
