"""What the tests of real programs have in common: a program that says again and again how far it is is
snapshotted, stopped and restored, and has to go on."""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from node_fixture import Follower  # noqa: E402
from real_fixture import RealNode  # noqa: E402

CYCLES = 10
CLONES = 3


class GoingOn(RealNode):
    word = "answered"
    options = ()  # of every launch

    def launch(self, name, *command):
        self.aid = f"{self.tag}-{name}"
        self.appshot("run", "-d", *self.options, "--name", self.aid, "--", *map(str, command))
        self.assert_goes_on()

    def progress(self, aid):
        said = re.findall(rf"^{self.word} (\d+)\r?$", self.appshot("logs", aid), re.M)
        return int(said[-1]) if said else 0

    def assert_goes_on(self, aid=None):
        aid = aid or self.aid
        before = self.progress(aid)
        with Follower(self, "logs", "-f", aid) as log:
            while True:
                line = log.line()
                self.assertIsNotNone(line, f"its log ends after {before}: {self.appshot('logs', aid)[-500:]}")
                if (said := re.fullmatch(rf"{self.word} (\d+)", line.strip())) and int(said[1]) > before:
                    return

    def assert_survives(self, cycles=CYCLES):
        """So often a snapshot that lets it run, and one that ends it; then clones of it go on beside it."""
        for _ in range(cycles):
            self.appshot("snapshot-rm", self.appshot("snapshot", self.aid))
            self.assert_goes_on()
            self.stop_and_restore()
            self.assert_goes_on()
        for warm in ([], ["--warm"]):
            self.assert_clones_go_on(*warm)

    def assert_clones_go_on(self, *warm):
        """Several of one template, and one of a clone, which all work as hard as they can: few at a time."""
        template = self.appshot("template", *warm, self.aid)
        first, *others = self.clone(template, "-n", str(CLONES))
        for aid in others:
            self.assert_goes_on(aid)
            self.appshot("rm", "-f", aid)
        self.assert_goes_on(first)
        self.assert_goes_on()
        deep = self.appshot("template", *warm, first)
        self.appshot("template-rm", template)
        self.appshot("rm", "-f", first)
        (aid,) = self.clone(deep)
        self.assert_goes_on(aid)
        self.appshot("template-rm", deep)
        self.appshot("rm", "-f", aid)

    def clone(self, source, *options):
        return self.appshot("clone", source, *options, "-q", "--name", f"{self.tag}-c-{{n}}").split()

    def stop_and_restore(self):
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        self.appshot("snapshot-rm", snapshot)
