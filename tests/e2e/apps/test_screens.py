"""Programs in a terminal with somebody who types, all inside one instance. The real harness."""

import sys
import tempfile
import unittest

from going_on import HERE, GoingOn
from real_fixture import enter_own_world


def setUpModule():
    enter_own_world()


class Screens(GoingOn):
    def goes_on(self, program):
        with tempfile.TemporaryDirectory(prefix="appshot-e2e-") as folder:
            self.launch(program, "python3", HERE / "screens.py", program, folder)
            self.assert_survives()
            self.appshot("rm", "-f", self.aid)

    def test_a_shell_with_jobs(self):
        self.goes_on("bash")

    def test_an_editor(self):
        self.goes_on("vim")

    def test_top(self):
        self.goes_on("top")

    def test_tmux(self):
        self.goes_on("tmux")

    def test_a_login_over_ssh(self):
        self.goes_on("ssh")


if __name__ == "__main__":
    sys.exit(unittest.main())
