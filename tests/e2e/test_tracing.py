"""Debuggers inside an instance: gdb at its prompt and with its program running, strace; and a harness that dies while
they have let go of what they trace. The real harness."""

import re
import shutil
import unittest

from real_fixture import COUNTER, RealNode, enter_own_world, until


def setUpModule():
    enter_own_world()


class Tracing(RealNode):
    def needs(self, program):
        if shutil.which(program) is None:
            self.skipTest(f"{program} is not installed")

    def text(self):
        return self.appshot("logs", self.aid)

    def until_said(self, text):
        until(lambda: text in self.text(), f"'{text}' in its output")

    def assert_runs_on(self):
        """Its program counts on. (A debugger writes between its lines.)"""
        before = self.counts()[0]
        until(lambda: self.counts()[0] > before, "it counts on")

    def go_away_and_come_back(self, name):
        """One snapshot that it runs on after, and one that it is restored from; its output begins anew."""
        self.appshot("snapshot", self.aid)
        self.appshot("snapshot", self.aid, "--stop", "--name", f"{self.aid}-{name}")
        self.appshot("rm", self.aid)
        self.appshot("restore", f"{self.aid}-{name}")


class Gdb(Tracing):
    def setUp(self):
        super().setUp()
        self.needs("gdb")
        gdb = ["gdb", "-q", "-nx", "-ex", "set confirm off", "-ex", "set startup-with-shell off", "--args", *COUNTER]
        self.appshot("run", "-d", "--name", self.aid, "--", "sh", "-c",
                     'mkfifo /tmp/in; exec "$@" 0<>/tmp/in', "sh", *gdb)
        until(lambda: "(gdb)" in self.text(), "its prompt")

    def say(self, command):
        self.appshot("exec", self.aid, "sh", "-c", f"echo '{command}' > /tmp/in")

    def test_a_breakpoint_is_where_it_was(self):
        self.say("break fflush")
        self.say("run")
        self.until_said("Breakpoint 1, ")
        self.go_away_and_come_back("stopped")
        self.say("backtrace")
        self.until_said("in main")
        self.say("continue")
        self.until_said("Breakpoint 1, ")
        self.say("delete")
        self.say("continue")
        self.assert_runs_on()

    def test_a_program_that_runs_is_stopped_by_it_later(self):
        self.say("run")
        self.assert_runs_on()
        self.go_away_and_come_back("running")
        self.assert_runs_on()
        self.appshot("exec", self.aid, "sh", "-c", "kill -INT $(pgrep -o demo_counter)")
        self.until_said("received signal SIGINT")
        self.say("info threads")
        until(lambda: len(re.findall(r"Thread 0x\w+ \(LWP", self.text())) >= 2, "both threads")
        self.say("continue")
        self.assert_runs_on()


class Strace(Tracing):
    def setUp(self):
        super().setUp()
        self.needs("strace")
        self.appshot("run", "-d", "--name", self.aid, "--", "sh", "-c",
                     '"$@" & strace -f -o /tmp/trace -p $!; wait', "sh", *COUNTER)
        self.assert_runs_on()
        until(lambda: self.traced() > 0, "it is traced")

    def traced(self):
        return int(self.appshot("exec", self.aid, "sh", "-c", "cat /tmp/trace 2> /tmp/none | wc -l"))

    def assert_traces_on(self):
        before = self.traced()
        self.assert_runs_on()
        until(lambda: self.traced() > before, "more calls are told of")

    def test_it_goes_on_to_tell_of_calls(self):
        for name in ("once", "twice"):
            self.go_away_and_come_back(name)
            self.assert_traces_on()

    def test_what_is_traced_lives_on_when_the_harness_dies_meanwhile(self):
        harness = self.instance(self.aid)["harness_pid"]
        self.use_fault("trace.loosened:kill")
        self.kill_and_wait(harness)  # the next one has the fault
        self.await_another_harness(harness)
        harness = self.instance(self.aid)["harness_pid"]
        self.appshot("snapshot", self.aid, status=1)
        self.use_fault(None)
        self.await_another_harness(harness)
        self.assert_runs_on()
        self.appshot("snapshot", self.aid, "--stop", "--name", f"{self.aid}-after")
        self.appshot("rm", self.aid)
        self.appshot("restore", f"{self.aid}-after")
        self.assert_runs_on()


if __name__ == "__main__":
    unittest.main()
