"""Whatever goes wrong in a snapshot, the application goes on; in a restore, nothing is left behind.

Each step of the engine has a fault point (src/os/fault.h) at which it is made to fail, or its harness
is killed. The real harness.
"""

import unittest

from real_fixture import RealNode, enter_own_world, until

ERRORS = {"ENOSPC": "No space left", "EIO": "Input/output error", "ENOMEM": "Cannot allocate memory"}
SNAPSHOT_POINTS = ("begin", "frozen", "captured", "pages", "written")
RESTORE_POINTS = ("begin", "layers", "planned", "populated", "inside", "traced", "ready", "released")


def setUpModule():
    enter_own_world()


class SnapshotFails(RealNode):
    def snapshot_fails(self, fault, *how):
        """One instance, one fault: it counts on, and no trace of a snapshot is there."""
        self.use_fault(f"snapshot.{fault}")
        self.aid = f"{self.tag}-{fault.replace(':', '-').lower()}"
        self.run_counter()
        before = self.traces()
        harness = self.instance(self.aid)["harness_pid"]
        self.appshot("snapshot", *how, self.aid, status=1)
        if not fault.endswith(":kill"):
            self.assertIn(ERRORS[fault.split(":")[1]], self.stderr)
            self.assertIn(f"fault point snapshot.{fault.split(':')[0]}", self.stderr)
            self.assert_counts_on()
            self.assert_traces(before)
            return
        self.assertIn("harness", self.stderr)
        self.await_another_harness(harness)
        self.assert_counts_on()
        for kind in ("files", "cgroups", "snapshots", "mounts"):
            self.assertEqual(self.traces()[kind], before[kind])

    def then_works(self):
        """The same application, once its harness is one without a fault."""
        self.use_fault(None)
        old = self.instance(self.aid)["harness_pid"]
        self.kill_and_wait(old)
        self.await_another_harness(old)
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        self.assert_counts_on()
        self.appshot("rm", "-f", self.aid)
        self.appshot("snapshot-rm", snapshot)

    def test_it_counts_on(self):
        for point in SNAPSHOT_POINTS:
            for action in [*ERRORS, "kill"]:
                with self.subTest(f"{point}:{action}"):
                    self.snapshot_fails(f"{point}:{action}")
                    self.then_works()

    def test_it_counts_on_where_it_should_have_stopped(self):
        for point in SNAPSHOT_POINTS:
            for action in ("ENOSPC", "kill"):
                with self.subTest(f"{point}:{action}"):
                    self.snapshot_fails(f"{point}:{action}", "--stop")
                    self.then_works()

    def test_a_whole_snapshot_counts_though_its_harness_dies(self):
        self.use_fault("snapshot.published:kill")
        self.run_counter()
        snapshot = self.appshot("snapshot", self.aid)
        self.assertEqual([s["id"] for s in self.json("snapshots")], [snapshot])
        self.appshot("verify", snapshot)
        self.assert_counts_on()

    def test_an_application_that_should_have_ended_with_its_snapshot_runs_on(self):
        for action in ("ENOSPC", "kill"):
            with self.subTest(action):
                self.aid = f"{self.tag}-end-{action.lower()}"
                self.use_fault(f"snapshot.published:{action}")
                self.run_counter()
                self.appshot("snapshot", "--stop", self.aid, status=1)
                said = self.stderr
                self.assertIn("is complete, but", said)
                snapshot, = [s["id"] for s in self.json("snapshots") if s["aid"] == self.aid]
                self.assertIn(snapshot, said)
                self.appshot("verify", snapshot)
                self.assert_counts_on()

    def test_who_cannot_fall_asleep_is_awake(self):
        for point in ("frozen", "published"):
            for action in ("ENOSPC", "kill"):
                with self.subTest(f"{point}:{action}"):
                    self.aid = f"{self.tag}-{point}-{action.lower()}"
                    self.use_fault(f"snapshot.{point}:{action}")
                    self.run_counter()
                    before = self.files()
                    self.appshot("sleep", self.aid, status=1)
                    self.assert_counts_on()
                    self.assertEqual(self.instance(self.aid)["state"], "running")
                    if point == "published":  # a whole one is nobody's to throw away
                        snapshot, = [s["id"] for s in self.json("snapshots") if s["aid"] == self.aid]
                        self.appshot("snapshot-rm", snapshot)
                    until(lambda before=before: self.files() == before, "no snapshot")


class RestoreFails(RealNode):
    def setUp(self):
        super().setUp()
        self.run_counter()
        self.snapshot = self.appshot("snapshot", "--stop", self.aid)

    def restore_fails(self, fault):
        self.use_fault(f"restore.{fault}")
        before = self.traces()
        self.appshot("restore", self.snapshot, status=1)
        if not fault.endswith(":kill"):
            self.assertIn(ERRORS[fault.split(":")[1]], self.stderr)
            self.assertIn(f"fault point restore.{fault.split(':')[0]}", self.stderr)
        self.assert_traces(before)

    def test_nothing_is_left(self):
        self.appshot("rm", self.aid)
        for point in RESTORE_POINTS:
            for action in [*ERRORS, "kill"]:
                with self.subTest(f"{point}:{action}"):
                    self.restore_fails(f"{point}:{action}")
        self.use_fault(None)
        self.appshot("restore", self.snapshot)
        self.assert_counts_on()
        self.appshot("rm", "-f", self.aid)

    def test_an_instance_that_was_there_stays_as_it_was(self):
        for fault in ("layers:EIO", "inside:kill", "released:ENOMEM", "released:kill"):
            with self.subTest(fault):
                before = self.instance(self.aid)
                self.restore_fails(fault)
                after = self.instance(self.aid)
                del before["age_ms"], after["age_ms"]
                self.assertEqual(after, before)

    def test_who_cannot_be_woken_sleeps_on(self):
        self.appshot("rm", self.aid)
        self.run_counter()
        self.appshot("sleep", self.aid)
        for fault in ("layers:EIO", "inside:kill", "released:ENOMEM", "released:kill"):
            with self.subTest(fault):
                self.use_fault(f"restore.{fault}")
                before = self.traces()
                self.appshot("wake", self.aid, status=1)
                self.assert_traces(before)
        self.use_fault(None)
        self.appshot("wake", self.aid)
        self.assert_counts_on()


if __name__ == "__main__":
    unittest.main()
