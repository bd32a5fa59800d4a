"""When the disk has a snapshot, and what becomes of one that the disk never got.

The real harness.
"""

import os
import pathlib
import sqlite3
import subprocess
import sys
import unittest

from node_fixture import DEADLINE_S
from real_fixture import RealNode, descendants, enter_own_world, until

SYS_POLL = "7"
# Holds the lock named by its argument, as the daemon that it says it is, until its input ends; its
# first thread ends before.
DYING = """
import ctypes, fcntl, os, sys, threading
lock = open(sys.argv[1], 'r+')
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write(str(os.getpid()))
lock.flush()
def last():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=last).start()
print('locked', flush=True)
ctypes.CDLL(None).syscall(60, 0)
"""


def state_of(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return stat[stat.rindex(")") + 2]


def daemon_polls():
    """One that has no other thread yet: before it has the lock."""
    for pid, name in descendants().items():
        if name == "appshotd" and len(os.listdir(f"/proc/{pid}/task")) == 1:
            call = pathlib.Path(f"/proc/{pid}/syscall").read_text().split()
            if call[0] == SYS_POLL:
                return True
    return False


def setUpModule():
    enter_own_world()


class Durability(RealNode):
    def setUp(self):
        super().setUp()
        self.run_counter()

    def snapshot(self, name):
        return next(s for s in self.json("snapshots") if s["id"] == name)

    def is_durable(self, name):
        return self.snapshot(name)["durable"]

    def forget_the_disk(self, name):
        """As after a loss of power: nobody has noted that the disk has it."""
        self.kill_daemon()
        with sqlite3.connect(self.root / "lib" / "registry.db") as registry:
            changed = registry.execute("UPDATE snapshots SET durable=0 WHERE id=?", (name,))
            self.assertEqual(changed.rowcount, 1)
        registry.close()

    def test_a_snapshot_reaches_the_disk_by_itself(self):
        for how in ((), ("--stop",)):
            with self.subTest(how):
                name = self.appshot("snapshot", *how, self.aid)
                until(lambda: self.is_durable(name), "the disk has it")

    def test_who_waits_for_the_disk_is_answered_when_it_has_it(self):
        for how in ((), ("--stop",)):
            with self.subTest(how):
                name = self.appshot("snapshot", "--sync", *how, self.aid)
                self.assertTrue(self.is_durable(name))

    def test_the_administrator_may_want_every_snapshot_so(self):
        self.appshot("daemon", "stop")
        config = self.root / "config" / "appshot"
        config.mkdir(parents=True)
        (config / "appshot.toml").write_text("[snapshots]\nsync = true\n")
        self.env["XDG_CONFIG_HOME"] = str(config.parent)
        self.assertTrue(self.is_durable(self.appshot("snapshot", self.aid)))

    def test_the_next_daemon_brings_it_to_the_disk(self):
        name = self.appshot("snapshot", self.aid)
        until(lambda: self.is_durable(name), "the disk has it")
        self.forget_the_disk(name)
        until(lambda: self.is_durable(name), "the disk has it after all")

    def test_a_daemon_that_is_not_yet_dead_is_waited_for(self):
        """It was killed, but one of its threads still waits for the disk, and holds the lock."""
        self.kill_daemon()
        with subprocess.Popen([sys.executable, "-c", DYING, self.root / "run" / "appshotd.lock"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as dying:
            dying.stdout.readline()
            until(lambda: state_of(dying.pid) == "Z", "its first thread has ended")
            command = self.start("ps", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            until(daemon_polls, "the next daemon waits")
            self.assertIsNone(command.poll())
            dying.stdin.close()
            self.assertEqual(command.wait(timeout=DEADLINE_S), 0, command.stdout.read())
            command.stdout.close()
        self.assert_counts_on()

    def test_one_that_was_lost_with_the_power_is_told_and_refused(self):
        name = self.appshot("snapshot", "--stop", self.aid)
        pages = os.path.join(self.snapshot(name)["dir"], "pages")
        self.forget_the_disk(name)
        with open(pages, "r+b") as file:  # as a file system shows what never reached the disk
            length = os.fstat(file.fileno()).st_size
            file.truncate(length // 2)
            file.truncate(length)

        def told():
            return [e for e in self.json("events") if e["kind"] == "snapshot-damaged"]

        until(told, "it is told")
        self.assertIn(name, told()[0]["text"])
        self.assertFalse(self.is_durable(name))
        self.appshot("restore", name, status=1)
        self.assertIn("damaged", self.stderr)
        self.appshot("snapshot-rm", name)


if __name__ == "__main__":
    unittest.main()
