"""Memory, processors and processes that an instance is held to: from its launch on, in its visitors,
after a restore, a sleep and with another harness; what runs out is told, and no group is left.

The real harness.
"""

import sys
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world, until

MIB = 1 << 20
MEMORY_MIB = 64
LIMITS = ("--memory", f"{MEMORY_MIB}M", "--cpus", "0.5", "--pids", "20")
WAITS = """
import time
print("ready", flush=True)
while True: time.sleep(1)
"""
# Two processes that share what they have since a fork.
SHARES = """
import os, time
kept = [bytes([i]) * (1 << 20) for i in range(40)]
if os.fork() != 0: print("ready", flush=True)
while True: time.sleep(1)
"""
# As many as it can, all of which end with it.
FORKS = """
import os
ends, kept = os.pipe()
for number in range(40):
    if os.fork() == 0:
        os.close(kept)
        os.read(ends, 1)
        os._exit(0)
"""


def setUpModule():
    enter_own_world()


class Limits(RealNode):
    def run_python(self, program, *options):
        self.appshot("run", "-d", *options, "--name", self.aid, "--", sys.executable, "-c", program)
        self.await_line("ready")

    def await_line(self, wanted):
        with Follower(self, "logs", "-f", self.aid) as log:
            while (line := log.line()) != wanted:
                self.assertIsNotNone(line, f"the log ends without '{wanted}'")

    def eat_beside(self, mib):
        """The exit status of a visitor that takes so much."""
        command = self.start("exec", self.aid, sys.executable, "-c", f"x = b'x' * ({mib} << 20)")
        return command.wait(60)

    def assert_held(self):
        """In all three, by what happens."""
        self.assertEqual(self.instance(self.aid)["options"]["limits"],
                         {"memory": MEMORY_MIB * MIB, "cpus": 0.5, "pids": 20})
        self.assertEqual(self.eat_beside(2), 0)
        self.assertNotEqual(self.eat_beside(2 * MEMORY_MIB), 0)
        self.appshot("exec", self.aid, sys.executable, "-c", FORKS, status=1)
        self.assertIn("BlockingIOError", self.stderr)
        until(lambda: self.processor_share() < 0.8, "it takes half a processor")

    def processor_share(self):
        """Of one processor, while two processes would take all they can get."""
        program = ("import os, time; os.fork(); begin = time.monotonic()\n"
                   "while time.monotonic() - begin < 1: pass\n"
                   "os.write(1, f'{time.process_time()}\\n'.encode())")
        output = self.appshot("exec", self.aid, sys.executable, "-c", program)
        return sum(float(line) for line in output.splitlines())

    def test_they_hold_from_the_launch_on_and_after_a_sleep(self):
        self.run_python(WAITS, *LIMITS)
        self.assert_held()
        self.appshot("sleep", self.aid)
        until(lambda: not self.traces()["cgroups"], "no group stays while it sleeps")
        self.appshot("wake", self.aid)
        self.assert_held()

    def test_they_hold_after_a_restore_by_another_daemon(self):
        self.run_python(WAITS, *LIMITS)
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", "-f", self.aid)
        self.kill_daemon()
        self.appshot("restore", "--lazy", snapshot)
        self.assert_held()

    def test_another_harness_finds_them(self):
        self.run_python(WAITS, *LIMITS)
        harness = self.instance(self.aid)["harness_pid"]
        self.kill_and_wait(harness)
        self.await_another_harness(harness)
        self.assert_held()
        self.appshot("rm", "-f", self.aid)
        until(lambda: not self.traces()["cgroups"], "nothing of it is left")

    def test_nothing_is_left_when_daemon_and_harness_are_killed(self):
        self.run_python(WAITS, *LIMITS)
        known = self.instance(self.aid)
        self.assertGreater(len(self.traces()["cgroups"]), 0)
        self.kill_daemon()
        self.kill_and_wait(known["harness_pid"])
        self.kill_and_wait(known["init_pid"])
        self.assertEqual(self.instance(self.aid)["state"], "failed")
        until(lambda: not self.traces()["cgroups"], "nothing of it is left")

    def test_running_out_of_memory_is_told(self):
        self.run_python(WAITS, *LIMITS[:2])
        with Follower(self, "events", "-f", "--json", self.aid) as events:
            self.eat_beside(2 * MEMORY_MIB)
            events.event("out-of-memory", self.aid)
        self.assertEqual(self.instance(self.aid)["state"], "running")
        self.appshot("exec", self.aid, "true")

    def test_why_says_what_it_died_of(self):
        self.appshot("run", "--memory", f"{MEMORY_MIB}M", "--name", self.aid, "--", sys.executable,
                     "-c", f"x = b'x' * ({2 * MEMORY_MIB} << 20)", status=137)
        self.assertIn("for want of memory (the limit is 64.0 MiB)", self.instance(self.aid)["why"])
        self.assertIn("out-of-memory", self.appshot("why", self.aid))

    def test_what_needs_more_after_a_restore_is_not_ended(self):
        """What two processes share is kept for each of them."""
        self.run_python(SHARES, *LIMITS[:2])
        for command in (("snapshot", "--stop"), ("sleep",)):
            self.appshot(*command, self.aid, status=4)
            self.assertIn("its limit is 64.0 MiB", self.stderr)
        snapshot = self.appshot("snapshot", self.aid)
        self.assertEqual(self.instance(self.aid)["state"], "running")
        self.appshot("rm", "-f", self.aid)
        self.appshot("restore", snapshot, status=1)
        self.assertIn("its limit is 64.0 MiB", self.stderr)
        until(lambda: not self.traces()["cgroups"], "nothing of it is left")

    def test_limits_that_make_no_sense_are_refused(self):
        for option, value in (("--memory", "12Q"), ("--memory", "1k"), ("--cpus", "none"),
                              ("--cpus", "0.001"), ("--pids", "0")):
            self.appshot("run", option, value, "true", status=2)
        self.assertEqual(self.json("ps", "-a"), [])


if __name__ == "__main__":
    unittest.main()
