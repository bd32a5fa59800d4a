// What a harness has made ready before it knows whose it will be.
#pragma once

#include "harness/instance_network.h"
#include "isolation/machine_guards.h"
#include "restore/seed.h"

namespace appshot {

struct Prepared {
  InstanceNetwork network;
  MachineGuards guards;
  Seed* seed = nullptr;  // what this process is a fork of; none: it is a program of its own
};

}  // namespace appshot
