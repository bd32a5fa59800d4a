"""Where overlays of an instance over the host's files begin: at each file system of the host, at /usr where layers of
an environment lie below the host's root, and where the instance has changed files in an earlier life.

The real harness.
"""

import ctypes
import os
import pathlib
import subprocess
import tempfile
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world

LIBRARY = os.path.realpath("/lib/x86_64-linux-gnu/libc.so.6")


def setUpModule():
    enter_own_world()


def is_on_root(path):
    return os.stat(path).st_dev == os.stat("/").st_dev


class LowerFiles(RealNode):
    def launch(self, *options):
        self.appshot("run", "-d", *options, "--name", self.aid, "--", "sh", "-c", "echo ready; exec sleep 1000")
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "ready")

    def inside(self, script, **more):
        return self.appshot("exec", self.aid, "sh", "-ec", script, **more)

    def stop_and_restore(self, **more):
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        return lambda: self.appshot("restore", snapshot, **more)


class Programs(LowerFiles):
    def setUp(self):
        super().setUp()
        if not is_on_root(self.root) or not is_on_root("/usr"):
            self.skipTest("what appshot keeps and the host's programs are not on the file system of the root")
        self.appshot("env", "create", "tools")
        self.appshot("env", "install", "tools", "--", "sh", "-ec", """
            mkdir /usr/share/tool; echo installed > /usr/share/tool/file; echo here > /srv/here
            rm -r /usr/share/doc/bash""")
        self.launch("--env", "tools")

    def test_lie_under_one_overlay(self):
        lines = [line.split() for line in self.inside("cat /proc/self/mountinfo").splitlines()]
        lower = {line[4]: line[-1] for line in lines if line[line.index("-") + 1] == "overlay"}
        self.assertIn(":/usr,", lower["/usr"])
        self.assertNotIn(":/,", lower["/"])
        self.assertIn(LIBRARY, self.inside("cat /proc/self/maps"))

    def test_what_was_installed_and_removed_there_is_seen(self):
        self.assertEqual(self.inside("cat /usr/share/tool/file /srv/here; ls -d /usr/share/doc/bash || true"),
                         "installed\nhere")

    def test_it_is_as_a_file_system_of_its_own(self):
        self.inside("echo changed > /usr/share/tool/file; mv /usr/share/tool/file /usr/share/moved; cat /usr/share/moved")
        self.inside("ln /usr/share/moved /srv/linked", status=1)
        self.inside("mv /srv/here /usr/share/here; test ! -e /srv/here; cat /usr/share/here")

    def test_changes_last(self):
        self.inside("echo changed > /usr/share/tool/file; rm -r /usr/share/doc/dpkg; echo new > /usr/local/new")
        self.stop_and_restore()()
        self.assertEqual(self.inside("cat /usr/share/tool/file /usr/local/new; ls -d /usr/share/doc/dpkg || true"),
                         "changed\nnew")
        self.appshot("sleep", self.aid)
        self.appshot("wake", self.aid)
        self.assertEqual(self.inside("cat /usr/local/new"), "new")

    def test_a_second_installation_is_one_layer_with_the_rest(self):
        self.appshot("env", "install", "tools", "--", "sh", "-ec",
                     "echo two > /usr/share/tool/second; echo two > /srv/second; rm /usr/share/tool/file")
        self.assertEqual(sorted(self.appshot("env", "diff", "tools").splitlines()),
                         ["A /srv/second", "A /usr/share/tool/second", "D /usr/share/tool/file"])
        self.assertEqual(self.appshot("run", "--rm", "--env", "tools", "--", "sh", "-c",
                                      "cat /usr/share/tool/second /srv/second; ls /usr/share/tool"), "two\ntwo\nsecond")


class OtherHost(LowerFiles):
    """The file system on which files were changed is not mounted when they come back."""

    def setUp(self):
        super().setUp()
        self.place = pathlib.Path(tempfile.mkdtemp(dir="/srv"))
        self.addCleanup(lambda: self.place.exists() and self.place.rmdir())
        subprocess.run(["mount", "-t", "tmpfs", "none", self.place], check=True)
        self.mounted = True
        self.addCleanup(self.unmount)
        (self.place / "of-host").write_text("host", encoding="ascii")
        self.launch()
        self.inside(f"echo kept > {self.place}/kept")

    def unmount(self):
        if self.mounted and ctypes.CDLL(None).umount2(str(self.place).encode(), 2) == 0:  # MNT_DETACH
            self.mounted = False

    def test_they_are_where_they_belong(self):
        restore = self.stop_and_restore()
        self.unmount()
        restore()
        self.assertEqual(self.inside(f"ls {self.place}; cat {self.place}/kept"), "kept\nkept")
        self.assertEqual(list(self.place.iterdir()), [])

    def test_where_they_can_be_nowhere_the_restore_is_refused(self):
        restore = self.stop_and_restore(status=5)
        self.unmount()
        self.place.rmdir()
        restore()
        self.assertIn(f"the instance has files below {self.place}, and there is no such folder here", self.stderr)


if __name__ == "__main__":
    unittest.main()
