// The files of templates as their clones share them (harness/frozen_files), which harnesses lay out
// where they need them: a copy of what the image holds, that is given up when no clone is there.
//
// Threads: any.
#pragma once

#include <mutex>

#include "node/background.h"
#include "node/node.h"

namespace appshot {

class FrozenFiles {
 public:
  FrozenFiles(Node& node, Background& background) : node_(node), background_(background) {}

  // At the start of the daemon: those that no living instance needs. What a machine had that has
  // lost its power may not be whole.
  Result<> settle();
  // In the background: those whose image is gone, and that no instance needs.
  void sweep_later();

 private:
  Result<> sweep(bool keeps_for_images);

  Node& node_;
  Background& background_;
  std::mutex mutex_;
};

}  // namespace appshot
