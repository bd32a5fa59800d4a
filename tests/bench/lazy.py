"""Restores that start before the memory is there."""

import os
import pathlib
import select
import shutil
import socket
import time

from measure import DEADLINE_S, Row, median, ratio, timed_ms, until, warm_memory

TURNS = 5
REDIS = shutil.which("redis-server")
REDIS_KEYS, REDIS_VALUE_BYTES = 480_000, 1000  # about 500 MB


def pager_of(harness):
    """The process that brings the memory in, if it still does."""
    children = pathlib.Path(f"/proc/{harness}/task/{harness}/children").read_text().split()
    for pid in children:
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "appshot-pager\n":
                return os.pidfd_open(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def await_pager(node, name):
    pager = pager_of(node.json("inspect", name)["harness_pid"])
    if pager is not None:
        select.select([pager], [], [], DEADLINE_S)
        os.close(pager)


def all_in_ms(node, snapshot, name):
    """From the command to the moment when nothing is missing any more."""
    begin = time.perf_counter()
    command = node.restore(snapshot, name, "--lazy")
    await_pager(node, name)
    return command, (time.perf_counter() - begin) * 1e3


def large(node, programs):
    node.launch("large", programs / "fill_memory", 1024, ready="ready")
    commands, alls, copies = [], [], []
    for _ in range(TURNS):
        warm_memory()
        _, snapshot = node.stop_with_snapshot("large")
        pages, copy = os.path.join(snapshot["dir"], "pages"), os.path.join(node.root, "copy")
        warm_memory()
        copies.append(timed_ms("/bin/cp", pages, copy))
        os.unlink(copy)
        warm_memory()
        command, everything = all_in_ms(node, snapshot, "large")
        commands.append(command)
        alls.append(everything)
        node.run("snapshot-rm", snapshot["id"])
    node.run("rm", "-f", "large")
    yield Row("1 GiB restored lazily: it runs", median(commands), "ms")
    yield Row("1 GiB restored lazily: everything is in", median(alls), "ms")
    yield Row("1 GiB restored lazily: everything is in, in cp", ratio(alls, copies), "x", 1.2)


class RedisClient:
    """A connection to an instance at its own address."""

    def __init__(self, address):
        self.stream = socket.create_connection((address, 6379), DEADLINE_S)
        self.reader = self.stream.makefile("rb")

    def ask(self, *words):
        parts = [str(word).encode() for word in words]
        self.stream.sendall(b"*%d\r\n" % len(parts)
                            + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        line = self.reader.readline()
        if line.startswith(b"$"):
            return self.reader.read(int(line[1:]) + 2)[:-2]
        return line

    def close(self):
        self.reader.close()
        self.stream.close()


def redis(node, _):
    """It sleeps, is woken, and is asked at once by somebody who connects."""
    if not REDIS:
        return
    node.run("run", "-d", "--name", "redis", "--", REDIS, "--save", "", "--daemonize", "no",
             "--protected-mode", "no", "--enable-debug-command", "yes")
    address = node.json("inspect", "redis")["address"]

    def answers():
        try:
            client = RedisClient(address)
        except ConnectionRefusedError:
            return None
        return client if client.ask("PING") == b"+PONG\r\n" else None

    client = until(answers, "redis answers")
    client.ask("DEBUG", "POPULATE", REDIS_KEYS, "key", REDIS_VALUE_BYTES)
    value = client.ask("GET", "key:77777")
    client.close()
    firsts, commands = [], []
    for turn in range(TURNS + 1):
        node.run("sleep", "redis")
        warm_memory()
        begin = time.perf_counter()
        node.run("wake", "redis")
        command = (time.perf_counter() - begin) * 1e3
        client = RedisClient(address)
        if client.ask("GET", "key:77777") != value:
            raise RuntimeError("redis does not know its key any more")
        first = (time.perf_counter() - begin) * 1e3
        client.close()
        await_pager(node, "redis")
        if turn > 0:  # by then it is known what it asks for
            commands.append(command)
            firsts.append(first)
    node.run("rm", "-f", "redis")
    yield Row("redis with 500 MB: wake", median(commands), "ms")
    yield Row("redis with 500 MB: wake until the first GET is answered", median(firsts), "ms", 25)


CASES = {"lazy": large, "redis": redis}
