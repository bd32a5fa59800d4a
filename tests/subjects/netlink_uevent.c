// A netlink socket that listens for what happens to devices: its name and group, what waits in it,
// and who sent that.
#include "subject_net.h"

enum { kGroup = 2 };  // that of a device manager, not the kernel's own

static void tell(int fd, const char* text, struct sockaddr_nl to) {
  CHECK_EQ(sendto(fd, text, strlen(text), 0, (struct sockaddr*)&to, sizeof to), strlen(text));
}

static void expect(int fd, const char* text, unsigned from_pid, unsigned groups) {
  char bytes[64] = {0};
  struct sockaddr_nl from;
  socklen_t size = sizeof from;
  CHECK_EQ(recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr*)&from, &size), strlen(text));
  CHECK_STR(bytes, text);
  CHECK_EQ(from.nl_pid, from_pid);
  CHECK_EQ(from.nl_groups, groups);
}

int main(void) {
  int watching = netlink_socket(NETLINK_KOBJECT_UEVENT, kGroup);
  int telling = netlink_socket(NETLINK_KOBJECT_UEVENT, 0);
  set_option(watching, SOL_SOCKET, SO_PASSCRED, 1);
  CHECK_OK(fcntl(watching, F_SETFL, O_NONBLOCK));
  struct sockaddr_nl name = netlink_name_of(watching), teller = netlink_name_of(telling);
  struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = kGroup};
  struct sockaddr_nl one = {.nl_family = AF_NETLINK, .nl_pid = name.nl_pid};
  CHECK_EQ(name.nl_groups, kGroup);
  tell(telling, "to the group", group);
  tell(telling, "to one", one);
  STEP("queued");
  struct sockaddr_nl now = netlink_name_of(watching);
  CHECK_MEM(&now, &name, sizeof now);
  now = netlink_name_of(telling);
  CHECK_MEM(&now, &teller, sizeof now);
  CHECK_EQ(get_option(watching, SOL_SOCKET, SO_PASSCRED), 1);
  CHECK_EQ(get_option(watching, SOL_SOCKET, SO_PROTOCOL), NETLINK_KOBJECT_UEVENT);
  CHECK_EQ(fcntl(watching, F_GETFL), O_RDWR | O_NONBLOCK);
  expect(watching, "to the group", teller.nl_pid, kGroup);
  expect(watching, "to one", teller.nl_pid, 0);
  CHECK_NOTHING(watching);
  tell(telling, "later", group);
  expect(watching, "later", teller.nl_pid, kGroup);
  CHECK_NOTHING(telling);
  subject_done();
}
