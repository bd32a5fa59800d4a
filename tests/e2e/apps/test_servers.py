"""Real servers under load, the client beside them in the instance, through ten snapshots that end them and
ten that do not: every answer is right, and no connection is made anew. The real harness."""

import pathlib
import re
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from node_fixture import Follower  # noqa: E402
from real_fixture import RealNode, enter_own_world  # noqa: E402

CYCLES = 10


def setUpModule():
    enter_own_world()


class Servers(RealNode):
    def answers(self):
        said = re.findall(r"^answered (\d+)$", self.appshot("logs", self.aid), re.M)
        return int(said[-1]) if said else 0

    def assert_answers_on(self):
        before = self.answers()
        with Follower(self, "logs", "-f", self.aid) as log:
            while True:
                line = log.line()
                self.assertIsNotNone(line, f"its log ends after {before} answers")
                if (said := re.fullmatch(r"answered (\d+)", line)) and int(said[1]) > before:
                    return

    def goes_on(self, server):
        self.aid = f"{self.tag}-{server}"
        with tempfile.TemporaryDirectory(prefix="appshot-e2e-") as folder:
            self.appshot("run", "-d", "--name", self.aid, "--", "python3", str(HERE / "load.py"),
                         server, folder)
            self.assert_answers_on()
            for _ in range(CYCLES):
                self.appshot("snapshot-rm", self.appshot("snapshot", self.aid))
                self.assert_answers_on()
                snapshot = self.appshot("snapshot", "--stop", self.aid)
                self.appshot("restore", snapshot)
                self.assert_answers_on()
                self.appshot("snapshot-rm", snapshot)
            self.appshot("rm", "-f", self.aid)

    def test_redis(self):
        self.goes_on("redis")

    def test_nginx(self):
        self.goes_on("nginx")

    def test_python(self):
        self.goes_on("python")


if __name__ == "__main__":
    sys.exit(unittest.main())
