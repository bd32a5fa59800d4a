"""Connections inside an instance go on whatever becomes of a snapshot, and of who takes it. The real harness."""

import os
import pathlib
import socket
import sys
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world

PROGRAM = pathlib.Path(__file__).with_name("connected_counter.py")


def setUpModule():
    enter_own_world()


class Connections(RealNode):
    def run_counter(self):
        self.appshot("run", "-d", "--name", self.aid, "--", "python3", str(PROGRAM))
        self.assert_counts_on()

    def test_they_go_on_through_snapshots_and_restores(self):
        self.run_counter()
        for _ in range(10):
            self.appshot("snapshot-rm", self.appshot("snapshot", self.aid))
            snapshot = self.appshot("snapshot", "--stop", self.aid)
            self.appshot("restore", snapshot)
            self.assert_counts_on()
            self.appshot("snapshot-rm", snapshot)

    def test_they_go_on_though_the_harness_dies_while_it_looks_at_them(self):
        for action in ("kill", "EIO"):
            with self.subTest(action):
                self.aid = f"{self.tag}-{action.lower()}"
                self.use_fault(f"snapshot.connections:{action}")
                self.run_counter()
                harness = self.instance(self.aid)["harness_pid"]
                self.appshot("snapshot", self.aid, status=1)
                if action == "kill":
                    self.await_another_harness(harness)
                self.assert_counts_on()

    def test_one_whose_other_end_is_outside_is_named(self):
        path = os.path.join(self.root, "outside.socket")
        connecting = ("import socket,sys,time\n"
                      "s=socket.socket(socket.AF_UNIX)\n"
                      f"s.connect({path!r})\n"
                      "print('connected',flush=True)\n"
                      "time.sleep(1000)\n")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            self.appshot("run", "-d", "--name", self.aid, "--share", "fs", "--", "python3", "-c", connecting)
            connection, _ = listener.accept()
            with connection, Follower(self, "logs", "-f", self.aid) as log:
                self.assertEqual(log.line(), "connected")
                self.appshot("snapshot", self.aid, status=4)
                self.assertIn("outside of the application", self.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
