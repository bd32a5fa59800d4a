"""Processes of a run of the subjects: commands with deadlines, lines read as they come, and what is left behind.

Every process of a run carries the run's tag in its environment, so that only its own are ever ended or blamed.
"""

import ctypes
import os
import select
import signal
import subprocess
import time

TAG_VARIABLE = "SUBJECT_RUN"


def become_subreaper():
    """Orphans of the run (its daemon, say) become children of the runner, which can then see them end."""
    PR_SET_CHILD_SUBREAPER = 36
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


class Deadline:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(0.0, self.end - time.monotonic())


class Lines:
    """A program whose output (both streams) is read line by line until a deadline."""

    def __init__(self, argv, env, stdin=subprocess.DEVNULL):
        self.process = subprocess.Popen(argv, env=env, stdin=stdin, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        self.rest = b""
        self.text = ""
        self.ended = False

    def next(self, deadline):
        """The next line, or None at the end of the output; TimeoutError at the deadline."""
        fd = self.process.stdout.fileno()
        while b"\n" not in self.rest and not self.ended:
            if not select.select([fd], [], [], deadline.left())[0]:
                raise TimeoutError("no output")
            got = os.read(fd, 65536)
            self.ended = not got
            self.rest += got
        if not self.rest:
            return None
        line, _, self.rest = self.rest.partition(b"\n")
        text = line.decode(errors="replace")
        self.text += text + "\n"
        return text

    def end_input(self):
        if self.process.stdin:
            self.process.stdin.close()

    def wait(self, deadline):
        return self.process.wait(timeout=max(0.01, deadline.left()))

    def close(self):
        """Ends the program if it still runs. Its descendants are the tag's business."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass


def tagged_processes(marks):
    """Processes (pid, command line) whose environment holds one of the NAME=VALUE marks; zombies have none."""
    wanted = [mark.encode() for mark in marks]
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as environ:
                variables = environ.read().split(b"\0")
            if not any(mark in variables for mark in wanted):
                continue
            with open(f"/proc/{name}/cmdline", "rb") as cmdline:
                found.append((int(name), cmdline.read().replace(b"\0", b" ").decode(errors="replace")))
        except OSError:
            continue  # it has ended, or is not ours to look at
    return found


def wait_until_gone(marks, deadline):
    """Waits for every process with one of these marks to end; returns those that did not."""
    for pid, _ in tagged_processes(marks):
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            select.select([pidfd], [], [], deadline.left())
        finally:
            os.close(pidfd)
    return tagged_processes(marks)


def kill_tagged(marks):
    for _ in range(20):  # a process may fork while we look
        found = tagged_processes(marks)
        if not found:
            return
        for pid, _ in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until_gone(marks, Deadline(5))


def reap_orphans():
    """Collects adopted children that have ended. Only for the end: subprocess waits for its own itself."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def mounts_under(folder):
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        points = [line.split()[4] for line in mounts]
    return [point for point in points if point == folder or point.startswith(folder + "/")]


def cgroups_named(tag):
    """Control groups of appshot whose path mentions the tag, which every AID of the run does."""
    found = []
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        for name in names:
            path = os.path.join(folder, name)
            if tag in name and "appshot" in path:
                found.append(path)
    return found
