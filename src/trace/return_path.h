// Machine code that puts a thread's registers back and jumps to where it was: the way out of an
// injected piece of code when nobody is there any more to do it from outside.
#pragma once

#include <sys/user.h>

#include <vector>

namespace appshot {

// The registers the thread will have once the kernel has finished what it was doing for it: an
// interrupted system call is set to be made again.
user_regs_struct registers_to_return_to(const user_regs_struct& stopped);

// Touches no memory and no flags; position independent.
std::vector<char> return_path_code(const user_regs_struct& registers);

}  // namespace appshot
