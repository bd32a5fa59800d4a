"""PostgreSQL while pgbench runs: no transaction fails, and the books balance after each restore. The real harness."""

import sys
import tempfile
import unittest

from going_on import HERE, GoingOn
from real_fixture import enter_own_world


def setUpModule():
    enter_own_world()


class Database(GoingOn):
    def test_postgresql(self):
        with tempfile.TemporaryDirectory(prefix="appshot-e2e-") as folder:
            self.launch("postgresql", "python3", HERE / "database.py", folder)
            self.assert_survives()
            self.appshot("rm", "-f", self.aid)


if __name__ == "__main__":
    sys.exit(unittest.main())
