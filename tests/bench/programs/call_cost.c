// What a few ordinary operations cost: one line each, "NAME NANOSECONDS" (the best of several
// rounds, since everything else that runs can only make them longer).
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kRounds = 25 };
static int zero;

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void open_close(void) { close(open("/usr/bin/env", O_RDONLY)); }

static void allocate(void) {
  void* volatile memory = malloc(256 * 1024);  // beyond malloc's threshold: mmap and munmap
  ((volatile char*)memory)[0] = 1;
  free(memory);
}

static void read_byte(void) {
  char byte;
  if (read(zero, &byte, 1) != 1) exit(1);
}

static void fork_wait(void) {
  pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
}

static void measure(const char* name, void (*operation)(void), int count) {
  double best = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    double begin = now_ns();
    for (int i = 0; i < count; ++i) operation();
    double each = (now_ns() - begin) / count;
    if (each < best) best = each;
  }
  printf("%s %.1f\n", name, best);
}

int main(void) {
  zero = open("/dev/zero", O_RDONLY);
  if (zero < 0) return 1;
  measure("open+close", open_close, 2000);
  measure("malloc+free", allocate, 2000);
  measure("read-1-byte", read_byte, 5000);
  measure("fork+wait", fork_wait, 20);
  return 0;
}
