// appshot-harness --control FD: see docs/harness-protocol.md.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "checkpoint/machine.h"
#include "harness/harness.h"
#include "harness/serve_as_seed.h"
#include "os/descriptor_table.h"
#include "os/session_keyring.h"
#include "protocol/harness_begin.h"

namespace {

// Two for each process of a large application, while it is captured.
constexpr int kDescriptors = 4096;

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

// Until its instance has ended, or the daemon has no use for it.
int serve(appshot::Channel control, appshot::Seed* seed, appshot::MachineGuards guards) {
  // Processes that lose their parent inside become init's; init itself is ours.
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  // Without one of its own the instance has the daemon's.
  (void)!appshot::begin_key_session();
  appshot::InstanceNetwork network = appshot::InstanceNetwork::prepare();
  (void)!appshot::describe_machine();            // now, because nobody waits; it is remembered
  prctl(PR_SET_NAME, "appshot-spare", 0, 0, 0);  // so that a list of processes tells which waits
  appshot::Result<std::optional<appshot::HarnessBegin>> begin = appshot::await_begin(control);
  if (!begin) {
    fprintf(stderr, "appshot-harness: %s\n", begin.error().message().c_str());
    return 2;
  }
  if (!*begin) return 0;  // the daemon has ended and needs no spare one
  prctl(PR_SET_NAME, "appshot-harness", 0, 0, 0);
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) dup2((*begin)->log.get(), fd);
  (*begin)->log.reset();
  if ((*begin)->config.mode == "seed") {
    (void)!network.leave();
    return appshot::serve_as_seed((*begin)->config.image, std::move(control), std::move(guards),
                                  serve);
  }
  appshot::Harness harness(std::move((*begin)->config), std::move(control),
                           {std::move(network), std::move(guards), seed});
  return harness.run();
}

}  // namespace

int main(int argc, char** argv) {
  const int control = descriptor_argument(argc, argv, "--control");
  if (control < 0) {
    fputs("appshot-harness is started by appshotd; see `appshot help`\n", stderr);
    return 2;
  }
  prepare_signals();
  appshot::reserve_descriptors(kDescriptors);
  return serve(appshot::Channel(appshot::UniqueFd(control)), nullptr,
               appshot::MachineGuards::load());
}
