// Layers on disk: each a folder of the form of an overlay's upper layer, never changed once it has
// its name. What is being made has another name until it is whole.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace appshot {

class LayerStore {
 public:
  explicit LayerStore(std::string folder) : folder_(std::move(folder)) {}

  // Its files; the name says that they begin at the root.
  std::string files_of(const std::string& id) const { return folder_ + "/" + id + "/root"; }
  bool has(const std::string& id) const;
  Result<std::vector<std::string>> list() const;  // the ids of those that are whole

  // One that is being made: an empty folder. Whoever makes it names it or throws it away.
  class Draft {
   public:
    Draft(Draft&& other) noexcept;
    Draft& operator=(Draft&&) = delete;
    ~Draft();
    const std::string& folder() const { return folder_; }
    std::string files() const { return folder_ + "/root"; }
    // It is on the disk, and has that id from here on.
    Result<> publish(const std::string& id);

   private:
    friend class LayerStore;
    Draft(const LayerStore& store, std::string folder)
        : store_(&store), folder_(std::move(folder)) {}
    const LayerStore* store_;
    std::string folder_;
  };
  Result<Draft> draft() const;

  Result<> remove(const std::string& id) const;
  // Drafts that nobody makes any more, after a crash.
  Result<> remove_drafts() const;

 private:
  std::string folder_;
};

std::string generate_layer_id();

}  // namespace appshot
