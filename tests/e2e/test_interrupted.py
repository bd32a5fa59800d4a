"""Who dies in the middle of a snapshot or restore: a process of the application, or the daemon.

The harness stops at a fault point until the death has happened. The real harness.
"""

import os
import pathlib
import signal
import subprocess
import unittest

from real_fixture import RealNode, descendants, enter_own_world, until

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def setUpModule():
    enter_own_world()


def is_stopped(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return stat[stat.rindex(")") + 2] == "T"


class Interrupted(RealNode):
    def stopped_harness(self):
        """Its pid, as soon as it has come to the fault point."""
        def find():
            return [pid for pid, name in descendants().items()
                    if name == "appshot-harness" and is_stopped(pid)]
        return until(find, "a harness at the fault point")[0]

    def host_pid(self, who):
        """The parent is the first process of the instance, the child the second."""
        pids = {int(r["virtual"]): int(r["system"]) for r in self.json("rids", self.aid)["rids"]
                if r["type"] == "pid"}
        return pids[sorted(pids)[("parent", "child").index(who)]]


class ApplicationDies(Interrupted):
    def test_the_rest_of_it_goes_on(self):
        for point in ("begin", "frozen", "captured"):
            for who, other in (("parent", "child"), ("child", "parent")):
                for how in ((), ("--stop",)) if point == "frozen" else ((),):
                    with self.subTest(f"{who} at {point} {how}"):
                        self.one_dies_while(f"snapshot.{point}:stop", who, other, how)

    def one_dies_while(self, fault, who, other, how):
        self.aid = f"{self.tag}-{fault.split('.')[1].split(':')[0]}-{who}{''.join(how)}"
        self.use_fault(fault)
        self.run_counter()
        victim = self.host_pid(who)
        snapshot = self.start("snapshot", *how, self.aid, **QUIET)
        harness = self.stopped_harness()
        os.kill(victim, signal.SIGKILL)  # who is traced dies when its tracer looks
        os.kill(harness, signal.SIGCONT)
        # Captured before its death, or without it, or not at all: never half.
        if snapshot.wait(20) == 0:
            self.appshot("rm", "-f", self.aid)
            self.appshot("verify", self.json("snapshots")[0]["id"])
        else:
            self.assertEqual([s for s in self.json("snapshots") if s["aid"] == self.aid], [])
            until(lambda: os.listdir(self.root / "lib/snapshots") == [], "nothing of it is left")
            self.assert_one_counts_on(other)
            self.appshot("rm", "-f", self.aid)
        for snapshot in self.json("snapshots"):
            self.appshot("snapshot-rm", snapshot["id"])
        until(lambda: not os.listdir(self.root / "lib/snapshots"), "the snapshot is gone")

    def test_all_of_it_ended_is_what_is_said(self):
        self.use_fault("snapshot.begin:stop")
        self.run_counter()
        victims = [self.host_pid(who) for who in ("parent", "child")]
        snapshot = self.start("snapshot", self.aid, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        harness = self.stopped_harness()
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in victims), "they are gone")
        os.kill(harness, signal.SIGCONT)
        said = snapshot.communicate(timeout=20)[1]
        self.assertEqual(snapshot.returncode, 6, said)
        self.assertIn("ended", said)

    def assert_one_counts_on(self, who):
        index = ("parent", "child").index(who)
        before = self.counts()[index]
        until(lambda: self.counts()[index] > before, f"the {who} counts on")


class TwoAtOnce(Interrupted):
    def test_who_is_restored_meanwhile_is_not_removed(self):
        self.run_counter()
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.use_fault("restore.populated:stop")
        restore = self.start("restore", snapshot, **QUIET)
        harness = self.stopped_harness()
        removal = self.start("rm", self.aid, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        os.kill(harness, signal.SIGCONT)
        self.assertEqual(restore.wait(20), 0)
        said = removal.communicate(timeout=20)[1]
        self.assertEqual(removal.returncode, 6, said)
        self.assert_counts_on()
        self.appshot("rm", "-f", self.aid)
        self.assertEqual([i for i in self.json("ps", "-a") if i["aid"] == self.aid], [])


class DaemonDies(Interrupted):
    def test_a_snapshot_is_finished_without_it(self):
        self.use_fault("snapshot.frozen:stop")
        self.run_counter()
        before = self.traces()
        snapshot = self.start("snapshot", self.aid, **QUIET)
        harness = self.stopped_harness()
        self.kill_daemon()
        self.assertNotEqual(snapshot.wait(20), 0)
        os.kill(harness, signal.SIGCONT)
        found = until(lambda: self.json("snapshots"), "the snapshot is found")
        self.appshot("verify", found[0]["id"])
        self.assert_counts_on()
        self.appshot("snapshot-rm", found[0]["id"])
        self.assert_traces(before)

    def test_an_unfinished_restore_is_undone(self):
        self.run_counter()
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        for point in ("layers", "populated", "released"):
            with self.subTest(point):
                self.kill_daemon_at(point, "restore", snapshot)
        self.use_fault(None)
        self.appshot("restore", snapshot)
        self.assert_counts_on()

    def test_who_was_being_woken_sleeps_on(self):
        self.run_counter()
        self.appshot("sleep", self.aid)
        for point in ("layers", "populated", "released"):
            with self.subTest(point):
                self.kill_daemon_at(point, "wake", self.aid)
        self.use_fault(None)
        self.appshot("wake", self.aid)
        self.assert_counts_on()

    def kill_daemon_at(self, point, *command):
        self.use_fault(f"restore.{point}:stop")
        before = self.traces()
        restore = self.start(*command, **QUIET)
        self.stopped_harness()
        self.kill_daemon()
        self.assertNotEqual(restore.wait(20), 0)
        self.json("ps")
        self.assert_traces(before)


if __name__ == "__main__":
    unittest.main()
