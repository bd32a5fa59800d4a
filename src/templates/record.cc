#include "templates/record.h"

#include "templates/handling.h"
#include "templates/verdicts.h"

namespace appshot::templates {

std::string_view name_of(Class cls) {
  switch (cls) {
    case Class::share:
      return "share";
    case Class::cow:
      return "cow";
    case Class::duplicate:
      return "duplicate";
    case Class::virtualise:
      return "virtualise";
    case Class::multiplex:
      return "multiplex";
    case Class::allocate:
      return "allocate";
  }
  return {};
}

std::vector<Obstacle> connections_with_others(const Classified& classified) {
  std::vector<Obstacle> obstacles;
  for (const Record& record : classified.records)
    if (record.by == kOneConnection)
      obstacles.push_back({words_for(record) + " is a connection with others outside",
                           "clones without it: leave out --connections refuse"});
  return obstacles;
}

Json records_to_json(const std::vector<Record>& records) {
  Json list = Json::array();
  for (const Record& record : records) {
    Json one{{"type", record.type},
             {"name", record.name},
             {"class", name_of(record.cls)},
             {"by", record.by},
             {"size", record.size}};
    if (record.process >= 0) one["process"] = record.process;
    if (record.descriptor >= 0) one["descriptor"] = record.descriptor;
    if (!record.detail.empty()) one["detail"] = record.detail;
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace appshot::templates
