// What a template knows of one resource: what clones do with it, and why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/json.h"

namespace appshot::templates {

enum class Class {
  share,       // all use the same
  cow,         // the same until it is changed; then a clone has its own
  duplicate,   // each has its own from the beginning, with the same in it
  virtualise,  // the same name, which leads each to what is its own
  multiplex,   // one outside, behind which all are
  allocate,    // each is given another
};

std::string_view name_of(Class cls);

struct Record {
  std::string type{};  // "regular file"
  std::string name{};
  int process = -1;     // -1: it is no process's alone
  int descriptor = -1;  // -1: it is none
  Class cls = Class::duplicate;
  std::string by{};   // the criterion, or "rule rules:3:1"
  uint64_t size = 0;  // bytes that are kept of it; of what is shared, how large it is
  std::string detail{};
};

struct Classified {
  std::vector<Record> records;
  std::vector<Obstacle> obstacles;  // what keeps the snapshot from becoming a template
};

// The connections with others outside, which belong to one clone at most: each as an obstacle for
// who would rather have none than lose them.
std::vector<Obstacle> connections_with_others(const Classified& classified);

// [{"type", "name", "process", "descriptor", "class", "by", "size", "detail"}]; what there is not
// is left out.
Json records_to_json(const std::vector<Record>& records);

}  // namespace appshot::templates
