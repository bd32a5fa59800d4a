"""A node of its own for each test: a fresh APPSHOT_ROOT, the fake harness, nothing left behind.

The programs come from APPSHOT_BIN (default: build/bin of this repository). The test process is the
subreaper of everything it starts, so that whatever is left when a test ends can be found and ended.
"""

import collections
import ctypes
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("APPSHOT_BIN", REPOSITORY / "build" / "bin"))
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNET = 0x40000000
DEADLINE_S = int(os.environ.get("APPSHOT_TEST_SECONDS", "20"))
PAUSE_S = 0.01


def children():
    """The pids of this process's children."""
    found = []
    for task in os.listdir("/proc/self/task"):
        try:
            text = pathlib.Path(f"/proc/self/task/{task}/children").read_text()
        except FileNotFoundError:
            continue
        found += [int(pid) for pid in text.split()]
    return found


def end_all_children():
    """Ends every descendant: orphans become children of the subreaper, level by level."""
    end = time.monotonic() + DEADLINE_S
    while pids := children():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass
        if time.monotonic() > end:
            raise TimeoutError(f"still there: {pids}")


def until(condition, what):
    """Looks again and again until it holds; what it returned is returned."""
    end = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {DEADLINE_S} s: {what}")
        select.select([], [], [], PAUSE_S)
    return found


def enter_own_network():
    """What a node that is killed leaves in the kernel goes with the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "a network namespace for the test")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Node(unittest.TestCase):
    """A test with a node. `self.appshot(...)` runs the command line and checks its status."""

    def setUp(self):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        enter_own_network()
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="appshot-e2e-"))
        self.env = dict(os.environ, APPSHOT_ROOT=str(self.root),
                        APPSHOT_HARNESS=str(BIN / "fake_harness"))
        self.addCleanup(shutil.rmtree, self.root)
        self.addCleanup(end_all_children)

    def command(self, *words):
        return [str(BIN / "appshot"), *words]

    def appshot(self, *words, status=0, stdin=None, timeout=DEADLINE_S):
        """Standard output; `self.stderr` has the rest."""
        done = subprocess.run(self.command(*words), env=self.env, input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None,
                              capture_output=True, text=True, timeout=max(timeout, DEADLINE_S))
        self.stderr = done.stderr
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def start(self, *words, **options):
        return subprocess.Popen(self.command(*words), env=self.env, text=True, **options)

    def json(self, *words):
        return json.loads(self.appshot(*words, "--json"))

    def instance(self, aid):
        found = [i for i in self.json("ps", "-a") if i["aid"] == aid]
        return found[0] if found else None

    def daemon_pid(self):
        return self.json("daemon", "status")["pid"]

    def kill_daemon(self):
        self.kill_and_wait(self.daemon_pid())

    def kill_and_wait(self, pid):
        """SIGKILL, and until it is a zombie or gone whoever its parent is."""
        handle = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            self.assertTrue(select.select([handle], [], [], DEADLINE_S)[0], "does not die")
        finally:
            os.close(handle)

    def follow_events(self):
        return Follower(self, "events", "-f", "--json")


class Follower:
    """Lines of a command that goes on, each awaited with a deadline."""

    def __init__(self, node, *words, **options):
        self.process = node.start(*words, stdout=subprocess.PIPE, **options)
        self.lines = collections.deque()
        self.begun = b""  # a line of which there is more to come

    def line(self):
        while not self.lines:
            ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE_S)
            if not ready:
                raise TimeoutError(f"no line; so far {self.begun!r}")
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                return None
            *whole, self.begun = (self.begun + got).split(b"\n")
            self.lines.extend(whole)
        return self.lines.popleft().decode()

    def event(self, kind, aid=None):
        """The next event of that kind."""
        while line := self.line():
            event = json.loads(line)
            if event["kind"] == kind and aid in (None, event["aid"]):
                return event
        raise EOFError(f"no event {kind}")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
