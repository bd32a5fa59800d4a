// For the subjects that trace a child.
#pragma once

#include "subject.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

enum { kRestartsysError = 512, kRestartBlockError = 516 };

// The next stop, which must be there in time.
static inline int traced_stop(pid_t pid) {
  int status = 0;
  wait_until(waitpid(pid, &status, WNOHANG | __WALL) == pid);
  if (!WIFSTOPPED(status)) FAIL("process %d ended with %#x instead of stopping", pid, status);
  return status >> 8;
}

static inline struct user_regs_struct traced_registers(pid_t pid) {
  struct user_regs_struct registers;
  struct iovec part = {&registers, sizeof registers};
  CHECK_OK(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part));
  return registers;
}

static inline void check_traced_by_us(pid_t pid) {
  char path[60], text[4000];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  read_text(path, text, sizeof text);
  const char* line = strstr(text, "TracerPid:");
  CHECK(line != NULL);
  CHECK_EQ(atoi(line + strlen("TracerPid:")), gettid_raw());
}
