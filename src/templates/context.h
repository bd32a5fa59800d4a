// What every part of the classification looks at, and where it puts what it finds.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "image/schema/values.h"
#include "templates/inet_names.h"
#include "templates/launch.h"
#include "templates/places.h"
#include "templates/verdicts.h"

namespace appshot::templates {

// Who has something open: a process and the number it has there. -1: nobody has.
struct Holder {
  int process = -1;
  int descriptor = -1;
};

struct Context {
  const image::ImageT& image;  // verified: every index in it leads somewhere
  const Launch& launch;
  const Places& places;
  const Connections& connections;
  Verdicts& verdicts;
  std::set<const image::OpenFileT*> told{};  // those of which there is a record already
};

inline std::string count_of(size_t number, const char* one) {
  return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
}

}  // namespace appshot::templates
