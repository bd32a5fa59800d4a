"""An instance that runs while its memory still comes in: whoever of ours dies, whatever becomes of the image, it never
reads anything but what it had. The real harness."""

import os
import pathlib
import signal
import subprocess
import threading
import unittest

from real_fixture import RealNode, descendants, enter_own_world, until

PAGER, GUARD = "appshot-pager", "appshot-guard"
HOLD = "memory.stream:EAGAIN"  # what nobody asks for stays missing
BLOCK = 256 * 1024
# Says at each SIGUSR1 whether its memory is what it was; ends well at SIGUSR2.
KEEPER = ["/usr/bin/python3", "-c", """
import hashlib, os, signal
wanted = {signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
memory = os.urandom(24 << 20)
digest = hashlib.sha256(memory).digest()
print('ready', flush=True)
while signal.sigwait(wanted) == signal.SIGUSR1:
    print('intact' if hashlib.sha256(memory).digest() == digest else 'changed', flush=True)
"""]


def setUpModule():
    enter_own_world()

# On the pages of their environment and arguments lies what they do not look at by themselves. There are many, so that
# the first of them waits for a while until its memory is watched.
LOOKERS = 40
LOOKED_AT = ["python3", "-c", """
import os, signal
def look():
    return [open(f"/proc/self/{name}", "rb").read() for name in ("environ", "cmdline", "auxv")]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
children = []
while len(children) < %d and (pid := os.fork()):
    children.append(pid)
known = look()
if pid:
    print("ready", flush=True)
while signal.sigwait([signal.SIGUSR1]):
    for child in children if pid else []:
        os.kill(child, signal.SIGUSR1)
    os.write(1, b"intact\\n" if look() == known else b"changed\\n")
""" % (LOOKERS - 1)]


def look_at_everybody(over):
    """As ps does, again and again."""
    while not over.is_set():
        for pid in descendants():
            for name in ("environ", "cmdline"):
                try:
                    pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
                except (FileNotFoundError, ProcessLookupError, PermissionError):
                    pass


def named(name):
    return [pid for pid, comm in descendants().items() if comm == name]


class RunsBeforeItsMemoryIsThere(RealNode):
    def setUp(self):
        super().setUp()
        self.use_fault(HOLD)
        self.appshot("run", "-d", "--name", self.aid, "--", *KEEPER)
        self.told("ready", 1)
        self.snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.pages = pathlib.Path(self.root) / "lib/snapshots" / self.snapshot / "pages"

    def told(self, word, times):
        until(lambda: self.appshot("logs", self.aid).split().count(word) >= times, f"{word}, {times} times")

    def restore(self):
        self.appshot("restore", "--lazy", self.snapshot)
        self.assertGreater(self.missing(), 16 << 20)

    def listed(self):
        return [snapshot["id"] for snapshot in self.json("snapshots")]

    def missing(self):
        return self.instance(self.aid)["missing_bytes"]

    def assert_intact(self, times=1):
        self.appshot("kill", "-s", "USR1", self.aid)
        self.told("intact", times)

    def assert_failed(self, *words):
        """With an error that says so, wherever one looks; and nothing is left."""
        until(lambda: self.instance(self.aid)["state"] == "failed", "it has failed")
        why = self.instance(self.aid)["why"]
        for word in words:
            self.assertIn(word, why)
        self.assertIn(why, self.appshot("events"))
        self.assertIn(why, self.appshot("inspect", self.aid))
        self.assertNotIn("changed", self.appshot("logs", self.aid).split())
        until(lambda: not named(PAGER) and not named(GUARD), "who brought it in has ended")
        until(self.harnesses_have_settled, "its harness has ended")
        self.appshot("rm", self.aid)

    def test_what_it_asks_for_comes_in(self):
        self.restore()
        self.assert_intact()
        self.assertLess(self.missing(), 16 << 20)

    def test_eager_means_that_nothing_is_missing(self):
        self.appshot("restore", "--eager", self.snapshot)
        self.assertEqual(self.missing(), 0)
        self.assertEqual(named(PAGER), [])

    def test_lazy_and_eager_exclude_one_another(self):
        self.appshot("restore", "--lazy", "--eager", self.snapshot, status=2)

    def test_when_all_is_in_nothing_stays(self):
        self.use_fault(None)
        self.appshot("restore", "--lazy", self.snapshot)
        until(lambda: self.missing() == 0, "all is in")
        until(lambda: not named(PAGER) and not named(GUARD), "who brought it in has ended")
        root = self.instance(self.aid)
        for pid, comm in descendants().items():
            if comm == "python3":
                self.assertNotRegex(pathlib.Path(f"/proc/{pid}/smaps").read_text(), r"VmFlags:.* um( |$)")
        self.assertEqual(root["state"], "running")
        self.assert_intact()

    def test_a_snapshot_waits_for_the_rest(self):
        self.restore()
        second = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("snapshot-rm", self.snapshot)
        self.appshot("restore", second)
        self.assert_intact()

    def test_a_check_waits_for_the_rest(self):
        self.restore()
        self.appshot("check", self.aid)
        self.assertEqual(self.missing(), 0)

    def test_who_looks_at_it_meanwhile_changes_nothing(self):
        self.aid = f"{self.tag}-looked-at"
        self.appshot("run", "-d", "--name", self.aid, "--", *LOOKED_AT)
        self.told("ready", 1)
        for times in range(1, 9):
            self.snapshot = self.appshot("snapshot", "--stop", self.aid)
            over = threading.Event()
            looker = threading.Thread(target=look_at_everybody, args=[over])
            looker.start()
            try:
                self.appshot("restore", "--lazy", self.snapshot)
            finally:
                over.set()
                looker.join()
            self.assert_intact(times * LOOKERS)

    # ---- waking ----

    def fall_asleep(self):
        """The folder of what it sleeps in."""
        self.aid = f"{self.tag}-sleeper"
        larger = KEEPER[-1].replace("24 << 20", "80 << 20")
        self.appshot("run", "-d", "--name", self.aid, "--", *KEEPER[:-1], larger)
        self.told("ready", 1)
        self.appshot("sleep", self.aid)
        self.snapshot = self.json("inspect", self.aid)["sleep_snapshot"]
        return pathlib.Path(self.json("inspect", self.snapshot)["dir"])

    def test_what_it_slept_in_stays_until_all_is_in(self):
        folder = self.fall_asleep()
        self.appshot("wake", self.aid)
        self.assertGreater(self.missing(), 64 << 20)
        self.assertTrue(folder.exists())
        self.assertNotIn(self.snapshot, self.listed())
        self.assert_intact()
        self.appshot("check", self.aid)
        until(lambda: not folder.exists(), "what it slept in is gone")

    def test_it_may_sleep_again_before_all_is_in(self):
        first = self.fall_asleep()
        self.appshot("wake", self.aid)
        self.appshot("sleep", self.aid)
        second = pathlib.Path(self.json("inspect", self.json("inspect", self.aid)["sleep_snapshot"])["dir"])
        until(lambda: not first.exists(), "what it slept in first is gone")
        self.assertTrue(second.exists())
        self.appshot("wake", self.aid)
        self.assert_intact()

    def test_what_it_slept_in_goes_with_it(self):
        folder = self.fall_asleep()
        self.appshot("wake", self.aid)
        self.appshot("rm", "-f", self.aid)
        until(lambda: not folder.exists(), "what it slept in is gone")
        self.assertNotIn(self.snapshot, self.listed())

    def test_what_it_slept_in_is_kept_when_memory_is_lost(self):
        self.fall_asleep()
        self.appshot("wake", self.aid)
        self.assertGreater(self.missing(), 0)
        self.kill_and_wait(named(PAGER)[0])
        self.assert_failed("bringing in", "has died", self.snapshot)
        self.assertIn(self.snapshot, self.listed())
        self.appshot("restore", "--eager", self.snapshot)
        self.assert_intact()

    def test_what_it_slept_in_outlives_the_daemon(self):
        folder = self.fall_asleep()
        self.appshot("wake", self.aid)
        self.kill_daemon()
        self.assertTrue(folder.exists())
        self.assertNotIn(self.snapshot, self.listed())
        self.assert_intact()
        self.appshot("check", self.aid)
        until(lambda: not folder.exists(), "what it slept in is gone")

    def test_waking_eagerly_waits_for_all(self):
        folder = self.fall_asleep()
        self.appshot("wake", "--eager", self.aid)
        self.assertEqual(self.missing(), 0)
        self.assertEqual(named(PAGER), [])
        until(lambda: not folder.exists(), "what it slept in is gone")
        self.assert_intact()

    # ---- what else may happen meanwhile ----

    def test_large_images_are_restored_lazily_by_themselves(self):
        self.aid = f"{self.tag}-large"
        larger = KEEPER[-1].replace("24 << 20", "80 << 20")
        self.appshot("run", "-d", "--name", self.aid, "--", *KEEPER[:-1], larger)
        self.told("ready", 1)
        self.appshot("restore", self.appshot("snapshot", "--stop", self.aid))
        self.assertGreater(self.missing(), 64 << 20)
        self.assert_intact()

    def test_the_image_may_be_removed_meanwhile(self):
        self.restore()
        self.appshot("snapshot-rm", self.snapshot)
        until(lambda: not self.pages.exists(), "the image is gone")
        self.assert_intact()

    def test_what_was_asked_for_is_remembered_beside_the_image(self):
        self.restore()
        self.assert_intact()
        self.appshot("check", self.aid)
        until(lambda: not named(PAGER), "who brought it in has ended")
        known = self.pages.parent / "working-set"
        self.assertGreater(known.stat().st_size, 16 * (20 << 20) // BLOCK)
        self.appshot("verify", self.snapshot)
        self.appshot("rm", "-f", self.aid)
        known.write_bytes(known.read_bytes()[:-3])
        self.restore()
        self.assert_intact()

    def test_what_was_asked_for_comes_by_itself_the_next_time(self):
        self.restore()
        self.assert_intact()
        self.appshot("check", self.aid)
        until(lambda: not named(PAGER), "who brought it in has ended")
        self.appshot("rm", "-f", self.aid)
        self.appshot("restore", "--lazy", self.snapshot)
        until(lambda: self.missing() < 16 << 20, "it is there, though nobody has asked and the rest is held")

    def test_what_was_asked_for_is_handed_on_to_the_next_image(self):
        self.restore()
        self.assert_intact()
        second = self.appshot("snapshot", self.aid)
        folder = pathlib.Path(self.json("inspect", second)["dir"])
        self.assertEqual((folder / "working-set").read_bytes(), (self.pages.parent / "working-set").read_bytes())

    def test_it_may_end_meanwhile(self):
        self.restore()
        self.appshot("kill", "-s", "USR2", self.aid)
        until(lambda: self.instance(self.aid)["state"] == "stopped", "it has ended")
        self.assertEqual(self.instance(self.aid)["exit_status"], 0)
        until(lambda: not named(PAGER) and not named(GUARD), "who brought it in has ended")

    def test_it_may_be_killed_meanwhile(self):
        self.restore()
        self.appshot("kill", "-s", "KILL", self.aid)
        until(lambda: self.instance(self.aid)["state"] == "stopped", "it has ended")
        self.assertEqual(self.instance(self.aid)["exit_signal"], signal.SIGKILL)
        until(lambda: not named(PAGER) and not named(GUARD), "who brought it in has ended")

    # ---- the image is damaged after the restore began ----

    def damage(self):
        with open(self.pages, "r+b") as pages:
            for at in range(BLOCK // 2, os.path.getsize(self.pages), BLOCK):
                pages.seek(at)
                byte = pages.read(1)[0]
                pages.seek(at)
                pages.write(bytes([byte ^ 1]))

    def touch_what_ends_it(self):
        """The instance may be gone before anyone could say that the signal was sent."""
        done = subprocess.run(self.command("kill", "-s", "USR1", self.aid), env=self.env, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            self.assertIn("init has died", done.stderr)

    def test_a_damaged_block_ends_it_when_it_is_asked_for(self):
        self.restore()
        self.damage()
        self.touch_what_ends_it()
        self.assert_failed(f"the memory of snapshot {self.snapshot}", "damaged in block")

    def test_a_damaged_block_ends_it_when_a_snapshot_wants_it(self):
        self.restore()
        self.damage()
        self.appshot("snapshot", self.aid, status=1)
        self.assert_failed(f"the memory of snapshot {self.snapshot}", "damaged in block")

    def test_pages_that_were_cut_short_end_it(self):
        self.restore()
        os.truncate(self.pages, BLOCK)
        self.touch_what_ends_it()
        self.assert_failed(f"the memory of snapshot {self.snapshot}", "cut short")

    def test_a_block_that_is_damaged_before_it_runs_is_a_failed_restore(self):
        self.damage()
        self.appshot("restore", "--lazy", self.snapshot, status=1)
        self.assertIn("damaged in block", self.stderr)
        self.assertEqual(named(PAGER) + named(GUARD), [])

    # ---- somebody of ours dies ----

    def test_it_is_ended_when_who_brings_it_in_dies(self):
        self.restore()
        self.kill_and_wait(named(PAGER)[0])
        self.assert_failed("bringing in", "has died", self.snapshot)

    def test_it_is_ended_when_who_brings_it_in_dies_answering(self):
        self.use_fault(f"{HOLD},memory.answer:kill")
        self.appshot("restore", "--lazy", self.snapshot)
        self.appshot("kill", "-s", "USR1", self.aid)
        self.assert_failed("has died", self.snapshot)

    def test_it_is_ended_though_no_harness_and_no_daemon_is_there(self):
        self.restore()
        pager = named(PAGER)[0]
        self.kill_daemon()
        for harness in named("appshot-harness"):
            self.kill_and_wait(harness)
        self.kill_and_wait(pager)
        self.assert_failed("has died", self.snapshot)

    def test_the_guard_is_replaced(self):
        self.restore()
        guard = named(GUARD)[0]
        self.kill_and_wait(guard)
        until(lambda: named(GUARD) not in ([], [guard]), "another guard")
        self.assert_intact()
        self.kill_and_wait(named(PAGER)[0])
        self.assert_failed("has died", self.snapshot)

    def test_the_harness_may_die(self):
        self.restore()
        old = self.instance(self.aid)["harness_pid"]
        self.kill_and_wait(old)
        self.await_another_harness(old)
        self.assertGreater(self.missing(), 16 << 20)
        self.assert_intact()
        second = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", second)
        self.assert_intact(2)

    def test_a_restore_that_fails_leaves_nothing(self):
        before = self.traces()
        for point in ("traced", "ready", "released"):
            for action in ("EIO", "kill"):
                with self.subTest(f"{point}:{action}"):
                    self.use_fault(f"restore.{point}:{action}")
                    self.appshot("restore", "--lazy", self.snapshot, status=1)
                    self.use_fault(HOLD)
                    self.assert_traces(before)


if __name__ == "__main__":
    unittest.main()
