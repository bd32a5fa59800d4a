// Words and numbers as people read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace appshot {

std::string human_bytes(int64_t bytes);   // "0 B", "4.0 KiB", "1.5 GiB"
std::string human_duration(int64_t ms);   // "850 ms", "12 s", "3 min", "5 h", "2 d"
std::string clock_time(int64_t unix_ms);  // local, "2024-05-01 13:37:00"
size_t columns_of(const std::string& text);
// Without characters that would move what is printed; what is not UTF-8 stays.
std::string plain_text(std::string text);
// Its last columns, behind a sign that something is missing: of paths the end tells most.
std::string end_of(const std::string& text, size_t columns_max);
std::string joined(const std::vector<std::string>& words, size_t length_max);

// "TERM", "SIGTERM", "15".
Result<int> signal_number(const std::string& text);

// Columns padded to their widest cell; the last one is not.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// What a user sees of an error: what failed and what to do, each obstacle on lines of its own.
std::string error_text(const Error& error);

}  // namespace appshot
