"""Snapshots of a running application one after another: each stores what has changed, each is whole by itself.
The real harness."""

import os
import pathlib
import re
import sys
import unittest

from node_fixture import BIN, Follower
from real_fixture import RealNode, enter_own_world, until

SNAPSHOTS_UNDER_LOAD = int(os.environ.get("APPSHOT_TEST_SNAPSHOTS", "5"))
MIB_UNDER_LOAD = os.environ.get("APPSHOT_TEST_MIB", "128")
KEPT_UNDER_LOAD = 3
PROGRAM = pathlib.Path(__file__).with_name("changing_memory.py")
CONTENTS = pathlib.Path(__file__).with_name("changing_contents.py")


def setUpModule():
    enter_own_world()


class Lineage(RealNode):
    def setUp(self):
        super().setUp()
        self.log = None

    def tearDown(self):
        self.log and self.log.close()
        super().tearDown()

    def run_program(self, program=PROGRAM):
        self.appshot("run", "-d", "--name", self.aid, "--", "python3", str(program))
        self.log = Follower(self, "logs", "-f", self.aid)
        return int(self.log.line().split()[1])

    def step(self):
        """(name of what it did, what it holds now)"""
        self.appshot("kill", "-s", "USR1", self.aid)
        while True:
            words = self.log.line().split()
            if words[0] == "did":
                return words[2], words[3]

    def snapshot(self, *words):
        return self.json("snapshot", *words, self.aid)

    def assert_holds(self, snapshot, expected):
        """A restored copy of it."""
        other = f"{self.aid}-again"
        self.appshot("restore", snapshot["id"], "--as", other)
        try:
            with Follower(self, "logs", "-f", other) as log:
                self.appshot("kill", "-s", "USR2", other)
                while (line := log.line()) and not line.startswith("holds"):
                    pass
                self.assertEqual(line.split()[1], expected)
        finally:
            self.appshot("kill", "-s", "KILL", other)
            until(lambda: self.instance(other)["state"] not in ("running", "held"), "its end")
            self.appshot("rm", "-f", other)

    def files(self, snapshot):
        return sorted(os.listdir(snapshot["dir"]))

    def test_each_holds_what_was_there_however_it_was_changed(self):
        steps = self.run_program()
        taken = []
        for _ in range(2 * steps):
            name, expected = self.step()
            taken.append((name, self.snapshot(), expected))
        for name, snapshot, expected in taken:
            with self.subTest(name):
                self.assert_holds(snapshot, expected)
                self.appshot("snapshot-rm", snapshot["id"])

    def test_each_holds_the_files_and_the_shared_memory_however_they_were_changed(self):
        steps = self.run_program(CONTENTS)
        taken = []
        for _ in range(2 * steps):
            name, expected = self.step()
            taken.append((name, self.snapshot(), expected))
        for name, snapshot, _ in taken[1:]:
            with self.subTest(name):
                self.assertLess(snapshot["stored_bytes"], taken[0][1]["stored_bytes"] * 0.7)
        for name, snapshot, expected in taken:
            with self.subTest(name):
                self.assert_holds(snapshot, expected)
                self.appshot("snapshot-rm", snapshot["id"])

    def test_each_is_of_one_moment_while_memory_is_written_as_fast_as_it_can_be(self):
        program = BIN.parent / "bench" / "busy_memory"
        if not program.exists():
            self.skipTest("sanitized builds have no programs to measure with")
        self.appshot("run", "-d", "--name", self.aid, "--", str(program), MIB_UNDER_LOAD, "500")
        until(lambda: "ready" in self.appshot("logs", self.aid), "it has filled its memory")
        other = f"{self.aid}-again"
        for _ in range(SNAPSHOTS_UNDER_LOAD):
            snapshot = self.snapshot()
            self.appshot("restore", snapshot["id"], "--as", other)
            self.appshot("kill", "-s", "USR1", other)
            until(lambda: re.search("whole|broken", self.appshot("logs", other)), "it has looked")
            self.assertIn("whole", self.appshot("logs", other))
            self.appshot("rm", "-f", other)
            for one in self.json("snapshots")[:-KEPT_UNDER_LOAD]:
                self.appshot("verify", one["id"])
                self.appshot("snapshot-rm", one["id"])
        for one in self.json("snapshots"):
            self.appshot("verify", one["id"])

    def test_only_what_changed_is_stored_and_a_full_one_shares_nothing(self):
        self.run_program()
        self.step()
        first = self.snapshot()
        second = self.snapshot()
        self.assertLess(second["stored_bytes"], first["stored_bytes"] / 4)
        self.assertEqual(second["memory_bytes"] // 2**20, first["memory_bytes"] // 2**20)
        self.assertEqual(self.files(second), ["manifest", "pages", f"pages.{first['id']}"])
        full = self.snapshot("--full")
        self.assertGreater(full["stored_bytes"], first["stored_bytes"] / 2)
        self.assertEqual(self.files(full), ["manifest", "pages"])

    def test_any_of_them_may_be_removed(self):
        self.run_program()
        taken = []
        for _ in range(12):
            _, expected = self.step()
            taken.append((self.snapshot(), expected))
            self.assertLess(len(self.files(taken[-1][0])), 12)
        for index in (0, 4, 5, 11):
            self.appshot("snapshot-rm", taken[index][0]["id"])
        # The next one has no predecessor to lean on.
        _, expected = self.step()
        taken.append((self.snapshot(), expected))
        self.assertEqual(self.files(taken[-1][0]), ["manifest", "pages"])
        for index in (1, 6, 10, 12):
            self.appshot("verify", taken[index][0]["id"])
            self.assert_holds(*taken[index])

    def test_what_a_removed_one_alone_has_needed_gives_its_room_back(self):
        self.run_program()
        taken = []
        for _ in range(4):
            _, expected = self.step()
            taken.append((self.snapshot(), expected))
        first, last = taken[0][0], taken[-1][0]
        shared = os.path.join(last["dir"], f"pages.{first['id']}")
        size, whole = os.path.getsize(shared), os.stat(shared).st_blocks
        # fill, write_some, give_back and read_what_was_given_back: the middle ones need less and less of it.
        for snapshot, _ in taken[:-1]:
            self.appshot("snapshot-rm", snapshot["id"])
        until(lambda: os.stat(shared).st_blocks < whole * 0.98, "its room")
        self.assertEqual(os.path.getsize(shared), size)
        _, expected = self.step()
        taken.append((self.snapshot(), expected))
        for snapshot, holds in taken[-2:]:
            self.appshot("verify", snapshot["id"])
            self.assert_holds(snapshot, holds)

    def test_nothing_is_given_back_that_a_restore_still_brings_in(self):
        self.use_fault("memory.stream:EAGAIN")  # what nobody asks for stays missing
        self.run_program()
        _, expected = self.step()
        first = self.snapshot()
        for _ in range(3):
            self.step()
        second = self.snapshot()
        other = f"{self.aid}-again"
        self.appshot("restore", "--lazy", first["id"], "--as", other)
        self.assertGreater(self.instance(other)["missing_bytes"], 0)
        self.appshot("snapshot-rm", first["id"])
        snapshots = os.path.dirname(second["dir"])
        until(lambda: not [name for name in os.listdir(snapshots) if name.startswith(".")], "it is removed")
        self.appshot("check", other)  # brings the rest in
        self.assertEqual(self.instance(other)["missing_bytes"], 0)
        with Follower(self, "logs", "-f", other) as log:
            self.appshot("kill", "-s", "USR2", other)
            while not (line := log.line()).startswith("holds"):
                pass
            self.assertEqual(line.split()[1], expected)
        self.appshot("verify", second["id"])
        self.appshot("rm", "-f", other)

    def test_an_export_of_one_needs_no_other(self):
        self.run_program()
        for _ in range(3):
            _, expected = self.step()
            snapshot = self.snapshot()
        file = os.path.join(self.root, "export")
        self.appshot("export", snapshot["id"], file)
        for one in self.json("snapshots"):
            self.appshot("snapshot-rm", one["id"])
        imported = self.json("import", file)
        imported = imported[0] if isinstance(imported, list) else imported
        self.assertEqual(self.files(imported), ["manifest", "pages"])
        self.assert_holds(imported, expected)

    def test_damage_is_found_by_all_who_share_it_and_by_nobody_else(self):
        self.run_program()
        self.step()
        first, second = self.snapshot(), self.snapshot()
        alone = self.snapshot("--full")
        pages = os.path.join(first["dir"], "pages")
        with open(pages, "r+b") as file:
            file.seek(os.path.getsize(pages) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
        for damaged in (first, second):
            self.appshot("verify", damaged["id"], status=1)
            self.assertIn("damaged", self.stderr)
        self.appshot("verify", alone["id"])

    def test_a_stopped_one_stores_what_changed_too(self):
        self.run_program()
        self.step()
        first = self.snapshot()
        _, expected = self.step()
        last = self.snapshot("--stop")
        self.assertLess(last["stored_bytes"], first["stored_bytes"] / 2)
        self.assert_holds(last, expected)

    def holds(self):
        self.appshot("kill", "-s", "USR2", self.aid)
        while not (line := self.log.line()).startswith("holds"):
            pass
        return line.split()[1]

    def follow_again(self):
        """Behind what it had written in its life before."""
        known = len(self.appshot("logs", self.aid).splitlines())
        self.log.close()
        self.log = Follower(self, "logs", "-f", self.aid)
        for _ in range(known):
            self.log.line()

    def test_after_a_restore_only_what_changed_is_stored(self):
        for program in (PROGRAM, CONTENTS):
            for how in ("--lazy", "--eager"):
                with self.subTest(program=program.name, how=how):
                    self.run_program(program)
                    self.step()
                    first = self.snapshot("--stop")
                    self.appshot("restore", how, first["id"])
                    self.follow_again()
                    expected = self.holds()
                    if how == "--eager":
                        _, expected = self.step()
                    second = self.snapshot()
                    self.assertIn(f"pages.{first['id']}", self.files(second))
                    self.assertLess(second["stored_bytes"], first["stored_bytes"] * 0.6)
                    self.appshot("snapshot-rm", first["id"])
                    _, at_last = self.step()
                    third = self.snapshot("--stop")
                    self.assertIn(f"pages.{first['id']}", self.files(third))
                    self.assert_holds(second, expected)
                    self.assert_holds(third, at_last)
                    self.log.close()
                    self.appshot("rm", "-f", self.aid)
                    for one in (second, third):
                        self.appshot("snapshot-rm", one["id"])

    def test_across_sleep_and_wake_only_what_changed_is_stored(self):
        self.run_program()
        self.step()
        origin = os.path.join(self.root, "lib", "instances", self.aid, "origin")
        full = self.snapshot("--full")
        for _ in range(3):
            self.appshot("sleep", self.aid)
            self.appshot("wake", self.aid)
            self.follow_again()
            self.step()
        for _ in range(2):
            snapshot = self.snapshot()
            self.assertLess(snapshot["stored_bytes"], full["stored_bytes"] * 0.6)
            _, expected = self.step()
        self.assertFalse(os.path.exists(origin))
        self.appshot("sleep", self.aid)
        self.appshot("wake", self.aid)
        self.follow_again()
        self.assertEqual(self.holds(), expected)

    def test_of_an_origin_that_is_gone_or_damaged_nothing_is_believed(self):
        self.run_program()
        self.step()
        first = self.snapshot("--stop")
        self.appshot("restore", "--eager", first["id"])
        self.follow_again()
        with open(os.path.join(first["dir"], "pages"), "r+b") as file:
            file.write(b"\xff" * os.path.getsize(file.name))
        _, expected = self.step()
        second = self.snapshot()
        self.assertEqual(self.files(second), ["manifest", "pages"])
        self.assert_holds(second, expected)

    def test_after_a_failure_and_after_its_harness_has_died_nothing_old_is_believed(self):
        self.run_program()
        self.step()
        self.snapshot()
        self.step()
        harness = self.instance(self.aid)["harness_pid"]
        self.kill_and_wait(harness)
        self.await_another_harness(harness)
        _, expected = self.step()
        snapshot = self.snapshot()
        self.assertEqual(self.files(snapshot), ["manifest", "pages"])
        self.assert_holds(snapshot, expected)

    def test_one_that_fails_in_the_middle_leaves_the_next_whole(self):
        self.use_fault("snapshot.written:EIO@2")
        self.run_program()
        self.step()
        first = self.snapshot()
        self.step()
        self.appshot("snapshot", self.aid, status=1)
        _, expected = self.step()
        snapshot = self.snapshot()
        self.assertNotIn(f"pages.{first['id']}", self.files(snapshot))
        self.assert_holds(snapshot, expected)


if __name__ == "__main__":
    sys.exit(unittest.main())
