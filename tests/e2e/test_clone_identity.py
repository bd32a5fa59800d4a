"""Who an instance is: what it is told of having been restored or cloned, and what is its own alone.

The real harness.
"""

import pathlib
import re
import unittest

from node_fixture import until
from real_fixture import RealNode, enter_own_world

HERE = pathlib.Path(__file__).resolve().parent
GENERATION = "/run/appshot/generation"


def setUpModule():
    enter_own_world()


class Identity(RealNode):
    def launch(self, *program, options=()):
        self.appshot("run", "-d", *options, "--name", self.aid, "--", *program)
        self.await_lines(self.aid, "^ready")

    def await_lines(self, aid, pattern, count=1):
        found = []

        def said():
            found[:] = re.findall(pattern + ".*$", self.appshot("logs", aid), re.M)
            return len(found) >= count
        until(said, f"{aid} says {pattern} {count} times")
        return found

    def clone(self, source, *options, what="c-{n}"):
        return self.appshot("clone", source, "-q", *options, "--name", f"{self.tag}-{what}").split()


class Told(Identity):
    def check(self, watched, *options):
        self.launch("python3", str(HERE / "told_of_change.py"), watched)
        self.assertEqual(self.await_lines(self.aid, "^ready"), [f"ready {self.aid} 1 launch"])
        snapshot = self.appshot("snapshot", self.aid)
        self.assertEqual(len(self.await_lines(self.aid, "^(?:ready|told)")), 1)  # it went on
        self.appshot("snapshot", "--stop", self.aid, "--name", "stopped")
        self.appshot("restore", "stopped")
        self.assertEqual(self.await_lines(self.aid, "^told"), [f"told {self.aid} 2 restore"])
        self.appshot("sleep", self.aid)
        self.appshot("wake", self.aid)
        self.assertEqual(self.await_lines(self.aid, "^told", 2)[1:], [f"told {self.aid} 3 restore"])
        for source, what in ((snapshot, "s-{n}"), (self.appshot("template", self.aid, *options), "t-{n}")):
            for aid in self.clone(source, "-n", "3", what=what):
                told = self.await_lines(aid, "^told")
                self.assertRegex(told[-1], f"^told {aid} [0-9]+ clone$")
                self.assertNotIn(f"told {aid} 1 clone", told)

    def test_who_watches_the_file_is_told(self):
        self.check(GENERATION)

    def test_who_watches_the_folder_is_told_of_one_file(self):
        self.check("/run/appshot", "--warm")


if __name__ == "__main__":
    unittest.main()
