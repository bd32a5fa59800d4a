"""An image of another machine, or of other programs, is refused with every difference, and leaves
nothing behind.

The images are made to differ by edit_image (tests/tools); one program is replaced for real. The real
harness.
"""

import pathlib
import resource
import shutil
import subprocess
import unittest

from huge_pages import free_huge_pages, huge_pages
from node_fixture import BIN
from real_fixture import COUNTER, RealNode, enter_own_world, until

MISMATCH = 5
# Features that programs use; some machine lacks one of them.
RARE_FEATURES = ("sse4a", "amx_tile", "amx_bf16", "avx512_bf16", "avx512ifma", "sha_ni")

HOLDER = ("import mmap, time; own = mmap.mmap(-1, 4 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000); "
          "own[0] = 1; print('holds', flush=True); time.sleep(1000)")


def setUpModule():
    enter_own_world()


def missing_features():
    flags = next(line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                 if line.startswith("flags")).split()
    return [feature for feature in RARE_FEATURES if feature not in flags]


def may_raise_limits():
    """CAP_SYS_RESOURCE in the bounding set, as the restore asks."""
    status = pathlib.Path("/proc/self/status").read_text()
    return bool(int(status.split("CapBnd:")[1].split()[0], 16) >> 24 & 1)


class Differences(RealNode):
    def setUp(self):
        super().setUp()
        # A program of its own, so that it can be replaced.
        self.program = self.root / "program"
        shutil.copy(COUNTER[0], self.program)
        self.appshot("run", "-d", "--name", self.aid, "--", str(self.program), "10")
        self.assert_counts_on()
        self.snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)

    def calm(self):
        """What is held, once the harness of before has tidied up."""
        until(lambda: self.harnesses_have_settled() and
              not any("layers.old" in file for file in self.files()), "no harness but the spare one")
        return self.traces()

    def edit(self, *edits):
        folder = self.root / "lib/snapshots" / self.snapshot
        subprocess.run([BIN / "edit_image", folder, *edits], check=True)

    def test_huge_pages_that_nobody_has_set_aside(self):
        holder = f"{self.aid}-huge"
        with huge_pages(2) as added:
            if added < 2:
                self.skipTest("this machine has no room for huge pages")
            self.appshot("run", "-d", "--name", holder, "--", "python3", "-c", HOLDER)
            until(lambda: "holds" in self.appshot("logs", holder), "it holds huge pages")
            snapshot = self.appshot("snapshot", "--stop", holder)
            self.appshot("restore", snapshot)
            self.appshot("rm", "-f", holder)
            until(self.harnesses_have_settled, "it is gone")
        if free_huge_pages() >= 2:
            self.skipTest("somebody else has set huge pages aside")
        self.appshot("restore", snapshot, status=MISMATCH)
        self.assertIn("it needs 2 huge pages of 2 MiB", self.stderr)
        self.assertIsNone(self.instance(holder))

    def assert_refused(self, *differences):
        """Each of them is named, and everything is as it was."""
        before = self.calm()
        self.appshot("restore", self.snapshot, status=MISMATCH)
        for difference in differences:
            self.assertIn(difference, self.stderr)
        self.assert_traces(before)

    def test_every_fact_of_the_machine_is_compared(self):
        manifest = self.root / "lib/snapshots" / self.snapshot / "manifest"
        whole = manifest.read_bytes()
        cases = [
            (["architecture=riscv64"], "the image is for a riscv64 machine, this is x86_64"),
            (["page_size=16384"], "the image has pages of 16384 bytes, this machine of 4096"),
            (["xstate_bit=40"], "does not save all of the extended processor state"),
            (["vdso_hash=1", "kernel=9.9.9-other"], "was made under kernel 9.9.9-other"),
        ] + [([f"cpu_feature={feature}"], f"the processor lacks the feature '{feature}'")
             for feature in missing_features()[:1]]
        for edits, words in cases:
            with self.subTest(edits[0]):
                manifest.write_bytes(whole)
                self.edit(*edits)
                self.assert_refused(words)
        manifest.write_bytes(whole)
        self.appshot("restore", self.snapshot)
        self.assert_counts_on()

    def test_all_differences_are_told_at_once(self):
        features = missing_features()
        self.assertTrue(features, "this processor has every feature the test knows")
        self.edit("architecture=riscv64", "page_size=16384", "xstate_bit=40", "vdso_hash=1",
                  *[f"cpu_feature={feature}" for feature in features])
        self.assert_refused("riscv64", "16384", "extended processor state", "vdso",
                            *[f"'{feature}'" for feature in features])

    def test_the_machine_and_the_program_files_are_told_together(self):
        self.edit("page_size=16384", f"size={self.program}")
        self.assert_refused("16384", f"the program file {self.program} has")

    def test_what_no_program_can_use_does_not_count(self):
        self.edit("cpu_feature=hypervisor_of_another_make", "kernel=9.9.9-same-vdso")
        self.appshot("restore", self.snapshot)
        self.assert_counts_on()

    @unittest.skipIf(may_raise_limits(), "this machine may raise limits")
    def test_limits_that_cannot_be_given(self):
        self.edit(f"hard_limit={resource.RLIMIT_NOFILE}:{1 << 40}")
        words = f"had a hard limit 'Max open files' of {1 << 40}"
        self.assert_refused(f"process 2 {words}", f"process 3 {words}")

    def test_every_fact_of_a_program_file_is_compared(self):
        manifest = self.root / "lib/snapshots" / self.snapshot / "manifest"
        whole = manifest.read_bytes()
        for fact, words in (("size", "bytes instead of"), ("build_id", "has another build id"),
                            ("name", ".gone is not there")):
            with self.subTest(fact):
                manifest.write_bytes(whole)
                self.edit(f"{fact}={self.program}")
                self.assert_refused(f"the program file {self.program}", words)

    def test_a_program_with_the_same_build_id_is_the_same(self):
        self.edit(f"mtime={self.program}")
        self.appshot("restore", self.snapshot)
        self.assert_counts_on()

    def test_a_program_that_was_replaced(self):
        kept = self.root / "kept"
        self.program.rename(kept)
        shutil.copy(BIN / "edit_image", self.program)
        self.assert_refused(f"the program file {self.program} has")
        self.program.unlink()
        self.assert_refused(f"the program file {self.program} is not there")
        kept.rename(self.program)
        self.appshot("restore", self.snapshot)
        self.assert_counts_on()

    def test_a_program_that_was_changed_in_place(self):
        """Of the same size, but built anew."""
        with open(self.program, "r+b") as program:
            bytes_ = program.read()
            at = bytes_.index(b"\x04\x00\x00\x00\x14\x00\x00\x00\x03\x00\x00\x00GNU\x00") + 16
            program.seek(at)
            program.write(bytes([bytes_[at] ^ 1]))
        self.assert_refused("has another build id")

    def test_who_sleeps_sleeps_on(self):
        self.appshot("restore", self.snapshot)
        self.appshot("sleep", self.aid)
        before = self.calm()
        self.program.rename(self.root / "kept")
        self.appshot("wake", self.aid, status=MISMATCH)
        (self.root / "kept").rename(self.program)
        self.assert_traces(before)
        self.appshot("wake", self.aid)
        self.assert_counts_on()


if __name__ == "__main__":
    unittest.main()
