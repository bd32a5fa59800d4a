"""Memory that processes have in common since a fork stays in common through snapshots that let them run on.

The real harness.
"""

import pathlib
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world

MIB = 1 << 20
SIZE_MIB, CHILDREN = 96, 4
PREFORK = f"""
import os, signal, time
kept = os.urandom({MIB}) * {SIZE_MIB}
def begin():
    for _ in range({CHILDREN}):
        if os.fork() == 0:
            signal.pause()
begin()
print('ready', flush=True)
signal.signal(signal.SIGUSR1, lambda *_: (begin(), print('more', flush=True)))
while True: signal.pause()
"""


def setUpModule():
    enter_own_world()


class Prefork(RealNode):
    def memory_mib(self):
        """Of all processes, what several have in common counted once."""
        init = self.instance(self.aid)["init_pid"]
        todo, total = [init], 0
        while todo:
            pid = todo.pop()
            todo += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())
            if pid == init:
                continue
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss_Anon:"))
        return total // 1024

    def test_a_snapshot_leaves_it_in_common(self):
        self.appshot("run", "-d", "--name", self.aid, "--", "python3", "-c", PREFORK)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "ready")
            before = self.memory_mib()
            self.assertLess(before, 2 * SIZE_MIB)
            for _ in range(2):
                self.appshot("snapshot", self.aid)
                self.assertLess(self.memory_mib(), before + SIZE_MIB // 4)

    def test_nor_of_those_who_were_forked_after_a_restore(self):
        self.appshot("run", "-d", "--name", self.aid, "--", "python3", "-c",
                     PREFORK.replace("begin()\nprint", "print"))
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "ready")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        self.appshot("restore", "--eager", snapshot)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.appshot("kill", "-s", "USR1", self.aid)
            while log.line() != "more":
                continue
        before = self.memory_mib()
        self.assertLess(before, 2 * SIZE_MIB)
        self.appshot("snapshot", self.aid)
        self.assertLess(self.memory_mib(), before + SIZE_MIB // 4)


if __name__ == "__main__":
    unittest.main()
