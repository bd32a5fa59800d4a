"""A browser with its sandbox: user, pid and network namespaces inside one another, processes with filters
and an empty root. The real harness."""

import sys
import unittest

from going_on import HERE, GoingOn
from real_fixture import enter_own_world

CYCLES = 4


def setUpModule():
    enter_own_world()


class Browser(GoingOn):
    def test_chromium(self):
        self.launch("chromium", "python3", HERE / "browser.py")
        processes = self.appshot("rids", self.aid)
        self.assertGreater(processes.count("chromium"), 3, processes)
        self.assert_survives(CYCLES)
        self.appshot("rm", "-f", self.aid)


if __name__ == "__main__":
    sys.exit(unittest.main())
