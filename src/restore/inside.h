// The inner half of a restore, run by the new instance's init: everything global is made, all
// memory is loaded, and the first processes are forked.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "restore/restore.h"
#include "restore/restore_plan.h"

namespace appshot {

struct RestoreInside {
  const OpenedImage& image;
  const RestorePlan& plan;
  std::map<std::string, UniqueFd> streams;
  KeptDescriptors entrusted;
  int application_group;
  bool keeps_connections;
  int own_users;  // -1: it lives in the machine's
  bool is_clone;

  Result<> populate(KeptDescriptors& kept, const InitSetup::Tell& tell);
  // Those that it uses.
  std::vector<int> descriptors() const;
};

// Of what takes long: "memory" or "files". None where there is nobody to be told.
image::PagesReader::Tell tell_now_and_then(const InitSetup::Tell& tell, const char* phase);

}  // namespace appshot
