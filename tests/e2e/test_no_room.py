"""The disk is full, the registry is locked: a clear error, nothing lost, and it works again after.

The real harness.
"""

import ctypes
import os
import resource
import sqlite3
import subprocess
import sys
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world

MNT_DETACH = 2
DISK_BYTES = 16 << 20
LAYER_BYTES = 4 << 20
LEFT_BYTES = 1 << 20
DESCRIPTORS = 2000
# With what a restore has beside it, a descriptor for each and one with a high number are too many.
OPENS_MANY = """
import os, time
for i in range(1000): os.open("/dev/null", os.O_RDONLY)
os.dup2(0, 1500)
print("open", flush=True)
while True: time.sleep(1)
"""


def setUpModule():
    enter_own_world()


class TooManyDescriptors(RealNode):
    """An application may run here and be too much for a restore, which holds all of it at once."""

    def test_it_is_not_ended_with_a_snapshot_that_could_not_be_restored(self):
        self.appshot("daemon", "stop")
        limits = (DESCRIPTORS, DESCRIPTORS)
        first = self.start("ps", stdout=subprocess.DEVNULL,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits))
        self.assertEqual(first.wait(20), 0)
        self.appshot("run", "-d", "--name", self.aid, "--", sys.executable, "-c", OPENS_MANY)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "open")
        for command in (("snapshot", "--stop"), ("sleep",)):
            self.appshot(*command, self.aid, status=4)
            self.assertIn("descriptors at once", self.stderr)
        snapshot = self.appshot("snapshot", self.aid)
        self.assertEqual(self.instance(self.aid)["state"], "running")
        self.appshot("rm", "-f", self.aid)
        self.appshot("restore", snapshot, status=5)
        self.assertIn("descriptors at once", self.stderr)
        self.use_fault(None)  # a daemon that may have more
        self.appshot("restore", snapshot)


class DiskFull(RealNode):
    def setUp(self):
        super().setUp()
        self.appshot("daemon", "stop")
        self.root = self.root / "disk"
        self.root.mkdir()
        self.libc = ctypes.CDLL(None, use_errno=True)
        options = f"size={DISK_BYTES}".encode()
        if self.libc.mount(b"disk", bytes(self.root), b"tmpfs", 0, options) != 0:
            raise OSError(ctypes.get_errno(), "mount")
        self.addCleanup(self.libc.umount2, bytes(self.root), MNT_DETACH)
        self.env["APPSHOT_ROOT"] = str(self.root)
        self.run_counter()
        # A file of its own, so that its image needs more room than what will be left.
        self.appshot("exec", self.aid, "sh", "-c",
                     f"head -c {LAYER_BYTES} /dev/zero | tr '\\0' x > /var/tmp/layer")

    def fill(self):
        with open(self.root / "filler", "wb") as filler:
            room = os.statvfs(self.root)
            os.posix_fallocate(filler.fileno(), 0, room.f_bavail * room.f_frsize - LEFT_BYTES)

    def empty(self):
        os.unlink(self.root / "filler")

    def test_a_snapshot_says_so_and_the_application_goes_on(self):
        before = self.traces()
        for how in ((), ("--stop",)):
            with self.subTest(how):
                self.fill()
                self.appshot("snapshot", *how, self.aid, status=1)
                self.assertIn("No space left on device", self.stderr)
                self.empty()
                self.assert_traces(before)
                self.assert_counts_on()
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        self.assert_counts_on()

    def test_a_restore_says_so_and_leaves_nothing(self):
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        self.fill()
        before = self.traces()
        self.appshot("restore", snapshot, status=1)
        self.assertIn("No space left on device", self.stderr)
        self.assert_traces(before)
        self.empty()
        self.appshot("restore", snapshot)
        self.assert_counts_on()


class RegistryLocked(RealNode):
    def test_it_says_so_and_works_again_after(self):
        self.run_counter()
        before = self.traces()
        lock = sqlite3.connect(self.root / "lib/registry.db", isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN EXCLUSIVE")
        self.appshot("snapshot", self.aid, status=1)
        self.assertIn("the registry is locked by another process", self.stderr)
        self.assert_counts_on()
        lock.execute("ROLLBACK")
        self.assert_traces(before)
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        self.assert_counts_on()

    def test_a_restore_leaves_nothing(self):
        self.run_counter()
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        before = self.traces()
        lock = sqlite3.connect(self.root / "lib/registry.db", isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN EXCLUSIVE")
        self.appshot("restore", snapshot, status=1)
        self.assertIn("the registry is locked by another process", self.stderr)
        lock.execute("ROLLBACK")
        self.assert_traces(before)
        self.appshot("restore", snapshot)
        self.assert_counts_on()


if __name__ == "__main__":
    unittest.main()
