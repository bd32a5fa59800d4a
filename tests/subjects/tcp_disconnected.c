// A socket that was connected, is not any more, and is connected again.
#include "subject_net.h"

int main(void) {
  for (int i = 0; i < 2; ++i) {
    const int listener = listening_socket(SOCK_STREAM, loopback_name(family_of(i), 0), 5);
    const int client = connected_socket(SOCK_STREAM, name_of(listener));
    const int server = accepted_socket(listener);
    send_text(client, "before");
    RECEIVE(server, "before");
    CHECK_OK(close(server));
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    CHECK_OK(connect(client, &nobody, sizeof nobody));
    STEP(i == 0 ? "disconnected" : "over IPv6");
    struct name name = name_of(listener);
    CHECK_OK(connect(client, &name.any, name.size));
    const int again = accepted_socket(listener);
    send_text(client, "again");
    RECEIVE(again, "again");
    CHECK_OK(close(client));
    CHECK_OK(close(again));
    CHECK_OK(close(listener));
  }
  subject_done();
}
