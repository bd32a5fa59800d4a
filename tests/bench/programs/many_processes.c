// many_processes COUNT: that many processes in all, each with a little memory of its own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kOwnBytes = 64 * 1024 };

int main(int argc, char** argv) {
  int count = argc > 1 ? atoi(argv[1]) : 2;
  for (int i = 1; i < count; ++i) {
    pid_t child = fork();
    if (child < 0) return 1;
    if (child > 0) continue;
    memset(malloc(kOwnBytes), i, kOwnBytes);
    for (;;) pause();
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
