// The flags with which a file was opened, as fdinfo tells them, and what opening it again wants.
#pragma once

#include <fcntl.h>

#include <cstdint>

namespace appshot {

// O_TMPFILE without the O_DIRECTORY in it: the file was made without a name.
constexpr int kTmpFileBit = O_TMPFILE & ~O_DIRECTORY;

// The bits that open(2) or F_SETFL can give back.
inline int reopen_flags(uint32_t captured) {
  constexpr int kLargeFile = 0100000;  // the kernel's O_LARGEFILE; glibc's is 0
  return static_cast<int>(captured) &
         ~(O_CLOEXEC | O_CREAT | O_EXCL | O_TRUNC | kLargeFile | kTmpFileBit | FASYNC);
}

}  // namespace appshot
