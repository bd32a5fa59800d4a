// Packet filters that an application has made in the network it runs in: what they say, what they
// have counted, and that they do it.
#include "subject_tools.h"

enum { kOpen = 7101, kClosed = 7102, kOther = 7103 };

static const char kRules[] =
    "table inet t {\n"
    "  counter seen { packets 5 bytes 500 }\n"
    "  quota much { over 100 mbytes }\n"
    "  set ports { type inet_service; flags interval; elements = { 7102, 7200-7210 } }\n"
    "  set met { type ipv4_addr; flags dynamic,timeout; timeout 1h; }\n"
    "  map places { type inet_service : verdict; elements = { 7300 : drop, 7301 : jump aside } }\n"
    "  chain aside { counter drop; }\n"
    "  chain incoming { type filter hook input priority 0; policy accept;\n"
    "    tcp dport 7101 tcp flags & (syn | ack) == syn counter name seen comment \"told\"\n"
    "    tcp dport @ports reject with tcp reset\n"
    "    tcp dport vmap @places\n"
    "    ip saddr { 10.0.0.1, 10.0.0.2-10.0.0.9 } drop\n"
    "    tcp dport 7101 add @met { ip saddr limit rate 1000/second }\n"
    "    tcp dport 7400 jump { counter; accept; }\n"
    "    ct state established counter accept\n"
    "    limit rate 10/second burst 7 packets log prefix \"x\" group 3\n"
    "  }\n"
    "}\n"
    "table ip n {\n"
    "  chain outgoing { type nat hook output priority -100; tcp dport 7103 redirect to :7101; }\n"
    "}\n";

static int listener(int port) {
  struct name name = loopback_name(AF_INET, port);
  int fd = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  CHECK_OK(bind(fd, &name.any, name.size));
  CHECK_OK(listen(fd, 5));
  return fd;
}

static int client(int port) {
  struct name name = loopback_name(AF_INET, port);
  int fd = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_OK(connect(fd, &name.any, name.size));
  return fd;
}

static void refused(int port) {
  struct name name = loopback_name(AF_INET, port);
  int fd = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_ERRNO(connect(fd, &name.any, name.size), ECONNREFUSED);
  CHECK_OK(close(fd));
}

static void say(int from, int to, const char* text) {
  char buffer[64] = {0};
  CHECK_EQ(send(from, text, strlen(text), 0), strlen(text));
  CHECK_EQ(recv(to, buffer, strlen(text), MSG_WAITALL), strlen(text));
  CHECK_STR(buffer, text);
}

int main(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() == 0) CHECK_OK(unshare(CLONE_NEWNET)), tool("ip link set lo up");
  FILE* file = fopen(subject_path("rules"), "w");
  CHECK(file != NULL);
  CHECK(fputs(kRules, file) >= 0);
  CHECK_EQ(fclose(file), 0);
  tool("nft -f %s", subject_path("rules"));
  int open_one = listener(kOpen), closed_one = listener(kClosed);
  refused(kClosed);
  int plain = client(kOpen), plain_end = (int)CHECK_OK(accept(open_one, NULL, NULL));
  // What goes to another port than was asked for goes on doing so only while that is known.
  int turned = client(kOther), turned_end = (int)CHECK_OK(accept(open_one, NULL, NULL));
  for (const char** step = (const char*[]){"made", "again", NULL}; *step; ++step) {
    say(plain, plain_end, "to"), say(plain_end, plain, "fro");
    say(turned, turned_end, "to"), say(turned_end, turned, "fro");
    char* before = told_by("nft -s list ruleset");
    char* counted = told_by("nft list counter inet t seen");
    STEP(*step);
    char* after = told_by("nft -s list ruleset");
    check_same(after, before);
    char* counted_after = told_by("nft list counter inet t seen");
    check_same(counted_after, counted);
    free(before), free(after), free(counted), free(counted_after);
    say(turned, turned_end, "to"), say(turned_end, turned, "fro");
    say(plain, plain_end, "to"), say(plain_end, plain, "fro");
    refused(kClosed);
    int more = client(kOther), more_end = (int)CHECK_OK(accept(open_one, NULL, NULL));
    say(more, more_end, "new");
    CHECK_OK(close(more)), CHECK_OK(close(more_end));
  }
  CHECK_OK(close(closed_one));
  subject_done();
}
