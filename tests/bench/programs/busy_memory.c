// busy_memory MIB [MIB_A_SECOND]: fills that much memory and rewrites so much of it, a page here
// and there. At SIGUSR1 it looks at all of it and prints "whole" or "broken"; "pause MS" is the
// longest time it did not run between two looks at the clock, told and begun anew at SIGUSR2. At
// SIGHUP it rewrites a hundredth of it and prints "rewritten".
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { kPage = 4096, kAtOnce = 256 };

struct page {
  uint64_t number;
  uint64_t version;
  uint64_t words[kPage / 8 - 2];
};

static volatile sig_atomic_t asked_if_whole, asked_for_pause, asked_to_rewrite;

static void on_signal(int number) {
  if (number == SIGUSR1) asked_if_whole = 1;
  if (number == SIGUSR2) asked_for_pause = 1;
  if (number == SIGHUP) asked_to_rewrite = 1;
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static uint64_t word(uint64_t number, uint64_t version) {
  return (number + 1) * 0x9e3779b97f4a7c15u + version * 0xbf58476d1ce4e5b9u;
}

static void write_page(struct page* page, uint64_t number, uint64_t version) {
  page->number = number;
  page->version = version;
  for (size_t i = 0; i < sizeof page->words / 8; ++i) page->words[i] = word(number, version) + i;
}

static size_t any_page(size_t count) {
  static uint64_t random = 88172645463325252u;
  random ^= random << 13;
  random ^= random >> 7;
  random ^= random << 17;
  return random % count;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const size_t count = strtoul(argv[1], NULL, 10) * 256;
  const double pages_a_ms = (argc > 2 ? strtod(argv[2], NULL) : 0) * 256 / 1e3;
  struct page* pages = aligned_alloc(kPage, count * sizeof *pages);
  uint64_t* versions = calloc(count, sizeof *versions);
  if (pages == NULL || versions == NULL) return 1;
  for (size_t i = 0; i < count; ++i) write_page(&pages[i], i, 0);
  signal(SIGUSR1, on_signal);
  signal(SIGUSR2, on_signal);
  signal(SIGHUP, on_signal);
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  double longest = 0, last = now_ms(), due = 0;
  for (;;) {
    const double now = now_ms();
    if (now - last > longest) longest = now - last;
    due += (now - last) * pages_a_ms;
    if (due > 50 * pages_a_ms + kAtOnce)
      due = 50 * pages_a_ms + kAtOnce;  // what it could not do is not done
    last = now;
    for (int i = 0; due >= 1 && i < kAtOnce; ++i, --due) {
      const size_t number = any_page(count);
      write_page(&pages[number], number, ++versions[number]);
    }
    if (asked_to_rewrite) {
      asked_to_rewrite = 0;
      for (size_t i = 0; i < count / 100; ++i) {
        const size_t number = any_page(count);
        write_page(&pages[number], number, ++versions[number]);
      }
      puts("rewritten");
    }
    if (asked_if_whole) {
      asked_if_whole = 0;
      size_t broken = 0;
      for (size_t i = 0; i < count; ++i) {
        const uint64_t first = word(i, versions[i]);
        int good = pages[i].number == i && pages[i].version == versions[i];
        for (size_t k = 0; k < sizeof pages->words / 8; ++k)
          good = good && pages[i].words[k] == first + k;
        broken += !good;
      }
      printf(broken ? "broken %zu\n" : "whole\n", broken);
      last = now_ms();
    }
    if (asked_for_pause) {
      asked_for_pause = 0;
      printf("pause %.2f\n", longest);
      longest = 0;
      last = now_ms();
    }
    if (due < 1) nanosleep(&(struct timespec){0, 100000}, NULL);
  }
}
