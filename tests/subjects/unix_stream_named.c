// Stream connections through a listener in the file system and an abstract one: the names on all
// four ends, what is queued both ways, and the listeners, which take new connections after.
#include "subject_net.h"

struct connection {
  struct name at, client_name;
  int listener, client, server;
};

static struct connection set_up(struct name at, struct name client_name) {
  struct connection made = {.at = at, .client_name = client_name};
  made.listener = listening_socket(SOCK_STREAM, at, 5);
  made.client = new_socket(AF_UNIX, SOCK_STREAM);
  if (client_name.size > unnamed().size)
    CHECK_OK(bind(made.client, &client_name.any, client_name.size));
  CHECK_OK(connect(made.client, &at.any, at.size));
  made.server = accepted_socket(made.listener);
  send_text(made.client, "to the server");
  send_text(made.server, "to the client");
  RECEIVE(made.server, "to");
  return made;
}

static void check(struct connection* made) {
  CHECK_NAME(name_of(made->listener), made->at);
  CHECK_ERRNO(getpeername(made->listener, &(struct name){0}.any, &(socklen_t){0}), ENOTCONN);
  CHECK_EQ(get_option(made->listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
  CHECK_EQ(get_option(made->server, SOL_SOCKET, SO_ACCEPTCONN), 0);
  CHECK_NAME(name_of(made->client), made->client_name);
  CHECK_NAME(peer_name_of(made->client), made->at);
  CHECK_NAME(name_of(made->server), made->at);
  CHECK_NAME(peer_name_of(made->server), made->client_name);
  RECEIVE(made->server, " the server");
  RECEIVE(made->client, "to the client");
  CONVERSE(made->client, made->server);
  CHECK_NOTHING(made->server);
  int client = connected_socket(SOCK_STREAM, made->at);
  int server = accepted_socket(made->listener);
  CONVERSE(client, server);
  CHECK_ERRNO(bind(client, &made->at.any, made->at.size), EADDRINUSE);
  CHECK_OK(close(client));
  CHECK_END(server);
  CHECK_OK(close(server));
}

int main(void) {
  struct connection in_file = set_up(path_name(subject_path("listener")), unnamed());
  struct connection both_named =
      set_up(abstract_name("listener"), path_name(subject_path("client")));
  STEP("connected");
  check(&in_file);
  check(&both_named);
  send_text(in_file.client, "to the server");
  CHECK_OK(close(in_file.listener));  // the connection does not need it
  STEP("without the listener");
  RECEIVE(in_file.server, "to the server");
  CHECK_NAME(name_of(in_file.server), in_file.at);
  CHECK_NAME(peer_name_of(in_file.client), in_file.at);
  CONVERSE(in_file.client, in_file.server);
  int late = new_socket(AF_UNIX, SOCK_STREAM);
  CHECK_ERRNO(connect(late, &in_file.at.any, in_file.at.size), ECONNREFUSED);
  subject_done();
}
