#include "node/lineage_space.h"

#include <sys/stat.h>

#include <map>
#include <vector>

#include "image/format.h"
#include "image/shared_pages.h"
#include "node/log.h"
#include "os/file.h"

namespace appshot {
namespace {

using Names = std::map<std::pair<dev_t, ino_t>, std::vector<image::PagesName>>;

template <typename Visit>
void visit_pages(const std::string& folder, const Visit& visit) {
  for (const std::string& name : list_folder(folder).value_or({})) {
    struct stat info {};
    if (name.starts_with(image::kPagesName) && ::lstat((folder + "/" + name).c_str(), &info) == 0 &&
        S_ISREG(info.st_mode))
      visit(name, info);
  }
}

}  // namespace

PagesFiles shared_pages(const std::string& folder) {
  PagesFiles files;
  visit_pages(folder, [&](const std::string&, const struct stat& info) {
    if (info.st_nlink > 1) files.emplace(info.st_dev, info.st_ino);
  });
  return files;
}

void give_back_room(const Paths& paths, const PagesFiles& files) {
  if (files.empty()) return;
  Names names;
  auto look = [&](const std::string& folder) {
    visit_pages(folder, [&](const std::string& name, const struct stat& info) {
      if (files.contains({info.st_dev, info.st_ino}))
        names[{info.st_dev, info.st_ino}].push_back({folder, name});
    });
  };
  // Whole ones only: of what is being made or removed nobody can tell what it needs.
  for (const std::string& id : list_folder(paths.snapshots()).value_or({}))
    if (!id.starts_with('.')) look(paths.snapshot_dir(id));
  for (const std::string& aid : list_folder(paths.instances()).value_or({}))
    look(paths.instance_origin(aid));
  for (const auto& [file, of_file] : names)
    if (Result<uint64_t> given = image::give_back_unneeded(of_file); !given)
      log_warning("room of removed snapshots: " + given.error().message());
}

}  // namespace appshot
