// What a network may hold that no image has a place for.
#include "subject_tools.h"

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(unshare(CLONE_NEWNET));
    tool("ip link add x0 type vxlan id 7 dstport 4789 local 127.0.0.1");
    peer_tell(&child, 0);
    peer_hear(&child);
    _exit(0);
  }
  peer_hear(&child);
  subject_expect(kAnyProcess, "a network device of the kind vxlan, x0");
  if (subject_cycles() == 0) CHECK_OK(unshare(CLONE_NEWNET)), tool("ip link set lo up");
  tool("tc qdisc add dev lo root pfifo limit 100");
  subject_expect(kAnyProcess, "a queueing discipline (pfifo)");
  subject_hold();
  peer_tell(&child, 0), peer_end(&child);
  subject_done();
}
