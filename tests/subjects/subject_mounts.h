// The mounts that a process sees, as lines that stay the same while nobody mounts anything: without
// the numbers that no mount can be made under.
#pragma once

#include "subject.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

enum { kMountsMax = 256, kMountLine = 600 };

struct mount_line {
  int id, parent;
  char point[200], line[kMountLine];
};
struct mount_table {
  int count;
  struct mount_line mounts[kMountsMax];
};

static inline int mount_by_line(const void* a, const void* b) {
  return strcmp(((const struct mount_line*)a)->line, ((const struct mount_line*)b)->line);
}

static inline void mounts_append(struct mount_line* mount, const char* word) {
  strncat(mount->line, word, kMountLine - 2 - strlen(mount->line));
  strcat(mount->line, " ");
}

static inline void mounts_read(struct mount_table* table) {
  FILE* file = fopen("/proc/self/mountinfo", "r");
  if (!file) FAIL("no mountinfo");
  char text[4096];
  table->count = 0;
  while (fgets(text, sizeof text, file)) {
    CHECK(table->count < kMountsMax);
    struct mount_line* m = &table->mounts[table->count++];
    char root[200], options[100], type[50], source[200], system[600] = "";
    int at = 0;
    CHECK_EQ(sscanf(text, "%d %d %*s %199s %199s %99s%n", &m->id, &m->parent, root, m->point,
                    options, &at),
             5);
    const char* dash = strstr(text + at, " - ");
    CHECK(sscanf(dash, " - %49s %199s %599s", type, source, system) >= 2);
    // Layers say where on the host they are kept, and the host's file systems what they like.
    bool own =
        strcmp(type, "tmpfs") == 0 || strcmp(type, "proc") == 0 || strcmp(type, "devpts") == 0;
    bool shared = strstr(text + at, " shared:") && strstr(text + at, " shared:") < dash;
    bool slave = strstr(text + at, " master:") && strstr(text + at, " master:") < dash;
    const char* parts[] = {m->point,
                           root,
                           options,
                           shared ? "shared" : "",
                           slave ? "slave" : "",
                           strstr(text + at, " unbindable ") ? "unbindable" : "",
                           type,
                           own ? source : "",
                           own ? system : ""};
    m->line[0] = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i) mounts_append(m, parts[i]);
  }
  fclose(file);
  for (int i = 0; i < table->count; ++i)
    for (int k = 0; k < table->count; ++k)
      if (table->mounts[i].parent == table->mounts[k].id) {
        mounts_append(&table->mounts[i], "on");
        mounts_append(&table->mounts[i], table->mounts[k].point);
      }
  qsort(table->mounts, (size_t)table->count, sizeof table->mounts[0], mount_by_line);
}

// Where appshot keeps what it tells the instance: elsewhere for a clone.
static inline bool mount_is_told(const struct mount_line* mount) {
  return strcmp(mount->point, "/run/appshot") == 0 ||
         strcmp(mount->point, "/proc/sys/kernel/random/boot_id") == 0;
}

static inline void mounts_check_same(const struct mount_table* before) {
  static struct mount_table now;
  mounts_read(&now);
  for (int i = 0; i < now.count && i < before->count; ++i) {
    if (mount_is_told(&now.mounts[i]) && mount_is_told(&before->mounts[i]) &&
        strcmp(now.mounts[i].point, before->mounts[i].point) == 0)
      continue;
    CHECK_STR(now.mounts[i].line, before->mounts[i].line);
  }
  CHECK_EQ(now.count, before->count);
}

// Natively what is mounted must not outlast the run.
static inline void mounts_begin(void) {
  if (geteuid() != 0) subject_skip("needs root");
  if (subject_cycles() > 0) return;
  CHECK_OK(unshare(CLONE_NEWNS));
  CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

static inline void own_mounts(void) {
  CHECK_OK(unshare(CLONE_NEWNS));
  CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

static inline const char* path_in(const char* folder, const char* name) {
  static char paths[8][PATH_MAX];
  static int next;
  char* path = paths[next++ % 8];
  CHECK(snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX);
  return path;
}

static inline void check_text(const char* path, const char* expected) {
  char text[200];
  read_text(path, text, sizeof text);
  CHECK_STR(text, expected);
}
