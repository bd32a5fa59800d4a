// fill_memory MIB: fills that much memory with random bytes, says so, and sleeps.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  size_t words = (argc > 1 ? strtoul(argv[1], NULL, 10) : 1) * (1024 * 1024 / sizeof(uint64_t));
  uint64_t* memory = malloc(words * sizeof(uint64_t));
  if (memory == NULL) return 1;
  uint64_t state = 0x9e3779b97f4a7c15u;
  for (size_t i = 0; i < words; ++i) {  // xorshift
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    memory[i] = state;
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
