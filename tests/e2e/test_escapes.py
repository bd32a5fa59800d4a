"""Ways out of an instance, tried from inside as root with what every program has: all of them lead
nowhere. What is tried works natively or with --privileged, or it would prove nothing.

The real harness.
"""

import os
import stat
import sys
import unittest

from real_fixture import RealNode, enter_own_world

# Tries what it is told and says how that ended: "done", or the error's name.
TRIES = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")

def write_same(path):
    text = open(path).read()
    with open(path, "w") as file:
        file.write(text)

def attempt():
    {what}

try:
    attempt()
    print("done")
except OSError as error:
    print(errno.errorcode[error.errno])
"""
KMSG = os.makedev(1, 11)
DISKS = [os.makedev(8, 0), os.makedev(254, 0), os.makedev(259, 0), os.makedev(7, 0)]
MS_BIND = 0x1000
SYS_OPEN_BY_HANDLE_AT, SYS_BPF, SYS_PTRACE, SYS_MOUNT, SYS_SETNS = 304, 321, 101, 165, 308
PTRACE_SEIZE = 0x4206
# Whose change would reach beyond the instance; each is only written as it is.
SETTINGS = ("kernel/core_pattern", "kernel/panic", "vm/swappiness", "vm/overcommit_memory", "fs/file-max",
            "kernel/randomize_va_space")
# Entered from a user namespace, in which the caller has every right.
IN_USER_NAMESPACE = "call(272, 0x10000000 | 0x00020000)\n    "  # unshare(CLONE_NEWUSER | CLONE_NEWNS)


def setUpModule():
    enter_own_world()


class Escapes(RealNode):
    def setUp(self):
        super().setUp()
        self.appshot("run", "-d", "--name", self.aid, "-v", f"{self.root}:/shared", "sleep", "1000")

    def attempt(self, what):
        return self.appshot("exec", self.aid, sys.executable, "-c", TRIES.format(what=what))

    def attempt_privileged(self, what, *options):
        return self.appshot("run", "--rm", "--privileged", *options, "--", sys.executable, "-c",
                            TRIES.format(what=what))

    def assert_refused(self, what, errors=("EPERM",)):
        self.assertIn(self.attempt(what), errors, what)

    def test_processes_of_ours(self):
        for name in ("root", "cwd", "exe", "ns/mnt", "fd/' + os.listdir('/proc/1/fd')[0] + '"):
            self.assert_refused(f"os.readlink('/proc/1/{name}')", ("EACCES", "EPERM"))
        for name in ("root/etc", "mem", "environ", "ns/mnt", "ns/pid", "ns/net", "ns/user"):
            self.assert_refused(f"open('/proc/1/{name}')", ("EACCES", "EPERM"))
        self.assert_refused(f"call({SYS_PTRACE}, {PTRACE_SEIZE}, 1, 0, 0)")
        seen = self.appshot("exec", self.aid, "sh", "-c", "ls -d /proc/[0-9]*").split()
        self.assertLess(len(seen), 6)  # init, sleep, and who looks

    def test_mounts_and_namespaces(self):
        self.assert_refused(f"call({SYS_MOUNT}, b'none', b'/mnt', b'tmpfs', 0, 0)")
        self.assert_refused(f"call({SYS_MOUNT}, b'/', b'/mnt', b'', {MS_BIND}, 0)")
        self.assert_refused(f"call({SYS_SETNS}, os.open('/proc/self/ns/mnt', 0), 0)")
        self.assertEqual(self.attempt(f"{IN_USER_NAMESPACE}call({SYS_MOUNT}, b'none', b'/mnt', b'tmpfs', 0, 0)"),
                         "done")
        for kind in ("ext4", "cgroup", "debugfs", "tracefs", "securityfs"):
            self.assert_refused(f"{IN_USER_NAMESPACE}call({SYS_MOUNT}, b'none', b'/mnt', b'{kind}', 0, 0)",
                                ("EPERM", "ENODEV", "EINVAL", "ENOENT", "EBUSY"))

    def test_files_by_handle(self):
        self.assert_refused(f"call({SYS_OPEN_BY_HANDLE_AT}, -100, 0, 0)")
        self.assertEqual(self.attempt_privileged(f"call({SYS_OPEN_BY_HANDLE_AT}, -100, 0, 0)"), "EFAULT")

    def test_devices(self):
        for device in (*DISKS, KMSG):
            for kind in ("S_IFBLK", "S_IFCHR"):
                self.assert_refused(f"import stat; os.mknod('/tmp/node', 0o600 | stat.{kind}, {device})")
                self.assert_refused(f"{IN_USER_NAMESPACE}import stat; "
                                    f"os.mknod('/tmp/node', 0o600 | stat.{kind}, {device})")
        # Nor is one of any use that somebody else has made.
        os.mknod(self.root / "node", 0o666 | stat.S_IFCHR, KMSG)
        self.assert_refused("open('/shared/node')", ("EPERM", "EACCES"))
        self.assertEqual(self.attempt_privileged("open('/shared/node')", "-v", f"{self.root}:/shared"), "done")

    def test_settings_of_the_machine(self):
        for name in SETTINGS:
            self.assert_refused(f"write_same('/proc/sys/{name}')")
            self.assertEqual(self.attempt_privileged(f"write_same('/proc/sys/{name}')"), "done", name)
        # In a /proc of one's own, too.
        self.assert_refused("call(272, 0x30020000); pid = os.fork()\n"
                            "    if pid: sys.exit(os.waitpid(pid, 0)[1])\n"
                            f"    call({SYS_MOUNT}, b'none', b'/mnt', b'proc', 0, 0)\n"
                            f"    write_same('/mnt/sys/{SETTINGS[0]}')", ("EPERM", "EACCES"))

    def test_settings_of_ones_own(self):
        for name in ("net/core/somaxconn", "kernel/shmmax", "kernel/sem", "kernel/msgmax",
                     "fs/mqueue/msg_max", "kernel/hostname"):
            self.assertEqual(self.attempt(f"write_same('/proc/sys/{name}')"), "done", name)

    def test_settings_that_are_shared(self):
        self.appshot("run", "-d", "--name", f"{self.aid}-shares", "--share", "net", "--share", "ipc", "--share",
                     "uts", "sleep", "1000")
        for name in ("net/core/somaxconn", "kernel/shmmax", "kernel/hostname"):
            said = self.appshot("exec", f"{self.aid}-shares", sys.executable, "-c",
                                TRIES.format(what=f"write_same('/proc/sys/{name}')"))
            self.assertEqual(said, "EPERM", name)

    def test_sysfs(self):
        write = "open('/sys/{0}', 'w')"
        where = "kernel/mm/transparent_hugepage/enabled"
        self.assert_refused(write.format(where), ("EROFS",))
        said = self.appshot("run", "--rm", "--share", "net", "--", sys.executable, "-c",
                            TRIES.format(what=write.format(where)))
        self.assertEqual(said, "EROFS")
        self.assert_refused("os.mkdir('/sys/fs/cgroup/escape')", ("EROFS", "EPERM", "EACCES", "ENOENT"))

    def test_programs_of_the_kernel(self):
        self.assert_refused(f"call({SYS_BPF}, -1, 0, 0)")
        self.assertEqual(self.attempt_privileged(f"call({SYS_BPF}, -1, 0, 0)"), "EINVAL")

    def test_out_of_the_root_folder(self):
        """With chroot one gets to the root of the mount namespace, which is the instance's own."""
        name = f"escape-{self.tag}"
        self.attempt("os.mkdir('/tmp/room'); here = os.open('/', 0); os.chroot('/tmp/room'); os.fchdir(here)\n"
                     "    for _ in range(20): os.chdir('..')\n"
                     f"    os.chroot('.'); open('/{name}', 'w').write('x')")
        self.assertFalse(os.path.exists(f"/{name}"))
        self.appshot("exec", self.aid, "cat", f"/{name}")

    def test_what_appshot_keeps(self):
        """Neither its socket nor what is of other instances."""
        self.assertIn("lib", os.listdir(self.root))
        for folder in ("lib", "run"):
            for root in (self.root, "/shared"):
                self.assertEqual(self.appshot("exec", self.aid, "ls", f"{root}/{folder}"), "")


if __name__ == "__main__":
    unittest.main()
