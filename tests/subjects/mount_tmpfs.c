// A tmpfs in a mount namespace of the application's own, with everything that can be in one: files
// with owners, modes, times and attributes, links of both kinds, sparse ones, fifos, devices, a
// bound socket; what is open there, mapped, removed but open, and worked in.
#include "subject_mounts.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static struct mount_table table;
static char folder[PATH_MAX];

static const char* at(const char* name) { return path_in(folder, name); }

struct held {
  int file, lost, listener;
  char* shared;
};

static void fill(struct held* held) {
  CHECK_OK(chown(folder, 7, 8));
  CHECK_OK(chmod(folder, 01751));
  CHECK_OK(mkdir(at("inner"), 0700));
  CHECK_OK(mkdir(at("inner/deep"), 0755));
  write_text(at("inner/deep/file"), "deep");
  CHECK_OK(chown(at("inner/deep/file"), 11, 12));
  CHECK_OK(chmod(at("inner/deep/file"), 04640));
  CHECK_OK(setxattr(at("inner/deep/file"), "trusted.tag", "value", 5, 0));
  CHECK_OK(setxattr(folder, "trusted.root", "r", 1, 0));
  CHECK_OK(link(at("inner/deep/file"), at("second-name")));
  CHECK_OK(symlink("inner/deep", at("link")));
  CHECK_OK(mkfifo(at("fifo"), 0622));
  CHECK_OK(mknod(at("null"), S_IFCHR | 0666, makedev(1, 3)));
  int sparse = (int)CHECK_OK(open(at("sparse"), O_RDWR | O_CREAT, 0600));
  CHECK_OK(pwrite(sparse, "end", 3, 64 << 20));
  CHECK_OK(close(sparse));
  struct timespec times[2] = {{1000000000, 5}, {1100000000, 7}};
  CHECK_OK(utimensat(AT_FDCWD, at("inner"), times, 0));
  held->file = (int)CHECK_OK(open(at("inner/deep/file"), O_RDWR | O_APPEND));
  held->lost = (int)CHECK_OK(open(at("lost"), O_RDWR | O_CREAT, 0600));
  CHECK_OK(write(held->lost, "no name", 7));
  CHECK_OK(unlink(at("lost")));
  held->listener = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof name.sun_path, "%.100s", at("socket"));
  CHECK_OK(bind(held->listener, (struct sockaddr*)&name, sizeof name));
  CHECK_OK(listen(held->listener, 5));
  int mapped = (int)CHECK_OK(open(at("mapped"), O_RDWR | O_CREAT, 0600));
  CHECK_OK(ftruncate(mapped, 8192));
  held->shared = CHECK_MAP(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0));
  strcpy(held->shared + 4096, "mapped");
  CHECK_OK(close(mapped));
  CHECK_OK(chdir(at("inner")));
}

static void check(struct held* held) {
  struct stat info, other;
  char text[200] = {0};
  mounts_check_same(&table);
  CHECK_OK(stat(folder, &info));
  CHECK_EQ(info.st_mode, S_IFDIR | 01751);
  CHECK_EQ(info.st_uid, 7);
  CHECK_EQ(info.st_gid, 8);
  CHECK_EQ(getxattr(folder, "trusted.root", text, sizeof text), 1);
  CHECK_OK(stat(at("inner/deep/file"), &info));
  CHECK_EQ(info.st_mode, S_IFREG | 04640);
  CHECK_EQ(info.st_uid, 11);
  CHECK_EQ(info.st_nlink, 2);
  CHECK_EQ(getxattr(at("second-name"), "trusted.tag", text, sizeof text), 5);
  CHECK_OK(stat(at("second-name"), &other));
  CHECK_EQ(info.st_ino, other.st_ino);
  CHECK_OK(fstat(held->file, &other));
  CHECK_EQ(info.st_ino, other.st_ino);
  CHECK_OK(stat(at("inner"), &info));
  CHECK_EQ(info.st_mtim.tv_sec, 1100000000);
  CHECK_EQ(info.st_mtim.tv_nsec, 7);
  CHECK_OK(lstat(at("fifo"), &info));
  CHECK_EQ(info.st_mode, S_IFIFO | (0622 & ~022));
  CHECK_OK(lstat(at("null"), &info));
  CHECK_EQ(info.st_rdev, makedev(1, 3));
  CHECK_OK(stat(at("sparse"), &info));
  CHECK_EQ(info.st_size, (64 << 20) + 3);
  CHECK(info.st_blocks < 1000);
  memset(text, 0, sizeof text);
  CHECK_OK(readlink(at("link"), text, sizeof text));
  CHECK_STR(text, "inner/deep");
  check_text("deep/file", "deep");
  memset(text, 0, sizeof text);
  CHECK_EQ(pread(held->lost, text, sizeof text, 0), 7);
  CHECK_STR(text, "no name");
  CHECK_OK(fstat(held->lost, &info));
  CHECK_EQ(info.st_nlink, 0);
  CHECK_STR(held->shared + 4096, "mapped");
  int client = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof name.sun_path, "%.100s", at("socket"));
  CHECK_OK(connect(client, (struct sockaddr*)&name, sizeof name));
  CHECK_OK(close((int)CHECK_OK(accept(held->listener, NULL, NULL))));
  CHECK_OK(close(client));
  CHECK(getcwd(text, sizeof text) != NULL);
  CHECK_STR(text, at("inner"));
}

int main(void) {
  mounts_begin();
  CHECK_OK(mkdir(subject_path("on"), 0755));
  snprintf(folder, sizeof folder, "%s", subject_path("on"));
  write_text(subject_path("on/below"), "below");
  struct peer child = peer_fork();
  if (child.pid == 0) {
    own_mounts();
    CHECK_OK(mount("memory", folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=200m,nr_inodes=1000"));
    struct held held;
    fill(&held);
    mounts_read(&table);
    peer_tell(&child, 0);
    peer_hear(&child);
    check(&held);
    strcpy(held.shared, "begin");
    CHECK_OK(write(held.file, "er", 2));
    peer_tell(&child, 0);
    peer_hear(&child);
    char text[10] = {0};
    int mapped = (int)CHECK_OK(open(at("mapped"), O_RDONLY));
    CHECK_EQ(read(mapped, text, 5), 5);
    CHECK_STR(text, "begin");
    check_text(at("second-name"), "deeper");
    CHECK_OK(chdir("/"));
    _exit(0);
  }
  peer_hear(&child);
  STEP("filled");
  check_text(subject_path("on/below"), "below");
  peer_tell(&child, 0);
  peer_hear(&child);
  STEP("changed");
  peer_tell(&child, 0);
  peer_end(&child);
  CHECK_OK(unlink(subject_path("on/below")));
  subject_done();
}
