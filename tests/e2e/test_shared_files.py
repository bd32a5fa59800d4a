"""With --share fs files belong to the machine: a restore goes on only where those that were open have the content they
had, and names each that has not. The real harness."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import unittest

from node_fixture import BIN, Follower
from real_fixture import RealNode, enter_own_world, until

MISMATCH = 5
MIB = 1 << 20
# What is read while the application stands still at most, and what a snapshot reads of /proc and the like.
READ_STANDING_STILL = 16 * MIB
READ_ANYWAY = 8 * MIB
FROZEN_MS_MAX = 1000

# Opens each file in its way, tells that, and counts signals.
HOLDER = """
import fcntl, mmap, os, signal, sys
held = []
for way, path in zip(sys.argv[1::2], sys.argv[2::2]):
    if way == "watched":
        import ctypes
        watch = ctypes.CDLL(None)
        held.append(watch.inotify_init1(os.O_NONBLOCK))
        assert watch.inotify_add_watch(held[-1], os.path.dirname(path).encode(), 0xfff) > 0
    file = open(path, {"read": "rb", "append": "ab", "leased": "r+b", "written": "r+b", "made": "w+b"}.get(way, "rb"))
    if way == "watched":
        try:
            os.read(held[-1], 4096)
        except BlockingIOError:
            pass
    if way == "leased":
        signal.signal(signal.SIGIO, lambda *_: print("lost its lease", flush=True))
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    if way in ("mapped", "mapped too"):
        held.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ,
                              flags=mmap.MAP_SHARED if way == "mapped" else mmap.MAP_PRIVATE))
    if way != "mapped":
        held.append(file)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("holds", flush=True)
while True:
    signal.sigwait([signal.SIGUSR1])
    print("goes on", flush=True)
"""
# Writes here and there for ever.
WRITER = """
import os, sys
file = os.open(sys.argv[1], os.O_RDWR)
size = os.fstat(file).st_size
print("writes", flush=True)
at = 0
while True:
    os.pwrite(file, b"x" * 100, at)
    at = (at + 12345678) % (size - 100)
"""
# Has a file open to read, and opens it again for each change.
CHANGER = """
import itertools, mmap, os, sys
held = open(sys.argv[2], "rb")
size = os.fstat(held.fileno()).st_size
print("changes", flush=True)
for count in itertools.count():
    file = os.open(sys.argv[2], os.O_RDWR)
    at = count * 12347 % (size - 8)
    if sys.argv[1] == "write":
        os.pwrite(file, count.to_bytes(8, "big"), at)
        os.close(file)
    else:
        with mmap.mmap(file, 0) as memory:
            os.close(file)
            memory[at:at + 8] = count.to_bytes(8, "big")
    if count % 1000 == 0:
        print("goes on", flush=True)
"""
CYCLES = 8


def setUpModule():
    enter_own_world()


def bytes_read(pid):
    return int(pathlib.Path(f"/proc/{pid}/io").read_text().split("rchar:")[1].split()[0])


def set_time(path, times):
    os.utime(path, ns=times)


def times_of(path):
    info = path.stat()
    return info.st_atime_ns, info.st_mtime_ns


class SharedFiles(RealNode):
    def setUp(self):
        super().setUp()
        self.data = self.root / "data"
        self.data.mkdir()
        self.file = self.data / "file"
        self.file.write_bytes(b"what it holds\n" * 1000)

    def run_program(self, program, *words):
        self.appshot("run", "-d", "--name", self.aid, "--share", "fs", "--", "python3", "-c", program,
                     *[str(word) for word in words])
        with Follower(self, "logs", "-f", self.aid) as log:
            log.line()

    def hold(self, *words):
        self.run_program(HOLDER, *words)

    def snapshot_and_end(self):
        self.snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)

    def assert_goes_on(self):
        self.appshot("restore", self.snapshot)
        self.assert_answers()

    def assert_goes_on_by_itself(self):
        known = self.appshot("logs", self.aid).count("goes on")
        until(lambda: self.appshot("logs", self.aid).count("goes on") > known, "it goes on")

    def assert_answers(self):
        known = self.appshot("logs", self.aid).count("goes on")
        self.appshot("kill", "-s", "USR1", self.aid)
        until(lambda: self.appshot("logs", self.aid).count("goes on") > known, "it goes on")

    def assert_refused(self, *words):
        until(self.harnesses_have_settled, "no harness but the spare one")
        until(lambda: self.network() == (0, 0), "the kernel has taken down the network of its life before")
        before = self.traces()
        self.appshot("restore", self.snapshot, status=MISMATCH)
        for one in words:
            self.assertIn(one, self.stderr)
        self.assert_traces(before)

    def harness(self):
        return self.instance(self.aid)["harness_pid"]

    @contextlib.contextmanager
    def reading(self):
        """How much the harness reads meanwhile: a list of that one number."""
        pid, result = self.harness(), []
        before = bytes_read(pid)
        yield result
        result.append(bytes_read(pid) - before)

    # ---- what a restore compares ----

    def test_other_content_with_the_same_size_and_time(self):
        for way in ("read", "written", "mapped"):
            with self.subTest(way):
                self.hold(way, self.file)
                self.snapshot_and_end()
                times, whole = times_of(self.file), self.file.read_bytes()
                self.file.write_bytes(whole.replace(b"w", b"W", 1))
                set_time(self.file, times)
                self.assert_refused(f"the open file {self.file} has other content than at the snapshot",
                                    "though it has the same size and time", "bring it back")
                self.file.write_bytes(whole)
                self.assert_goes_on()
                self.appshot("rm", "-f", self.aid)
                self.appshot("snapshot-rm", self.snapshot)

    def test_the_same_content_at_another_time(self):
        for way in ("read", "append", "mapped", "mapped too"):
            with self.subTest(way):
                self.hold(way, self.file)
                self.snapshot_and_end()
                set_time(self.file, (0, 0))
                self.assert_goes_on()
                self.appshot("rm", "-f", self.aid)

    def test_an_equal_copy_in_its_place(self):
        self.hold("read", self.file)
        self.snapshot_and_end()
        copy = self.data / "copy"
        shutil.copyfile(self.file, copy)
        os.replace(copy, self.file)
        self.assert_goes_on()

    def test_a_file_that_has_grown_and_is_cut_again(self):
        self.hold("append", self.file)
        self.snapshot_and_end()
        size = self.file.stat().st_size
        with open(self.file, "ab") as log:
            log.write(b"one line more\n")
        self.assert_refused(f"the open file {self.file} has grown", f"{size + 14} bytes instead of {size}",
                            f"truncate -s {size} {self.file}")
        os.truncate(self.file, size)
        self.assert_goes_on()

    def test_all_differences_are_told_at_once(self):
        shorter, gone, folder = (self.data / name for name in ("shorter", "gone", "folder"))
        for file in (shorter, gone, folder):
            shutil.copy(self.file, file)
        self.hold("read", self.file, "read", shorter, "written", gone, "read", folder)
        self.snapshot_and_end()
        self.file.write_bytes(b"other")
        os.truncate(shorter, 10)
        gone.unlink()
        folder.unlink()
        folder.mkdir()
        self.assert_refused(f"the open file {self.file} has other content", "5 bytes instead of 14000",
                            f"the open file {shorter} has other content", "10 bytes instead of 14000",
                            f"the open file {gone} is not there",
                            f"the open file {folder} is no ordinary file any more")

    def test_the_machine_and_the_files_are_told_together(self):
        self.hold("read", self.file)
        self.snapshot_and_end()
        self.file.write_bytes(self.file.read_bytes().upper())
        subprocess.run([BIN / "edit_image", self.root / "lib/snapshots" / self.snapshot, "page_size=16384"], check=True)
        self.assert_refused("16384", f"the open file {self.file} has other content")

    def test_who_sleeps_is_woken_only_to_the_same_files(self):
        self.hold("read", self.file)
        self.appshot("sleep", self.aid)
        whole = self.file.read_bytes()
        self.file.write_bytes(whole.upper())
        self.appshot("wake", self.aid, status=MISMATCH)
        self.assertIn(f"the open file {self.file} has other content", self.stderr)
        self.file.write_bytes(whole)
        self.appshot("wake", self.aid)
        self.assert_answers()

    def test_files_that_come_with_the_image_may_be_anything(self):
        self.hold("made", f"/dev/shm/{self.tag}", "read", "/proc/meminfo", "read", self.file)
        self.snapshot_and_end()
        self.assert_goes_on()

    # ---- what a snapshot reads ----

    def test_what_has_not_changed_is_not_read_again(self):
        large = self.data / "large"
        large.write_bytes(os.urandom(64 * MIB))
        self.hold("read", large)
        with self.reading() as first:
            self.appshot("snapshot", self.aid)
        with self.reading() as second:
            self.snapshot = self.appshot("snapshot", self.aid)
        with self.reading() as full:
            self.appshot("snapshot", "--full", self.aid)
        self.assertGreaterEqual(first[0], 64 * MIB)
        self.assertLess(second[0], READ_ANYWAY)
        self.assertGreaterEqual(full[0], 64 * MIB)
        self.appshot("rm", "-f", self.aid)
        # And what it knows is known of the second one.
        times = times_of(large)
        with open(large, "r+b") as file:
            file.seek(63 * MIB + 5)
            byte = file.read(1)
            file.seek(63 * MIB + 5)
            file.write(bytes([byte[0] ^ 1]))
        set_time(large, times)
        self.assert_refused(f"the open file {large} has other content")

    def test_what_has_changed_between_two_snapshots_is_known_as_it_is(self):
        self.hold("read", self.file)
        self.appshot("snapshot", self.aid)
        times = times_of(self.file)
        self.file.write_bytes(self.file.read_bytes().upper())
        set_time(self.file, times)
        self.snapshot_and_end()
        self.assert_goes_on()

    def test_what_changes_all_the_time_is_known_as_it_is_in_that_moment(self):
        self.file.write_bytes(os.urandom(4 * MIB))
        for way in ("write", "map"):
            with self.subTest(way):
                self.run_program(CHANGER, way, self.file)
                for _ in range(CYCLES):
                    self.appshot("snapshot", self.aid)
                    self.snapshot_and_end()
                    set_time(self.file, (0, 0))  # it is the content that counts
                    self.appshot("restore", self.snapshot)
                self.assert_goes_on_by_itself()
                self.appshot("rm", "-f", self.aid)

    def test_a_large_file_that_is_written_meanwhile(self):
        sparse = self.data / "sparse"
        sparse.touch()
        os.truncate(sparse, 8 << 30)
        self.run_program(WRITER, sparse)
        with self.reading() as read:
            taken = self.json("snapshot", self.aid)
        self.assertLess(taken["longest_frozen_ms"], FROZEN_MS_MAX)
        self.assertLess(read[0], READ_STANDING_STILL + READ_ANYWAY)
        self.snapshot = self.json("snapshot", "--stop", self.aid)["id"]
        self.appshot("rm", self.aid)
        # Of its content nothing is known, so size and time count.
        times = times_of(sparse)
        set_time(sparse, (0, 0))
        self.assert_refused(f"the open file {sparse} is not as at the snapshot, last changed 1970-01-01")
        set_time(sparse, times)
        self.appshot("restore", self.snapshot)

    def test_a_large_sparse_file_that_is_only_read(self):
        sparse = self.data / "sparse"
        with open(sparse, "wb") as file:
            file.truncate(8 << 30)
            file.seek(5 << 30)
            file.write(b"in the middle")
        self.hold("read", sparse)
        with self.reading() as read:
            self.snapshot = self.appshot("snapshot", self.aid)
        self.assertLess(read[0], READ_ANYWAY)
        self.appshot("rm", "-f", self.aid)
        times = times_of(sparse)
        with open(sparse, "r+b") as file:
            file.seek(5 << 30)
            file.write(b"In")
        set_time(sparse, times)
        self.assert_refused(f"the open file {sparse} has other content")
        # Without holes, it is the same nevertheless.
        with open(sparse, "r+b") as file:
            file.write(bytes(MIB))
            file.seek(5 << 30)
            file.write(b"in")
        self.assert_goes_on()

    # ---- what the application notices ----

    def test_who_watches_files_is_not_told_of_a_snapshot(self):
        """Unread events would be in the way of the second."""
        self.hold("watched", self.file)
        self.appshot("snapshot", self.aid)
        self.snapshot_and_end()
        self.assert_goes_on()

    def test_a_lease_stays(self):
        self.hold("leased", self.file)
        self.appshot("snapshot", self.aid)
        self.snapshot_and_end()
        self.assert_goes_on()
        self.assertNotIn("lost its lease", self.appshot("logs", self.aid))


if __name__ == "__main__":
    unittest.main()
