#include "node/routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "registry/sqlite/sqlite_registry.h"

namespace appshot {
namespace {

std::set<std::string> documented_routes() {
  std::ifstream file(APPSHOT_SOURCE_DIR "/docs/openapi.json");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  Result<Json> document = parse_json(text);
  EXPECT_TRUE(document);
  std::set<std::string> routes;
  for (const auto& [path, operations] : field(*document, "paths").items())
    for (const auto& [method, operation] : operations.items()) {
      std::string upper = method;
      std::transform(upper.begin(), upper.end(), upper.begin(), ::toupper);
      if (method != "parameters") routes.insert(upper + " " + path);
    }
  return routes;
}

TEST(Routes, AreTheDocumentedOnesAndNoOthers) {
  auto registry = open_sqlite_registry(":memory:").value();
  auto images = make_image_store();
  auto reactor = Reactor::start().value();
  Node node({}, {"/nonexistent", "/nonexistent"}, *registry, *images,
            [] { return std::vector<KernelFeature>(); });
  Lifecycle lifecycle(node, *reactor);
  Environments environments(node, lifecycle);
  Instances instances(node, lifecycle, environments);
  Snapshots snapshots(node, lifecycle, environments);
  Templates templates(node, lifecycle, snapshots);
  Clones clones(node, lifecycle, instances, snapshots, templates);
  Services services{node, instances, snapshots, templates, clones, environments, [] {}};
  Router router;
  add_all_routes(router, services);
  std::vector<std::string> served = router.routes();
  EXPECT_EQ(std::set<std::string>(served.begin(), served.end()), documented_routes());
}

}  // namespace
}  // namespace appshot
