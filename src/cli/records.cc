#include "cli/records.h"

#include <algorithm>
#include <array>

#include "cli/text.h"

namespace appshot {
namespace {

constexpr size_t kColumnsMax = 120;
constexpr size_t kNameMin = 20;
constexpr size_t kReasonMax = 38;
constexpr size_t kBetween = 2;  // spaces between columns
constexpr size_t kName = 1;     // which column it is

using Row = std::vector<std::string>;

// What is missing, or -1, there is none of.
std::string number_text(const Json& record, const char* key) {
  const int64_t number = int_at(record, key, -1);
  return number < 0 ? "" : std::to_string(number);
}

Row row_of(const Json& record, bool has_class) {
  Row row{string_at(record, "type"), plain_text(string_at(record, "name")),
          number_text(record, "process"), number_text(record, "descriptor")};
  if (has_class) {
    const int64_t size = int_at(record, "size");
    row.push_back(string_at(record, "class"));
    row.push_back(size == 0 ? "" : human_bytes(size));
    row.push_back(end_of(plain_text(string_at(record, "by")), kReasonMax));
  } else {
    row.push_back(plain_text(string_at(record, "detail")));
  }
  return row;
}

// What is left for names.
size_t name_columns(const std::vector<Row>& rows) {
  size_t others = 0;
  for (size_t column = 0; column < rows.front().size(); ++column) {
    if (column == kName) continue;
    size_t widest = 0;
    for (const Row& row : rows) widest = std::max(widest, columns_of(row[column]));
    others += widest + kBetween;
  }
  return std::max(kNameMin, kColumnsMax - std::min(kColumnsMax, others));
}

}  // namespace

std::string records_text(const Json& records) {
  const bool has_class = std::any_of(records.begin(), records.end(), [](const Json& record) {
    return record.is_object() && record.contains("class");
  });
  std::vector<Row> rows{has_class ? Row{"TYPE", "NAME", "PROCESS", "FD", "CLASS", "SIZE", "BY"}
                                  : Row{"TYPE", "NAME", "PROCESS", "FD", "DETAIL"}};
  for (const Json& record : records) rows.push_back(row_of(record, has_class));
  const size_t columns = name_columns(rows);
  Table table(rows.front());
  for (size_t i = 1; i < rows.size(); ++i) {
    rows[i][kName] = end_of(rows[i][kName], columns);
    table.add(std::move(rows[i]));
  }
  return table.text();
}

}  // namespace appshot
