// The records by which a pax header says of the entry behind it what no old header can.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace appshot::tar {

inline constexpr char kPaxType = 'x';
inline constexpr char kPaxName[] = "pax-header";  // what ours are called

// "LENGTH KEY=VALUE\n", where LENGTH counts the whole record, itself included.
using PaxRecords = std::map<std::string, std::string>;
std::string pax_text(const PaxRecords& records);
Result<PaxRecords> parse_pax(std::string_view text);

}  // namespace appshot::tar
