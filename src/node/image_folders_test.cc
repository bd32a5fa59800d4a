// What the daemon asks of a snapshot's folder.
#include <gtest/gtest.h>

#include "image/manifest.h"
#include "image/rich_image_for_test.h"
#include "node/image_store.h"
#include "os/folder_for_test.h"

namespace appshot {
namespace {

TEST(ImageFolders, TellWhatClonesDoWithEachResourceAndWhatIsInTheWay) {
  const FolderForTest folder;
  image::ImageT image = image::rich_image();
  image.options = R"({"rules": [{"source": "app.rules", "text": "RESOURCE pipe DO refuse"}]})";
  ASSERT_TRUE(image::write_manifest(folder.path(), image));
  const auto images = make_image_store();

  const Json records = images->records(folder.path()).value();
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records[0]["type"], "process");
  for (const Json& record : records) EXPECT_TRUE(record.contains("class")) << record;

  const std::vector<Obstacle> obstacles = images->template_obstacles(folder.path()).value();
  auto tells = [&](const char* words) {
    return std::ranges::any_of(obstacles, [&](const Obstacle& obstacle) {
      return obstacle.what.find(words) != std::string::npos;
    });
  };
  EXPECT_TRUE(tells("pipe 0: rule app.rules:1:1 refuses it"));
  EXPECT_TRUE(tells("is a device (0:0)"));
  EXPECT_FALSE(images->template_obstacles(folder.path() + "/none"));
}

}  // namespace
}  // namespace appshot
