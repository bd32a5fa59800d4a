// What appshot-packer can do. Each returns what stands in the last line it prints.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "packing/report.h"
#include "protocol/json.h"

namespace appshot::packing {

struct Arguments {
  std::vector<std::string> words;
  std::map<std::string, std::string> options;  // "--tag": its value, or nothing

  bool has(const std::string& option) const { return options.contains(option); }
  std::string value(const std::string& option, const std::string& otherwise = "") const {
    auto found = options.find(option);
    return found == options.end() ? otherwise : found->second;
  }
};

Result<Json> copy_tree(const Arguments& arguments, Report& report);
Result<Json> unpack_oci(const Arguments& arguments, Report& report);
Result<Json> pack_oci(const Arguments& arguments, Report& report);
Result<Json> pack_environment(const Arguments& arguments, Report& report);
Result<Json> unpack_environment(const Arguments& arguments, Report& report);
Result<Json> digest_layer(const Arguments& arguments, Report& report);
Result<Json> list_changes(const Arguments& arguments, Report& report);

// A document given as such, or in a file: "@FILE". Absent: an empty one.
Result<Json> document_of(const Arguments& arguments, const std::string& option);

// --max-bytes and --max-entries, or what there is room for in that folder.
struct Limits {
  uint64_t bytes = 0;
  uint64_t entries = 0;
};
Result<Limits> limits_of(const Arguments& arguments, const std::string& folder);

}  // namespace appshot::packing
