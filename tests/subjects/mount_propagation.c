// Mounts that tell others of what is mounted on them: a group across two namespaces, who is told
// and tells nobody, who is told and tells a group of its own, and one that must not be bound.
#include "subject_mounts.h"

static struct mount_table table;

static void type(const char* name, unsigned long type) {
  CHECK_OK(mount(NULL, subject_path(name), NULL, type, NULL));
}

static bool is_mounted(const char* name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/here", subject_path(name));
  return access(path, F_OK) == 0;
}

static void check_told(const char* point, bool shared, bool slave, bool second) {
  CHECK_OK(mount("told", subject_path(point), "tmpfs", 0, NULL));
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/here", point);
  write_text(subject_path(path), "");
  CHECK_EQ(is_mounted("shared/on"), shared);
  CHECK_EQ(is_mounted("slave/on"), slave);
  CHECK_EQ(is_mounted("second/on"), second);
  CHECK_OK(umount(subject_path(point)));
  CHECK(!is_mounted("shared/on") && !is_mounted("slave/on") && !is_mounted("second/on"));
}

static void check(struct peer* child) {
  mounts_check_same(&table);
  check_told("shared/on", true, true, true);
  check_told("slave/on", false, true, false);
  check_told("second/on", false, false, true);
  CHECK_ERRNO(mount(subject_path("unbindable"), subject_path("plain"), NULL, MS_BIND, NULL),
              EINVAL);
  // Across namespaces, both ways.
  CHECK_OK(mount("told", subject_path("shared/on"), "tmpfs", 0, NULL));
  peer_tell(child, 1);
  CHECK_EQ(peer_hear(child), 1);
  CHECK_OK(umount(subject_path("shared/on")));
  peer_tell(child, 2);
  peer_hear(child);
  CHECK(is_mounted("shared/on") && is_mounted("second/on"));
  peer_tell(child, 3);
  peer_hear(child);
  CHECK(!is_mounted("shared/on"));
}

int main(void) {
  mounts_begin();
  for (const char** name =
           (const char*[]){"shared", "shared/on", "slave", "second", "unbindable", "plain", NULL};
       *name; ++name)
    CHECK_OK(mkdir(subject_path(*name), 0755));
  CHECK_OK(mount(subject_path("shared"), subject_path("shared"), NULL, MS_BIND, NULL));
  type("shared", MS_SHARED);
  CHECK_OK(mount(subject_path("shared"), subject_path("slave"), NULL, MS_BIND, NULL));
  type("slave", MS_SLAVE);
  CHECK_OK(mount(subject_path("shared"), subject_path("second"), NULL, MS_BIND, NULL));
  type("second", MS_SLAVE);
  type("second", MS_SHARED);
  CHECK_OK(mount("none", subject_path("unbindable"), "tmpfs", 0, NULL));
  type("unbindable", MS_UNBINDABLE);
  struct peer child = peer_fork();
  if (child.pid == 0) {
    CHECK_OK(unshare(CLONE_NEWNS));  // its copies are in the groups of theirs
    mounts_read(&table);
    peer_tell(&child, 0);
    for (long command; (command = peer_hear(&child)) != 0;) {
      if (command == 1) {
        peer_tell(&child, access(subject_path("shared/on"), F_OK) == 0 &&
                              is_mounted("shared/on") == is_mounted("slave/on"));
        continue;
      }
      if (command == 2) {
        CHECK_OK(mount("told", subject_path("shared/on"), "tmpfs", 0, NULL));
        write_text(subject_path("shared/on/here"), "");
      } else if (command == 3) {
        CHECK_OK(umount(subject_path("shared/on")));
      } else {
        mounts_check_same(&table);
      }
      peer_tell(&child, 0);
    }
    _exit(0);
  }
  peer_hear(&child);
  mounts_read(&table);
  STEP("groups");
  peer_tell(&child, 4);
  peer_hear(&child);
  check(&child);
  STEP("told");
  check(&child);
  peer_tell(&child, 0);
  peer_end(&child);
  for (const char** name = (const char*[]){"unbindable", "second", "slave", "shared", NULL}; *name;
       ++name)
    CHECK_OK(umount(subject_path(*name)));
  subject_done();
}
