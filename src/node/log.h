// The daemon's log, on stderr (which is STATE/appshotd.log when it has started itself).
#pragma once

#include <string>
#include <string_view>

namespace appshot {

enum class LogLevel { debug, info, warning, error };

void set_log_level(std::string_view name);  // "debug", "info", "warning", "error"
void log_line(LogLevel level, std::string_view text);

inline void log_info(std::string_view text) { log_line(LogLevel::info, text); }
inline void log_warning(std::string_view text) { log_line(LogLevel::warning, text); }
inline void log_error(std::string_view text) { log_line(LogLevel::error, text); }

}  // namespace appshot
