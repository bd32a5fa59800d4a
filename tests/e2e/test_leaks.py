"""Descriptors, memory, threads, mounts, control groups, namespaces: as many after many cycles as
before. Prints the figures.

APPSHOT_LEAK_CYCLES: how many. The real harness.
"""

import os
import pathlib
import re
import sys
import time
import unittest

from real_fixture import SPARE, RealNode, descendants, descriptors_of, enter_own_world, until

CYCLES = int(os.environ.get("APPSHOT_LEAK_CYCLES", "60"))
BACKGROUND_S = 1.3
# Caches fill and heaps settle: the first cycles do not count, and some growth is none.
FIRST_CYCLES = 10
GROWTH_KIB_MAX = 1024


def setUpModule():
    enter_own_world()


def own_kib(pid):
    """Without what is shared with files, of which others' use decides whose it is."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^RssAnon:\s+(\d+)", text, re.M)[1])


class Leaks(RealNode):
    def numbers(self):
        """Everything that is held, as numbers and names that stay the same from cycle to cycle."""
        held = self.traces()
        found = {
            "processes": held["processes"],
            "namespaces": held["namespaces"],
            "mounts": len(held["mounts"]),
            "cgroups": held["cgroups"],
            "files": len(held["files"]),
            "threads of appshotd": held["threads"],
            "descriptors of appshotd": sum(held["descriptors"].values()),
        }
        instance = self.instance(self.aid)
        if instance and instance["harness_pid"]:
            for who in ("harness", "init"):
                pid = instance[f"{who}_pid"]
                found[f"descriptors of the {who}"] = sum(descriptors_of(pid).values())
                found[f"threads of the {who}"] = len(os.listdir(f"/proc/{pid}/task"))
        return found

    def memory(self):
        found = {"appshotd": own_kib(self.daemon_pid())}
        instance = self.instance(self.aid)
        if instance and instance["harness_pid"]:
            found["harness"] = own_kib(instance["harness_pid"])
            found["init"] = own_kib(instance["init_pid"])
        return found

    def settled(self):
        """The same for longer than the daemon waits before it does what nobody waits for."""
        last, since = {}, 0

        def same():
            nonlocal last, since
            now = self.numbers()
            if now != last:
                last, since = now, time.monotonic()
            return time.monotonic() - since > BACKGROUND_S
        until(same, "nothing changes any more")
        return last

    def assert_no_growth(self, cycle, what):
        for _ in range(FIRST_CYCLES):
            cycle()
        before, memory_before = self.settled(), self.memory()
        for _ in range(CYCLES):
            cycle()
        until(lambda: self.numbers() == before or self.settled() != before, "an answer")
        after, memory_after = self.settled(), self.memory()
        figures = [f"{who} {memory_before[who]} -> {memory_after[who]} KiB" for who in memory_before]
        figures += [f"{name} {value if isinstance(value, int) else len(value)}"
                    for name, value in after.items()]
        print(f"\n{CYCLES} x {what}: " + ", ".join(figures), file=sys.stderr)
        self.assertEqual(after, before)
        for who, kib in memory_after.items():
            self.assertLess(kib - memory_before[who], GROWTH_KIB_MAX, f"memory of {who}")

    def test_snapshot_end_restore(self):
        self.run_counter()

        def cycle():
            snapshot = self.appshot("snapshot", self.aid)
            self.appshot("kill", "-s", "KILL", self.aid)
            self.appshot("rm", "-f", self.aid)
            self.appshot("restore", snapshot)
            self.appshot("snapshot-rm", snapshot)
        self.assert_no_growth(cycle, "snapshot, kill, rm, restore")
        self.assert_counts_on()

    def test_sleep_wake(self):
        self.run_counter()

        def cycle():
            self.appshot("sleep", self.aid)
            self.appshot("wake", self.aid)
        self.assert_no_growth(cycle, "sleep, wake")
        self.assert_counts_on()

    def test_one_harness(self):
        self.run_counter()

        def cycle():
            self.appshot("snapshot-rm", self.appshot("snapshot", self.aid))
        self.assert_no_growth(cycle, "snapshot of one instance")
        self.assert_counts_on()

    def test_everything_goes_with_the_last_instance(self):
        # From the first instance on, a harness is kept ready for the next.
        self.appshot("run", "--rm", "true")
        until(lambda: sorted(descendants().values()) == [SPARE, "appshotd"], "a spare")
        until(lambda: self.network() == (0, 0), "the first one's address gone")
        before = self.traces()
        self.run_counter()
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        self.appshot("rm", "-f", self.aid)
        self.appshot("snapshot-rm", snapshot)
        self.assert_traces(before)


if __name__ == "__main__":
    unittest.main()
