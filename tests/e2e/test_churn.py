"""A program that forks, execs, starts threads and ends as fast as it can (tests/subjects/churn.c) is
snapshotted again and again while it runs. The program checks itself; the test, that no snapshot
hangs, fails or is left, and that images of it run.

APPSHOT_CHURN_SNAPSHOTS: how many. The real harness.
"""

import os
import unittest

from node_fixture import BIN, Follower
from real_fixture import RealNode, enter_own_world, until

SNAPSHOTS = int(os.environ.get("APPSHOT_CHURN_SNAPSHOTS", "40"))
RESTORES = 4
CHURN = BIN.parent / "subjects" / "churn"


def setUpModule():
    enter_own_world()


class Churn(RealNode):
    def test_it_goes_on_through_every_snapshot(self):
        nothing = self.traces()
        self.appshot("run", "-d", "--name", self.aid, "-e", f"SUBJECT_CYCLES={RESTORES}", "--", str(CHURN))
        for number in range(1, SNAPSHOTS + 1):
            snapshot = self.appshot("snapshot", self.aid)
            if number % (SNAPSHOTS // RESTORES) == 0:
                self.appshot("verify", snapshot)
                self.appshot("rm", "-f", self.aid)
                self.appshot("restore", snapshot)
            self.appshot("snapshot-rm", snapshot)
        # It ends by itself after that many restores, if everything it has checked was right.
        with Follower(self, "logs", "-f", self.aid) as log:
            lines = []
            while (line := log.line()) is not None:
                lines.append(line)
        until(lambda: self.instance(self.aid)["state"] != "running", "its end")
        self.assertEqual(self.instance(self.aid)["exit_status"], 0, lines)
        self.assertIn("ok", lines)
        self.appshot("rm", self.aid)
        self.assert_traces(nothing)


if __name__ == "__main__":
    unittest.main()
