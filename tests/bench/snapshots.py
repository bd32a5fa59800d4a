"""Snapshot with --stop, and restore, through the command line."""

import os
import shutil

from measure import MIB, Row, median, peak_bytes, ratio, timed_ms, true_ms, warm_memory

TURNS = 21
LARGE_TURNS = 5
PYTHON = ["/usr/bin/python3", "-c",
          "import http.server, socketserver, json, ssl, email, time; print('ready', flush=True); "
          "time.sleep(100000)"]


def cycle(node, name, turns):
    stops, restores, trues = [], [], []
    for turn in range(turns + 1):
        true = true_ms()
        stop, snapshot = node.stop_with_snapshot(name)
        restore = node.restore(snapshot, name)
        node.run("snapshot-rm", snapshot["id"])
        if turn == 0:
            continue  # the first finds nothing in any cache
        stops.append(stop)
        restores.append(restore)
        trues.append(true)
    node.run("rm", "-f", name)
    return stops, restores, trues


def small(node, _):
    node.launch("trivial", "/bin/sleep", "100000")
    stops, restores, trues = cycle(node, "trivial", TURNS)
    yield Row("/bin/true: fork, exec, wait", median(trues), "ms")
    yield Row("trivial process: snapshot --stop", median(stops), "ms", 10)
    yield Row("trivial process: restore", median(restores), "ms", 10)
    yield Row("trivial process: snapshot --stop, in /bin/true", ratio(stops, trues), "x", 8)
    yield Row("trivial process: restore, in /bin/true", ratio(restores, trues), "x", 8)


def python(node, _):
    node.launch("python", *PYTHON, ready="ready")
    stops, restores, _ = cycle(node, "python", TURNS)
    yield Row("python3 with an http server's modules: snapshot --stop", median(stops), "ms", 15)
    yield Row("python3 with an http server's modules: restore", median(restores), "ms", 15)


def many(node, programs):
    node.launch("many", programs / "many_processes", 50, ready="ready")
    stops, restores, _ = cycle(node, "many", TURNS)
    yield Row("50 processes: snapshot --stop", median(stops), "ms", 40)
    yield Row("50 processes: restore", median(restores), "ms", 40)


def large(node, programs):
    node.launch("large", programs / "fill_memory", 1024, ready="ready")
    stops, synced, restores, copies, peaks = [], [], [], [], []
    for _ in range(LARGE_TURNS):
        warm_memory()
        stop, snapshot = node.stop_with_snapshot("large")
        stops.append(stop)
        pages = os.path.join(snapshot["dir"], "pages")
        copy = os.path.join(node.root, "copy")
        warm_memory()
        copies.append(timed_ms("/bin/cp", pages, copy))
        os.unlink(copy)
        warm_memory()
        restores.append(node.restore(snapshot, "large", "--eager"))
        init = node.json("inspect", "large")["init_pid"]
        peaks.append(peak_bytes(init) - snapshot["stored_bytes"])
        node.run("snapshot-rm", snapshot["id"])
        warm_memory()
        sync, snapshot = node.stop_with_snapshot("large", "--sync")
        synced.append(sync)
        node.restore(snapshot, "large")
        node.run("snapshot-rm", snapshot["id"])
    harness = node.json("inspect", "large")["harness_pid"]
    node.run("snapshot", "large")
    peaks.append(peak_bytes(harness))
    node.run("rm", "-f", "large")
    shutil.rmtree(os.path.join(node.root, "copy"), ignore_errors=True)
    yield Row("1 GiB of random memory: cp of the same bytes", median(copies), "ms")
    yield Row("1 GiB: snapshot --stop", median(stops), "ms")
    yield Row("1 GiB: snapshot --stop --sync, when the disk has it", median(synced), "ms")
    yield Row("1 GiB: restore", median(restores), "ms")
    yield Row("1 GiB: snapshot --stop, in cp", ratio(stops, copies), "x", 1.2)
    yield Row("1 GiB: restore, in cp", ratio(restores, copies), "x", 0.8)
    yield Row("1 GiB: most memory of ours beyond the image", max(peaks) / MIB, "MiB", 32)


CASES = {"small": small, "python": python, "many": many, "large": large}
