"""Programs that cannot be started, and how they are ended, with the real harness."""

import unittest

from real_fixture import RealNode, until


class Programs(RealNode):
    def fails(self, status, *words, saying):
        self.appshot("run", *words, status=status)
        self.assertIn(saying, self.stderr)
        self.assertEqual(self.json("ps", "-a"), [], "nothing is left of what never ran")

    def test_one_that_is_not_there_ends_with_127(self):
        self.fails(127, "no-such-program", saying="no-such-program: No such file or directory")

    def test_one_that_may_not_be_run_ends_with_126(self):
        self.fails(126, "/etc/passwd", saying="/etc/passwd: Permission denied")

    def test_one_for_a_user_who_is_not_there_ends_with_125(self):
        self.fails(125, "--user", "no-such-user", "true", saying="no user 'no-such-user'")

    def test_one_that_does_not_listen_is_ended_before_the_time_is_over(self):
        self.appshot("run", "-d", "--name", "deaf", "sh", "-c",
                     "trap '' TERM; echo deaf; while :; do sleep 0.01; done")
        until(lambda: "deaf" in self.appshot("logs", "deaf"), "it runs")
        self.appshot("stop", "deaf", "--timeout", "1")
        self.assertEqual(self.instance("deaf")["state"], "stopped")

    def test_what_a_program_leaves_behind_is_asked_to_end_with_it(self):
        self.appshot("run", "-d", "--name", "family", "sh", "-c",
                     "(trap 'echo child ended; exit' TERM; echo child; while :; do sleep 0.01; done) &"
                     " trap 'exit 3' TERM; wait")
        until(lambda: "child" in self.appshot("logs", "family"), "it runs")
        self.appshot("stop", "family")
        self.assertIn("child ended", self.appshot("logs", "family"))


if __name__ == "__main__":
    unittest.main()
