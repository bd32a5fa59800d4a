"""A node with the real harness and a program that counts, and what the two hold of the machine.

The program is demo_counter: two processes of two threads, whose lines tell how far they are. What is
held of the machine is told by `traces()`: compared before and after, it must not grow. The test
process is in mount and IPC namespaces of its own, so that nobody else's mounts and ids are in it.
"""

import collections
import ctypes
import itertools
import os
import pathlib
import re
import subprocess

import subjects_process
from node_fixture import BIN, Follower, Node, until

COUNTER = [str(BIN / "demo_counter"), "10"]
CLONE_NEWNS, CLONE_NEWIPC = 0x00020000, 0x08000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
SPARE, HARNESS, SEED = "appshot-spare", "appshot-harness", "appshot-seed"
# Files that grow or come and go by themselves, and what is in the layers of an instance that stays.
OWN_FILES = re.compile(r"registry\.db|\.log$|\.lock$|/log$|appshot\.sock$|/layers/"
                       r"|^(lib|run)/instances$")


def enter_own_world():
    """Once in the life of a test process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0 or libc.mount(
            None, b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "namespaces for the test")


def descendants():
    """{pid: name} of everything that runs below this process; the dead are not counted."""
    found = {}
    parents = collections.defaultdict(list)
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            stat = pathlib.Path(f"/proc/{name}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        comm = stat[stat.index("(") + 1:stat.rindex(")")]
        state, parent = stat[stat.rindex(")") + 2:].split()[:2]
        parents[int(parent)].append((int(name), comm, state))
    waiting = [os.getpid()]
    while waiting:
        for pid, comm, state in parents.get(waiting.pop(), []):
            waiting.append(pid)
            if state not in "ZX":
                found[pid] = comm
    return found


def namespaces_of(pids):
    found = set()
    for pid in pids:
        try:
            found |= {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in os.listdir(f"/proc/{pid}/ns")}
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def descriptors_of(pid):
    """How many of each kind: numbers and inodes differ from one moment to the next."""
    kinds = collections.Counter()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds[re.sub(r":\[\d+\]|\d+", "", os.readlink(f"/proc/{pid}/fd/{fd}"))] += 1
        except FileNotFoundError:
            continue
    return dict(kinds)


def remove_cgroups(tag):
    """Whoever would have removed them was killed with the test."""
    for path in sorted(subjects_process.cgroups_named(tag), reverse=True):
        for folder, _, _ in os.walk(path, topdown=False):
            until(lambda folder=folder: remove_cgroup(folder), f"{folder} is empty")


def remove_cgroup(folder):
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


class RealNode(Node):
    serials = itertools.count()

    def setUp(self):
        self.tag = f"t{os.getpid()}-{next(self.serials)}"
        self.addCleanup(remove_cgroups, self.tag)
        super().setUp()
        self.env["APPSHOT_HARNESS"] = str(BIN / "appshot-harness")
        self.aid = f"{self.tag}-counter"
        self.json("ps")  # the daemon starts

    def use_fault(self, fault):
        """What is started from now on fails there. Instances that run keep what they have."""
        self.appshot("daemon", "stop")
        self.env.pop("APPSHOT_FAULT", None)
        if fault:
            self.env["APPSHOT_FAULT"] = fault
        self.json("ps")  # the next daemon starts

    def await_another_harness(self, old):
        """Until the instance has been given to a harness other than the one of that pid."""
        def given():
            now = self.instance(self.aid)
            return now["harness_pid"] != old and now["processes"] > 0
        until(given, "another harness")

    # ---- the counter ----

    def run_counter(self):
        self.appshot("run", "-d", "--name", self.aid, "--", *COUNTER)
        self.assert_counts_on()

    def counts(self):
        """The last of the parent's and of the child's counts."""
        text = self.appshot("logs", self.aid)
        return [max([int(n) for n in re.findall(rf"^{who} .*counted to (\d+)", text, re.M)] or [0])
                for who in ("parent", "child")]

    def assert_counts_on(self):
        """Both processes write on, beyond what they have written by now."""
        parent, child = self.counts()
        with Follower(self, "logs", "-f", self.aid) as log:
            missing = {"parent": parent, "child": child}
            while missing:
                line = log.line()
                self.assertIsNotNone(line, f"its log ends; it counted to {parent} and {child}")
                who = line.split()[0]
                if who in missing and int(re.search(r"counted to (\d+)", line)[1]) > missing[who]:
                    del missing[who]

    # ---- what is held ----

    def traces(self):
        daemon = self.daemon_pid()
        until(self.harnesses_have_settled, "a harness for each who lives, and a spare one")
        running = descendants()
        return {
            "processes": sorted(running.values()),
            "namespaces": len(namespaces_of(running)),
            "mounts": pathlib.Path("/proc/self/mountinfo").read_text().splitlines(),
            "cgroups": subjects_process.cgroups_named(self.tag),
            "ipc": [line for kind in ("shm", "sem", "msg") for line in
                    pathlib.Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]],
            "files": self.files(),
            "descriptors": descriptors_of(daemon),
            "threads": len(os.listdir(f"/proc/{daemon}/task")),
            "instances": sorted((i["aid"], i["state"]) for i in self.json("ps", "-a")),
            "snapshots": sorted(s["id"] for s in self.json("snapshots")),
            "network": self.network(),
        }

    def network(self):
        """How many cables and addresses; what the node has for itself comes with the first."""
        cables = [name for name in os.listdir("/sys/class/net") if name.startswith("appshot")]
        routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
        return len(cables), len(re.findall(r"^[\d.]+ dev", routes, re.M))

    def harnesses_have_settled(self):
        """The harness of one who has ended tidies up for a moment after it said so."""
        names = list(descendants().values())
        living = sum(i["state"] in ("running", "held") for i in self.json("ps", "-a"))
        return names.count(SPARE) == 1 + names.count(SEED) and names.count(HARNESS) == living

    def files(self):
        found = []
        for folder, folders, names in os.walk(self.root):
            for name in folders + names:
                path = os.path.relpath(os.path.join(folder, name), self.root)
                if not OWN_FILES.search(path):
                    found.append(path)
        return sorted(found)

    def assert_traces(self, before):
        """Nothing more and nothing less than before, as soon as what is under way has ended.

        The daemon may have fewer descriptors and threads: a connection ends a little after its client.
        """
        differs = {}

        def same():
            nonlocal differs
            now = self.traces()
            if collections.Counter(now["descriptors"]) <= collections.Counter(before["descriptors"]):
                now["descriptors"] = before["descriptors"]
            now["threads"] = max(now["threads"], before["threads"])
            differs = {key: (before[key], now[key]) for key in before if before[key] != now[key]}
            return not differs
        try:
            until(same, "as before")
        except TimeoutError:
            self.fail("left behind, or lost: " + "; ".join(
                f"{key} {was} is now {now}" for key, (was, now) in differs.items()))
