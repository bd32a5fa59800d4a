"""Snapshots of an application that runs on: how long it stands still, as it sees that itself, and what the
second one costs."""

import re

from measure import Row, median, ratio, until, warm_memory

SIZE_MIB = 1024
TURNS = 5


class Busy:
    """The program busy_memory, told to do things."""

    def __init__(self, node, programs, rate):
        self.node, self.name = node, f"busy{rate}"
        node.launch(self.name, programs / "busy_memory", SIZE_MIB, rate, ready="ready")

    def pause(self):
        """Milliseconds: the longest since it was asked last."""
        known = len(self.pauses())
        self.node.run("kill", "-s", "USR2", self.name)
        return until(lambda: self.pauses()[known:], "it tells its longest pause")[0]

    def rewrite(self):
        """A hundredth of its memory."""
        known = self.node.run("logs", self.name).count("rewritten")
        self.node.run("kill", "-s", "HUP", self.name)
        until(lambda: self.node.run("logs", self.name).count("rewritten") > known, "it has written")

    def pauses(self):
        return [float(pause) for pause in re.findall(r"^pause (\S+)$", self.node.run("logs", self.name), re.M)]

    def snapshot(self, *how):
        """Milliseconds it took, how long the application saw that it stood still, and the snapshot."""
        self.pause()
        took = self.node.timed("snapshot", *how, self.name)
        pause = self.pause()
        return took, pause, max(self.node.json("snapshots"), key=lambda s: s["created_ms"])

    def end(self):
        self.node.run("rm", "-f", self.name)
        for snapshot in self.node.json("snapshots"):
            self.node.run("snapshot-rm", snapshot["id"])


def pauses(node, programs, rate):
    busy = Busy(node, programs, rate)
    seen = []
    for _ in range(TURNS):
        warm_memory()
        _, pause, snapshot = busy.snapshot("--full")
        seen.append(pause)
        node.run("snapshot-rm", snapshot["id"])
    busy.end()
    return seen


def second(node, programs):
    """Of a program that writes 1 % of its memory between two snapshots."""
    busy = Busy(node, programs, 0)
    firsts, seconds, bytes_of_first, bytes_of_second, seen = [], [], [], [], []
    for _ in range(TURNS):
        warm_memory()
        took, _, first = busy.snapshot("--full")
        firsts.append(took)
        busy.rewrite()
        took, pause, snapshot = busy.snapshot()
        seconds.append(took)
        seen.append(pause)
        bytes_of_first.append(first["stored_bytes"])
        bytes_of_second.append(snapshot["stored_bytes"])
    busy.end()
    return ratio(seconds, firsts), ratio(bytes_of_second, bytes_of_first), median(seen)


def running(node, programs):
    yield Row("1 GiB, mostly idle: pause of a snapshot that lets it run", median(pauses(node, programs, 0)), "ms", 10)
    yield Row("1 GiB, 100 MiB/s rewritten: pause of a snapshot", median(pauses(node, programs, 100)), "ms", 40)
    took, stored, pause = second(node, programs)
    yield Row("1 GiB, 1 % changed since the last: time, in the first's", took, "x", 0.1)
    yield Row("1 GiB, 1 % changed since the last: bytes, in the first's", stored, "x", 0.05)
    yield Row("1 GiB, 1 % changed since the last: pause", pause, "ms", 10)


CASES = {"running": running}
