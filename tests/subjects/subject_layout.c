// The memory map as /proc/self/smaps tells it, and how two of them differ. See subject.h.
#include "subject.h"

static char smaps_text[1 << 20];

static bool is_ignored_flag(const char* flag) {
  static const char* const kIgnored[] = {"sd", "um", "uw", "ui", "ac"};
  for (size_t i = 0; i < sizeof kIgnored / sizeof kIgnored[0]; ++i)
    if (strncmp(flag, kIgnored[i], 2) == 0) return true;
  return false;
}

static void keep_flags(const char* text, char* flags, size_t size) {
  size_t used = 0;
  for (; *text && *text != '\n'; text += 3) {
    while (*text == ' ') ++text;
    if (!*text || *text == '\n') break;
    if (is_ignored_flag(text) || used + 4 > size) continue;
    memcpy(flags + used, text, 2);
    flags[used + 2] = ' ';
    used += 3;
  }
  flags[used] = 0;
}

static bool can_merge(const struct vma* a, const struct vma* b) {
  return a->end == b->start && !a->path[0] && !b->path[0] && strcmp(a->perms, b->perms) == 0 &&
         strcmp(a->flags, b->flags) == 0;
}

void layout_read(struct layout* layout) {
  size_t size = read_text("/proc/self/smaps", smaps_text, sizeof smaps_text);
  if (size + 1 >= sizeof smaps_text) FAIL("smaps is larger than the buffer");
  layout->count = 0;
  struct vma* vma = NULL;
  for (char* line = smaps_text; *line; line = strchr(line, '\n') + 1) {
    unsigned long start, end, offset;
    char perms[5], path[160] = "";
    if (sscanf(line, "%lx-%lx %4s %lx %*s %*u%*[ ]%159[^\n]", &start, &end, perms, &offset, path) >=
        4) {
      if (layout->count == (int)(sizeof layout->vmas / sizeof layout->vmas[0]))
        FAIL("too many vmas");
      vma = &layout->vmas[layout->count++];
      *vma = (struct vma){.start = start, .end = end, .offset = offset};
      memcpy(vma->perms, perms, sizeof perms);
      memcpy(vma->path, path, sizeof path);
    } else if (vma && strncmp(line, "VmFlags: ", 9) == 0) {
      keep_flags(line + 9, vma->flags, sizeof vma->flags);
      if (layout->count >= 2 && can_merge(vma - 1, vma)) {
        vma[-1].end = vma->end;
        --layout->count;
      }
    }
  }
}

static void describe(const struct vma* vma, char* text, size_t size) {
  snprintf(text, size, "%lx-%lx %s %lx %s [%s]", vma->start, vma->end, vma->perms, vma->offset,
           vma->path, vma->flags);
}

void layout_check_same(const struct layout* now, const struct layout* before) {
  for (int i = 0; i < now->count || i < before->count; ++i) {
    char a[400] = "nothing", b[400] = "nothing";
    if (i < now->count) describe(&now->vmas[i], a, sizeof a);
    if (i < before->count) describe(&before->vmas[i], b, sizeof b);
    bool stack = i < now->count && i < before->count && strcmp(now->vmas[i].path, "[stack]") == 0 &&
                 now->vmas[i].end == before->vmas[i].end &&
                 strcmp(now->vmas[i].flags, before->vmas[i].flags) == 0;
    if (!stack && strcmp(a, b) != 0) FAIL("mapping %d is %s, expected %s", i, a, b);
  }
}

const struct vma* layout_find(const struct layout* layout, const void* address) {
  for (int i = 0; i < layout->count; ++i)
    if ((unsigned long)address >= layout->vmas[i].start &&
        (unsigned long)address < layout->vmas[i].end)
      return &layout->vmas[i];
  return NULL;
}
