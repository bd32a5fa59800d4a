"""Commands with a time limit, and the end of everything they leave."""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
KEPT_BYTES = 4 << 20


def become_subreaper():
    """Whatever our children leave behind becomes our child and can be found and ended."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(pid) for pid in file.read().split()]


def end_descendants():
    """Level by level: orphans of what we end become our children."""
    end = time.monotonic() + 20
    while (pids := children()) and time.monotonic() < end:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


def _end_group(process):
    """A chance to tidy up first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(10)
            return
        except subprocess.TimeoutExpired:
            continue


def run_command(words, env, cwd, seconds, quiet):
    """(exit status, output). Output is passed on as it comes, or, if quiet, only after a failure."""
    process = subprocess.Popen(words, env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    end = time.monotonic() + seconds
    output = bytearray()
    fd = process.stdout.fileno()
    timed_out = False
    while True:
        # Its end counts, not the end of its output: a daemon it started may hold the pipe.
        ready, _, _ = select.select([fd], [], [], 0.2)
        if ready:
            got = os.read(fd, 65536)
            if not got:
                break
            output += got
            if not quiet:
                sys.stdout.write(got.decode(errors="replace"))
                sys.stdout.flush()
            del output[:-KEPT_BYTES]
        elif process.poll() is not None:
            break
        if time.monotonic() > end:
            timed_out = True
            break
    if timed_out:
        _end_group(process)
    else:
        try:
            process.wait(max(1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            timed_out = True
            _end_group(process)
    process.stdout.close()
    text = output.decode(errors="replace")
    status = 124 if timed_out else process.returncode
    if quiet and status != 0:
        print(text)
    if timed_out:
        print(f"-- ended after {seconds} s: {' '.join(words)}", flush=True)
    return status, text
