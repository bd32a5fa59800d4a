#include "cli/text.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "base/size.h"

namespace appshot {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }  // UTF-8

}  // namespace

size_t columns_of(const std::string& text) {
  size_t columns = 0;
  for (char c : text) columns += begins_character(c) ? 1 : 0;
  return columns;
}

std::string plain_text(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

std::string end_of(const std::string& text, size_t columns_max) {
  size_t columns = columns_of(text);
  if (columns <= columns_max) return text;
  size_t start = 0;
  for (columns += 1; columns > columns_max && start < text.size(); --columns) {
    ++start;
    while (start < text.size() && !begins_character(text[start])) ++start;
  }
  return "\u2026" + text.substr(start);
}

std::string human_bytes(int64_t bytes) { return size_text(bytes); }

std::string human_duration(int64_t ms) {
  int64_t seconds = ms / 1000;
  if (seconds < 1) return std::to_string(ms) + " ms";
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 2 * 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / (24 * 3600)) + " d";
}

std::string clock_time(int64_t unix_ms) {
  time_t seconds = unix_ms / 1000;
  struct tm parts;
  ::localtime_r(&seconds, &parts);
  char text[64];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

std::string joined(const std::vector<std::string>& words, size_t length_max) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  for (char& c : line)
    if (c == '\n' || c == '\t' || c == '\r' || c == '\033') c = ' ';
  if (line.size() > length_max) line = line.substr(0, length_max - 3) + "...";
  return line;
}

Result<int> signal_number(const std::string& text) {
  std::string name = text.starts_with("SIG") ? text.substr(3) : text;
  for (int number = 1; number < NSIG; ++number) {
    const char* abbreviation = ::sigabbrev_np(number);
    if (name == std::to_string(number)) return number;
    if (abbreviation != nullptr && name == abbreviation) return number;
  }
  return Error(ErrorClass::usage, "there is no signal " + text);
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - columns_of(row[i]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string error_text(const Error& error) {
  const auto& obstacles = error.obstacles();
  std::string text = "appshot: " + error.message();
  std::string hint = error.hint();
  if (obstacles.size() == 1) {
    // The message may quote the one obstacle already.
    if (text.find(obstacles[0].what) == std::string::npos) text += ": " + obstacles[0].what;
    if (hint.empty()) hint = obstacles[0].hint;
  }
  text += "\n";
  if (obstacles.size() > 1) {
    for (const Obstacle& obstacle : obstacles) {
      text += "  " + obstacle.what + "\n";
      if (!obstacle.hint.empty()) text += "    hint: " + obstacle.hint + "\n";
    }
  }
  if (!hint.empty()) text += "  hint: " + hint + "\n";
  return text;
}

}  // namespace appshot
