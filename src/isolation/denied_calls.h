// System calls that programs of an instance cannot make.
//
// Some do not exist for them, because the kernel lets nobody see afterwards what they have set up:
// io_uring (its ring may outlive every descriptor) and Landlock. Others are refused to who is not
// privileged: an application has no business with them, and each is a way to reach the machine.
#pragma once

#include "base/result.h"
#include "isolation/capabilities.h"

namespace appshot {

struct AllowedCalls {
  bool io_uring = false;
  bool of_the_machine = false;     // nothing is refused
  CapabilitySet capabilities = 0;  // else what goes with one of these is not
};

// For the calling thread and everything it starts; needs CAP_SYS_ADMIN. What happens to a call is
// told by its number alone, so that the kernel has no work with those that are allowed.
Result<> deny_calls(const AllowedCalls& allowed);

}  // namespace appshot
