// A listener bound to a relative path keeps that name, and its file keeps mode, owner and place,
// also when the process has gone to another folder since.
#include "subject_net.h"

static const char* folder;
static int listener;

static void check_file(const char* path) {
  struct stat st;
  CHECK_OK(stat(path, &st));
  CHECK(S_ISSOCK(st.st_mode));
  CHECK_EQ(st.st_mode & 07777, 0620);
  CHECK_EQ(st.st_uid, 1000);
  CHECK_EQ(st.st_gid, 1001);
  CHECK_NAME(name_of(listener), path_name("relative"));
  int client = connected_socket(SOCK_STREAM, path_name(path)), server = accepted_socket(listener);
  CHECK_NAME(peer_name_of(client), path_name("relative"));
  CHECK_NAME(name_of(server), path_name("relative"));
  CONVERSE(client, server);
  CHECK_OK(close(client));
  CHECK_OK(close(server));
}

int main(void) {
  folder = subject_path("folder");
  const char* path = subject_path("folder/relative");
  CHECK_OK(mkdir(folder, 0755));
  CHECK_OK(chdir(folder));
  listener = listening_socket(SOCK_STREAM, path_name("relative"), 5);
  CHECK_OK(chown("relative", 1000, 1001));
  CHECK_OK(chmod("relative", 0620));
  check_file("relative");
  STEP("in the folder");
  check_file("relative");
  check_file(path);
  CHECK_OK(chdir("/"));
  STEP("in another folder");
  CHECK_ERRNO(access("relative", F_OK), ENOENT);
  check_file(path);
  CHECK_OK(chdir(folder));
  check_file("relative");
  CHECK_OK(unlink("relative"));
  CHECK_OK(chdir("/"));
  subject_done();
}
