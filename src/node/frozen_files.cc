#include "node/frozen_files.h"

#include <unistd.h>

#include <set>

#include "node/log.h"
#include "node/snapshots.h"
#include "os/file.h"

namespace appshot {
namespace {

bool may_need_files(const InstanceRecord& instance) {
  return is_alive(instance.state) || instance.why == kBeingRestored;
}

}  // namespace

Result<> FrozenFiles::settle() { return sweep(false); }

void FrozenFiles::sweep_later() {
  background_.run([this] {
    if (Result<> swept = sweep(true); !swept) log_warning(swept.error().message());
  });
}

Result<> FrozenFiles::sweep(bool keeps_for_images) {
  std::lock_guard lock(mutex_);
  if (::access(node_.paths.frozen().c_str(), F_OK) != 0) return {};
  // Listed first: what comes now belongs to an instance that is in the registry already.
  const std::vector<std::string> folders = TRY(list_folder(node_.paths.frozen()));
  std::set<std::string> needed;
  for (const InstanceRecord& instance : TRY(node_.registry.instances()))
    if (may_need_files(instance))
      needed.insert(string_at(field(parse_json(instance.spec).value_or(Json()), "template"), "id"));
  if (keeps_for_images)
    for (const SnapshotRecord& image : TRY(node_.registry.snapshots())) needed.insert(image.id);
  for (const std::string& folder : folders)
    if (!needed.contains(folder.substr(0, folder.find('.'))))
      TRY(remove_tree(node_.paths.frozen_of(folder)));
  (void)!::rmdir(node_.paths.frozen().c_str());  // while nothing is in it
  return {};
}

}  // namespace appshot
