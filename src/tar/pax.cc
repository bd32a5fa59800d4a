#include "tar/pax.h"

#include "base/decimal.h"

namespace appshot::tar {

std::string pax_text(const PaxRecords& records) {
  std::string text;
  for (const auto& [key, value] : records) {
    const size_t rest = key.size() + value.size() + 3;  // blank, =, newline
    size_t length = rest;
    while (length != rest + std::to_string(length).size())
      length = rest + std::to_string(length).size();
    text += std::to_string(length) + " ";
    text += key + "=";
    text += value + "\n";
  }
  return text;
}

Result<PaxRecords> parse_pax(std::string_view text) {
  auto damaged = [] { return Error(ErrorClass::corrupt, "a pax header is damaged"); };
  PaxRecords records;
  while (!text.empty()) {
    const size_t blank = text.find(' ');
    if (blank > 20) return damaged();  // or there is none
    const std::optional<uint64_t> length = parse_decimal(text.substr(0, blank));
    if (!length || *length > text.size() || *length < blank + 3) return damaged();
    std::string_view record = text.substr(blank + 1, *length - blank - 1);
    const size_t equals = record.find('=');
    if (record.back() != '\n' || equals == std::string_view::npos || equals == 0) return damaged();
    record.remove_suffix(1);
    records[std::string(record.substr(0, equals))] = record.substr(equals + 1);
    text.remove_prefix(*length);
  }
  return records;
}

}  // namespace appshot::tar
