// Holds a listening TCP socket and a connection through it.
#include "subject.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_OK(bind(listener, (struct sockaddr*)&address, size));
  CHECK_OK(listen(listener, 5));
  CHECK_OK(getsockname(listener, (struct sockaddr*)&address, &size));
  int client = (int)CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_OK(connect(client, (struct sockaddr*)&address, size));
  int server = (int)CHECK_OK(accept(listener, NULL, NULL));
  subject_expect(listener, "tcp|inet|socket");
  subject_expect(client, "tcp|inet|socket");
  subject_hold();
  char text[8] = {0};
  CHECK_EQ(write(client, "hello", 5), 5);
  CHECK_EQ(read(server, text, sizeof text), 5);
  CHECK_STR(text, "hello");
  subject_done();
}
