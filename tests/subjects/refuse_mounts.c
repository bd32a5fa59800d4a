// Mounts that cannot be kept: what the instance needs covered or unmounted, file systems that
// cannot be made again, and places that will not be there.
#include "subject_mounts.h"

static void mount_tmpfs(const char* on) { CHECK_OK(mount("memory", on, "tmpfs", 0, NULL)); }

int main(void) {
  mounts_begin();
  for (const char** name = (const char*[]){"on", "lower", "upper", "merged", "terminals", NULL};
       *name; ++name)
    CHECK_OK(mkdir(subject_path(*name), 0755));
  mount_tmpfs(subject_path("on"));
  CHECK_OK(mkdir(subject_path("on/upper"), 0755));
  CHECK_OK(mkdir(subject_path("on/work"), 0755));
  char options[3 * PATH_MAX];
  snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", subject_path("lower"),
           subject_path("on/upper"), subject_path("on/work"));
  CHECK_OK(mount("overlay", subject_path("merged"), "overlay", 0, options));
  subject_expect(kAnyProcess, "has mounted a file system (overlay)");
  CHECK_OK(mount("devpts", subject_path("terminals"), "devpts", 0, "ptmxmode=666"));
  int master = (int)CHECK_OK(open(path_in(subject_path("terminals"), "ptmx"), O_RDWR | O_NOCTTY));
  subject_expect(kAnyProcess, "in which there are terminals");
  if (subject_cycles() > 0) {
    CHECK_OK(umount("/dev/mqueue"));
    subject_expect(kAnyProcess, "unmounted or moved /dev/mqueue");
    mount_tmpfs("/dev/shm");
    subject_expect(kAnyProcess, "over /dev/shm of the instance");
    char about[64];
    snprintf(about, sizeof about, "/proc/%d/status", getpid());
    CHECK_OK(mount("/dev/null", about, NULL, MS_BIND, NULL));
    subject_expect(kAnyProcess, "in /proc, where a restore will not find that place");
  }
  subject_hold();
  CHECK_OK(close(master));
  CHECK_OK(umount(subject_path("terminals")));
  CHECK_OK(umount(subject_path("merged")));
  CHECK_OK(umount(subject_path("on")));
  subject_done();
}
