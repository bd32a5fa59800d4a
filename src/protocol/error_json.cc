#include "protocol/error_json.h"

namespace appshot {

Json obstacles_to_json(const std::vector<Obstacle>& obstacles) {
  Json list = Json::array();
  for (const Obstacle& obstacle : obstacles)
    list.push_back({{"what", obstacle.what}, {"hint", obstacle.hint}});
  return list;
}

std::vector<Obstacle> obstacles_from_json(const Json& list) {
  std::vector<Obstacle> obstacles;
  if (!list.is_array()) return obstacles;
  for (const Json& entry : list)
    obstacles.push_back({string_at(entry, "what"), string_at(entry, "hint")});
  return obstacles;
}

Json error_to_json(const Error& error) {
  Json document{{"class", name_of(error.cls())}, {"message", error.message()}};
  if (error.err() != 0) document["errno"] = error.err();
  if (!error.hint().empty()) document["hint"] = error.hint();
  if (!error.obstacles().empty()) document["obstacles"] = obstacles_to_json(error.obstacles());
  return document;
}

Error error_from_json(const Json& document) {
  Error error(error_class_from_name(string_at(document, "class")),
              string_at(document, "message", "failed without saying why"));
  return std::move(error)
      .with_errno(static_cast<int>(int_at(document, "errno")))
      .hint(string_at(document, "hint"))
      .with_obstacles(obstacles_from_json(field(document, "obstacles")));
}

}  // namespace appshot
