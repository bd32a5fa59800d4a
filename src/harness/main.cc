// appshot-harness --control FD --config FD: see docs/harness-protocol.md.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/harness.h"

namespace {

int descriptor_argument(int argc, char** argv, const char* name) {
  for (int i = 1; i + 1 < argc; ++i)
    if (strcmp(argv[i], name) == 0) return atoi(argv[i + 1]);
  return -1;
}

// Tracing waits for SIGCHLD by sigtimedwait; writing to a peer that is gone must be an error and
// not a death.
void prepare_signals() {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_SETMASK, &child, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
}

}  // namespace

int main(int argc, char** argv) {
  int control = descriptor_argument(argc, argv, "--control");
  int config_fd = descriptor_argument(argc, argv, "--config");
  if (control < 0 || config_fd < 0) {
    fputs("appshot-harness is started by appshotd; see `appshot help`\n", stderr);
    return 2;
  }
  prepare_signals();
  // Processes that lose their parent inside become init's; init itself is ours.
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  appshot::Result<appshot::HarnessConfig> config = appshot::read_harness_config(config_fd);
  close(config_fd);
  if (!config) {
    fprintf(stderr, "appshot-harness: %s\n", config.error().message().c_str());
    return 2;
  }
  appshot::Harness harness(std::move(*config), appshot::Channel(appshot::UniqueFd(control)));
  return harness.run();
}
