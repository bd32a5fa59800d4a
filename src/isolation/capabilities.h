// What of root's power the programs of an instance have: by default what services need that change
// users, own files and open low ports, and nothing that reaches the machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace appshot {

// One bit each, as the kernel numbers them.
using CapabilitySet = uint64_t;

// The default with some more and some less, by their names: with or without CAP_, or ALL. Class
// usage for what is no name, unsupported for what this machine's root does not have either.
Result<std::vector<std::string>> choose_capabilities(const std::vector<std::string>& add,
                                                     const std::vector<std::string>& drop);
// Names this kernel does not know count for nothing.
CapabilitySet capabilities_named(const std::vector<std::string>& names);

// Both of the calling thread, which gets none back by running a program. Between the two it may
// become another user.
Result<> bound_capabilities(CapabilitySet kept);
Result<> reduce_capabilities(CapabilitySet kept);

}  // namespace appshot
