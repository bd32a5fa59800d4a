// What the subjects about networks share: they are configured, and looked at, with ip(8) and
// nft(8).
#pragma once

#include "subject_net.h"

#include <stdarg.h>

static inline void tool(const char* format, ...) __attribute__((format(printf, 1, 2)));
static inline void tool(const char* format, ...) {
  char command[4096];
  va_list list;
  va_start(list, format);
  vsnprintf(command, sizeof command, format, list);
  va_end(list);
  int status = system(command);
  if (status != 0) FAIL("%s: status %#x", command, (unsigned)status);
}

// What a command prints; to be freed.
static inline char* told_by(const char* command) {
  FILE* pipe = popen(command, "r");
  CHECK(pipe != NULL);
  size_t size = 0;
  char* text = NULL;
  FILE* all = open_memstream(&text, &size);
  for (int byte; (byte = fgetc(pipe)) != EOF;) fputc(byte, all);
  CHECK_EQ(fclose(all), 0);
  if (pclose(pipe) != 0) FAIL("%s fails: %s", command, text);
  return text;
}

// Everything that is configured here. The instance's own cable is another each time; whether a
// device without another end works shows some time later, and so do routes that the kernel makes.
#define SEDS                                                                                   \
  "sed -E '/eth0|^ +valid_lft/d; s/ link-netnsid [0-9]+//; s/ (linkdown|tentative|nodad)//g; " \
  "s/ @if[0-9]+//; s/,?(NO-CARRIER|LOWER_UP)//g; s/ state [A-Z]+//; s/<,/</; s/ +$//'"
static const char* const kLooks[] = {
    "ip -o link | " SEDS,
    "ip -o addr | sed -E 's/_lft [0-9]+sec/_lft/g' | " SEDS,
    "ip -4 route show table all | sort | " SEDS,
    "ip -6 route show table all | sed -E '/fe80|ff00|^anycast/d' | sort | " SEDS,
    "ip rule",
    "ip -6 rule",
    "ip neigh show nud permanent",
    "nft list ruleset",
};
enum { kLookCount = sizeof kLooks / sizeof kLooks[0] };

struct looks {
  char* text[kLookCount];
};

static inline struct looks look(void) {
  struct looks all;
  for (int i = 0; i < kLookCount; ++i) all.text[i] = told_by(kLooks[i]);
  return all;
}

// Line by line, so that a difference can be seen.
static inline void check_same(char* now, char* before) {
  char *rest = NULL, *rest_before = NULL;
  char* line = strtok_r(now, "\n", &rest);
  char* line_before = strtok_r(before, "\n", &rest_before);
  while (line != NULL && line_before != NULL) {
    CHECK_STR(line, line_before);
    line = strtok_r(NULL, "\n", &rest), line_before = strtok_r(NULL, "\n", &rest_before);
  }
  CHECK_STR(line ? line : "", line_before ? line_before : "");
}

static inline void check_looks(struct looks* before) {
  for (int i = 0; i < kLookCount; ++i) {
    char* now = told_by(kLooks[i]);
    check_same(now, before->text[i]);
    free(now), free(before->text[i]);
  }
}
