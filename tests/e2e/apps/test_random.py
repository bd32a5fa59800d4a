"""Random generators of programs that are cloned after they have drawn: which ones draw something else in
each clone, and which do not (docs/clones.md). The real harness."""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from going_on import HERE
from node_fixture import until
from real_fixture import RealNode, enter_own_world

CLONES = 3
DRAWS = HERE / "draws"
COLD, WARM = (), ("--warm",)


def setUpModule():
    enter_own_world()


class RandomGenerators(RealNode):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="appshot-e2e-")
        self.addCleanup(shutil.rmtree, self.folder)

    def make(self, *command):
        subprocess.run(list(map(str, command)), check=True, cwd=self.folder)

    def drawn(self, aid, word):
        """{generator: what it gave}, of the line that begins so."""
        def said():
            found = re.search(rf"^{word} (.*)$", self.appshot("logs", aid), re.M)
            return found and dict(pair.split("=", 1) for pair in found[1].split())
        return until(said, f"{aid} says what it has {word}")

    def check(self, *command, alike, different, mended=True):
        self.appshot("run", "-d", "--name", self.aid, "--", *map(str, command))
        first = self.drawn(self.aid, "ready")
        self.assertEqual(set(first), set(alike) | set(different))
        drawn, after = [], []
        for kind in (COLD, WARM):
            template = self.appshot("template", self.aid, *kind)
            aids = self.appshot("clone", template, "-q", "-n", str(CLONES),
                                "--name", f"{self.aid}-{'warm' if kind else 'cold'}-{{n}}").split()
            drawn += [self.drawn(aid, "drawn") for aid in aids]
            after += [self.drawn(aid, "mended") for aid in aids] if mended else []
        for generator in alike:
            self.assertEqual(len({one[generator] for one in drawn}), 1, f"{generator}: {drawn}")
        for generator in different:
            self.assertEqual(len({one[generator] for one in (first, *drawn)}), len(drawn) + 1,
                             f"{generator}: {drawn}")
        for generator in first if mended else ():
            self.assertEqual(len({one[generator] for one in after}), len(after), f"{generator}: {after}")

    def test_python(self):
        self.check("python3", DRAWS / "draws.py",
                   alike=("random", "ssl"), different=("secrets", "urandom", "uuid4"))

    def test_c(self):
        self.make("cc", "-O2", "-D_DEFAULT_SOURCE", "-o", "draws", DRAWS / "draws.c", "-lcrypto")
        self.check(f"{self.folder}/draws",
                   alike=("rand", "rand_r", "openssl"), different=("arc4random", "getrandom"))

    def test_go(self):
        self.make("go", "build", "-o", "draws", DRAWS / "draws.go")
        self.check(f"{self.folder}/draws", alike=("math",), different=("crypto",))

    def test_node(self):
        self.check("node", DRAWS / "draws.js", alike=("crypto", "uuid", "math"), different=(),
                   mended=False)  # a program cannot seed any of them

    def test_java(self):
        self.make("javac", "-d", self.folder, DRAWS / "Draws.java")
        self.check("java", "-cp", self.folder, "Draws",
                   alike=("drbg", "util"), different=("native", "uuid"))


if __name__ == "__main__":
    sys.exit(unittest.main())
