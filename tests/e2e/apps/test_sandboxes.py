"""Servers and their clients in sandboxes that real tools make: with mounts, host names and networks of their own.
The real harness."""

import sys
import unittest

from going_on import HERE, GoingOn
from real_fixture import enter_own_world

CYCLES = 5
LOAD = ["python3", str(HERE / "load.py")]
BUBBLEWRAP = ["bwrap", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/mnt", "--unshare-net", "--unshare-uts",
              "--unshare-ipc", "--hostname", "inner"]

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def setUpModule():
    enter_own_world()


class InSandboxes(GoingOn):
    def goes_on(self, name, *command):
        self.launch(name, *command)
        self.assert_survives(CYCLES)
        self.appshot("rm", "-f", self.aid)


class OfRoot(InSandboxes):
    """Who makes namespaces as root, and not in a user namespace, may do more than other programs."""

    options = ("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN")

    def test_bubblewrap_around_the_whole_system_read_only(self):
        self.goes_on("whole", "bwrap", "--ro-bind", "/", "/", *BUBBLEWRAP[1:], *LOAD, "redis", "/mnt")

    def test_bubblewrap_with_a_root_in_memory(self):
        folders = [word for folder in ("/usr", "/etc", str(HERE)) for word in ("--ro-bind", folder, folder)]
        links = [word for name in ("lib", "lib64", "bin") for word in ("--symlink", f"usr/{name}", f"/{name}")]
        self.goes_on("memory", *BUBBLEWRAP, *folders, *links, "--dir", "/var/tmp", *LOAD, "python", "/mnt")

    def test_unshare(self):
        self.goes_on("unshared", "unshare", "--mount", "--net", "--uts", "--ipc", "sh", "-c",
                     f"ip link set lo up; hostname inner; mount -t tmpfs none /mnt; exec {' '.join(LOAD)} node /mnt")

    def test_processes_of_their_own(self):
        self.goes_on("pids", "unshare", "--pid", "--fork", "--mount-proc", *LOAD, "redis", "/var/tmp")


class OfAnybody(InSandboxes):
    def test_everything_of_its_own_as_an_ordinary_user(self):
        self.goes_on("rootless", *NOBODY, "bwrap", "--ro-bind", "/", "/", "--unshare-all", "--proc", "/proc",
                     "--dev", "/dev", "--tmpfs", "/mnt", *LOAD, "redis", "/mnt")

    def test_one_inside_another(self):
        again = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
        self.goes_on("twice", *NOBODY, *again, *again, *LOAD, "redis", "/var/tmp")

    def test_root_that_is_nobody_special(self):
        self.goes_on("mapped", *NOBODY, "unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc",
                     "--net", "sh", "-c", f"ip link set lo up; mount -t tmpfs none /mnt; exec {' '.join(LOAD)} node /mnt")


if __name__ == "__main__":
    sys.exit(unittest.main())
