// What a forked process does, still as our program, to become one of the image: takes its place in
// the tree, makes its children, takes its descriptors and folders, and enters the stub.
#pragma once

#include "base/result.h"
#include "resources/births.h"
#include "resources/restore_context.h"
#include "restore/memory_layout.h"
#include "restore/script.h"
#include "restore/zone.h"

namespace appshot {

struct BecomeContext {
  RestoreContext& restore;
  const MemoryLayout& layout;
  const Script& script;
  const Zone& zone;
  int exe_fd;  // as told to write_script
  const LateFiles& late;
  const OwnParts& own_parts;
  const Births& births;
};

// By init: makes all processes of the image. Forks of it never return.
Result<> spawn_tree(const BecomeContext& context);

}  // namespace appshot
