"""Servers and their clients in sandboxes that real tools make: with mounts, host names and networks of their own.
The real harness."""

import sys
import unittest

from going_on import HERE, GoingOn
from real_fixture import enter_own_world

CYCLES = 5
LOAD = ["python3", str(HERE / "load.py")]
BUBBLEWRAP = ["bwrap", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--unshare-net", "--unshare-uts",
              "--unshare-ipc", "--hostname", "inner"]


def setUpModule():
    enter_own_world()


class Sandboxes(GoingOn):
    def goes_on(self, name, *command):
        self.launch(name, *command)
        self.assert_survives(CYCLES)
        self.appshot("rm", "-f", self.aid)

    def test_bubblewrap_around_the_whole_system_read_only(self):
        self.goes_on("whole", "bwrap", "--ro-bind", "/", "/", *BUBBLEWRAP[1:], *LOAD, "redis", "/tmp")

    def test_bubblewrap_with_a_root_in_memory(self):
        folders = [word for folder in ("/usr", "/etc", str(HERE)) for word in ("--ro-bind", folder, folder)]
        links = [word for name in ("lib", "lib64", "bin") for word in ("--symlink", f"usr/{name}", f"/{name}")]
        self.goes_on("memory", *BUBBLEWRAP, *folders, *links, "--dir", "/var/tmp", *LOAD, "python", "/tmp")

    def test_unshare(self):
        self.goes_on("unshared", "unshare", "--mount", "--net", "--uts", "--ipc", "sh", "-c",
                     f"ip link set lo up; hostname inner; mount -t tmpfs none /mnt; exec {' '.join(LOAD)} node /mnt")


if __name__ == "__main__":
    sys.exit(unittest.main())
