// How the instance was launched, as far as it says what its clones have in common and what not.
// The image keeps it (ImageT.options, the document of protocol/harness_config.h).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "endpoints/table.h"
#include "image/schema/values.h"
#include "isolation/public_path.h"
#include "isolation/share.h"
#include "rules/evaluate.h"

namespace appshot::templates {

struct Launch {
  Share share;
  std::vector<PublicPath> public_paths;  // run -v
  // What rules mean for the instance that was captured, and for another one: where both differ
  // each clone has something of its own. Public paths of both kinds are among the exceptions.
  rules::Evaluated here, elsewhere;
  std::vector<PublishedPort> ports;
  std::vector<std::string> addresses;  // the virtual ones
  std::string environment;             // its name; empty: none
  size_t environment_layers = 0;
  uint32_t first_user = 0;  // what root inside is outside; 0: root
};

Result<Launch> read_launch(const image::ImageT& image);

}  // namespace appshot::templates
