"""A node to measure with, and how times are taken.

Everything is timed in the same way, as a user would wait for it: from before a program is started
until it has ended. What a machine is worth at the moment shows in /bin/true and in `cp`, timed in
turns with what they are compared to; figures are medians, ratios are those of the same turn.
"""

import ctypes
import dataclasses
import json
import mmap
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

PR_SET_CHILD_SUBREAPER = 36
DEADLINE_S = 120
PAUSE_S = 0.02
WARM_BYTES = 3 << 30
MIB = 1 << 20


@dataclasses.dataclass
class Row:
    """One line of the table; a reach of 0 means that there is nothing to reach."""
    case: str
    value: float
    unit: str
    reach: float = 0.0

    @property
    def verdict(self):
        if not self.reach:
            return ""
        return "yes" if self.value <= self.reach else "NO"


def median(values):
    return statistics.median(values)


def ratio(values, others):
    """The median of what each turn says."""
    return median([value / other for value, other in zip(values, others)])


def timed_ms(*words):
    """Start, run and end of a program that must succeed."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    words = [str(word) for word in words]
    begin = time.perf_counter()
    pid = os.posix_spawn(words[0], words, os.environ,
                         file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
    _, status = os.waitpid(pid, 0)
    took = (time.perf_counter() - begin) * 1e3
    os.close(null)
    if status != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {status}")
    return took


def true_ms():
    return timed_ms("/bin/true")


def warm_memory():
    """A virtual machine may have to get memory from its host first; that must cost nobody's time."""
    area = mmap.mmap(-1, WARM_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area.madvise(mmap.MADV_HUGEPAGE)
    for at in range(0, WARM_BYTES, 4096):
        area[at] = 1
    area.close()


def until(condition, what):
    end = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {DEADLINE_S} s: {what}")
        time.sleep(PAUSE_S)
    return found


def peak_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


class Node:
    """A daemon of its own below a new APPSHOT_ROOT."""

    def __init__(self, binaries):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.program = str(binaries / "appshot")
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="appshot-bench-"))
        os.environ["APPSHOT_ROOT"] = str(self.root)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for instance in self.json("ps"):
            self.run("rm", "-f", instance["aid"])
        pid = self.json("daemon", "status")["pid"]
        self.run("daemon", "stop")
        until(lambda: not os.path.exists(f"/proc/{pid}") or self.reap(), "the daemon has ended")
        shutil.rmtree(self.root)

    @staticmethod
    def reap():
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        return False

    def run(self, *words):
        done = subprocess.run([self.program, *words], capture_output=True, text=True, check=False,
                              timeout=DEADLINE_S)
        if done.returncode != 0:
            raise RuntimeError(f"appshot {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def timed(self, *words):
        return timed_ms(self.program, *words)

    def launch(self, name, *words, ready=""):
        self.run("run", "-d", "--name", name, *[str(word) for word in words])
        if ready:
            until(lambda: ready in self.run("logs", name), f"{name} says {ready}")

    def stop_with_snapshot(self, name, *how):
        """Milliseconds, and the snapshot."""
        took = self.timed("snapshot", "--stop", *how, name)
        # Its harness tidies up for a moment; the restore that is measured comes later.
        folder = self.root / "run" / "instances" / name
        until(lambda: not folder.exists(), "the harness has tidied up")
        return took, max(self.json("snapshots"), key=lambda s: s["created_ms"])

    def restore(self, snapshot, name, *how):
        return self.timed("restore", snapshot["id"], "--as", name, *how)
