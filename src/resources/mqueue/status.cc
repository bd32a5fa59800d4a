#include "resources/mqueue/status.h"

#include <charconv>

namespace appshot::mqueues {
namespace {

// "QSIZE:129        NOTIFY:0     SIGNO:10    NOTIFY_PID:8260"
template <typename T>
T field(std::string_view text, std::string_view name) {
  T value = 0;
  size_t at = text.find(name);
  if (at == std::string_view::npos) return value;
  std::from_chars(text.data() + at + name.size(), text.data() + text.size(), value);
  return value;
}

}  // namespace

MqStatus parse_mq_status(std::string_view text) {
  return {field<size_t>(text, "QSIZE:"), field<int>(text, " NOTIFY:"), field<int>(text, " SIGNO:"),
          field<pid_t>(text, " NOTIFY_PID:")};
}

}  // namespace appshot::mqueues
