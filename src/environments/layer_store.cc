#include "environments/layer_store.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"
#include "environments/content.h"
#include "os/file.h"

namespace appshot {
namespace {

constexpr char kDraft[] = ".draft-";

}  // namespace

std::string generate_layer_id() {
  unsigned char random[kLayerIdDigits / 2];
  CHECK(::getrandom(random, sizeof random, 0) == static_cast<ssize_t>(sizeof random));
  std::string id;
  for (unsigned char byte : random) {
    id.push_back("0123456789abcdef"[byte >> 4]);
    id.push_back("0123456789abcdef"[byte & 15]);
  }
  return id;
}

bool LayerStore::has(const std::string& id) const {
  return ::access((folder_ + "/" + id).c_str(), F_OK) == 0;
}

Result<std::vector<std::string>> LayerStore::list() const {
  if (::access(folder_.c_str(), F_OK) != 0)
    return std::vector<std::string>();  // there were none yet
  std::vector<std::string> ids = TRY(list_folder(folder_));
  std::erase_if(ids, [](const std::string& name) { return !is_layer_id(name); });
  return ids;
}

Result<LayerStore::Draft> LayerStore::draft() const {
  Draft draft(*this, folder_ + "/" + kDraft + generate_layer_id());
  TRY(make_folders(draft.folder(), 0700));
  return draft;
}

LayerStore::Draft::~Draft() {
  if (!folder_.empty()) (void)!remove_tree(folder_);
}

LayerStore::Draft::Draft(Draft&& other) noexcept
    : store_(other.store_), folder_(std::exchange(other.folder_, "")) {}

// One call for all of them: a layer may have a hundred thousand files.
Result<> LayerStore::Draft::publish(const std::string& id) {
  const UniqueFd folder = TRY(open_file(folder_, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  TRY_SYS(::syncfs(folder.get()));
  TRY(publish_folder(folder_, store_->folder_ + "/" + id, Durable::later));
  folder_.clear();
  return sync_names(store_->folder_);
}

Result<> LayerStore::remove(const std::string& id) const {
  // Under another name first: nobody takes half of one for a layer.
  const std::string doomed = folder_ + "/" + kDraft + id;
  if (::rename((folder_ + "/" + id).c_str(), doomed.c_str()) != 0)
    return Error::from_errno(errno, "rename " + folder_ + "/" + id);
  return remove_tree(doomed);
}

Result<> LayerStore::remove_drafts() const {
  if (::access(folder_.c_str(), F_OK) != 0) return {};
  for (const std::string& name : TRY(list_folder(folder_)))
    if (name.starts_with(kDraft)) TRY(remove_tree(folder_ + "/" + name));
  return {};
}

}  // namespace appshot
