// Draws from glibc's generators: when it begins, and again when it finds itself a clone, and
// once more when it has seeded those that a program can seed.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

static unsigned seed = 7;

static void draw(const char* word) {
  unsigned long of_kernel, of_openssl;
  if (getrandom(&of_kernel, sizeof of_kernel, 0) != sizeof of_kernel) exit(1);
  if (RAND_bytes((unsigned char*)&of_openssl, sizeof of_openssl) != 1) exit(1);
  printf("%s rand=%x rand_r=%x arc4random=%x getrandom=%lx openssl=%lx\n", word, rand(),
         rand_r(&seed), arc4random(), of_kernel, of_openssl);
  fflush(stdout);
}

static int is_clone(void) {
  char text[32] = "";
  int fd = open("/run/appshot/event", O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0) exit(1);
  close(fd);
  return strcmp(text, "clone\n") == 0;
}

int main(void) {
  srand((unsigned)time(NULL));
  draw("ready");
  while (!is_clone()) usleep(10000);
  draw("drawn");
  unsigned fresh[2];
  if (getrandom(fresh, sizeof fresh, 0) != sizeof fresh || RAND_poll() != 1) exit(1);
  srand(fresh[0]);
  seed = fresh[1];
  draw("mended");
  for (;;) pause();
}
