// The inner half of a restore, run by the new instance's init: everything global is made, all
// memory is loaded, and the first processes are forked.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "restore/lazy_memory.h"
#include "restore/memory_layout.h"
#include "restore/restore.h"
#include "restore/script.h"
#include "restore/zone.h"

namespace appshot {

struct RestoreInside {
  const OpenedImage& image;
  const MemoryLayout& layout;
  const LazyMemory& lazy;
  const Zone& zone;
  const Script& script;
  std::map<std::string, UniqueFd> streams;
  KeptDescriptors entrusted;
  int exe_fd;  // as told to write_script
  const FileMappings& files;
  const LateFiles& late;
  const OwnParts& own_parts;
  const Births& births;
  int application_group;
  bool keeps_connections;
  int own_users;  // -1: it lives in the machine's

  Result<> populate(KeptDescriptors& kept, const InitSetup::Tell& tell);
  // Those that it uses.
  std::vector<int> descriptors() const;
};

// Of what takes long: "memory" or "files". None where there is nobody to be told.
image::PagesReader::Tell tell_now_and_then(const InitSetup::Tell& tell, const char* phase);

// Above every descriptor number the image's processes use.
int first_free_descriptor(const image::ImageT& image);

}  // namespace appshot
