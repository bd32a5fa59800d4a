"""How fast an instance stands in an environment with a root of its own, beside podman's where that is
installed, and what files cost there, and in one over the host's files, beside a plain overlay mount.
"""

import os
import pathlib
import re
import shutil
import subprocess
import time

from calls import parse
from measure import Row, median, ratio, timed_ms, true_ms

TURNS = 15
CALL_TURNS = 7
NAME = "bench"
# crun takes no machine with both kinds of cgroups: it is shown one that has v2 alone.
PODMAN = """
[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup
exec podman --root "$1/storage" --runroot "$1/run" --cgroup-manager=cgroupfs --runtime=crun run --rm --network=none \
  --cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --rootfs "$1/root" /bin/true
"""
PLAIN = """
mkdir -p "$1/upper" "$1/work" "$1/merged"
mount -t overlay overlay "$1/merged" -o "lowerdir=$1/root,upperdir=$1/upper,workdir=$1/work"
mount --bind /dev "$1/merged/dev"
exec chroot "$1/merged" /bin/call_cost
"""


PLAIN_OF_HOST = """
mkdir -p "$1/upper" "$1/work" "$1/merged"
mount -t overlay overlay "$1/merged" -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work"
mount --bind /dev "$1/merged/dev"
exec chroot "$1/merged" "$2"
"""


def make_root(folder, programs):
    """busybox, and the program that measures with its libraries."""
    root = folder / "root"
    (root / "bin").mkdir(parents=True)
    for name in ("dev", "tmp", "usr/bin"):
        (root / name).mkdir(parents=True)
    shutil.copy("/usr/bin/env", root / "usr/bin")  # which is opened
    shutil.copy(shutil.which("busybox"), root / "bin")
    os.symlink("busybox", root / "bin/true")
    program = programs / "call_cost"
    shutil.copy(program, root / "bin")
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(", told):
        place = root / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(library), place)
    return root


def podman_ms(folder):
    """None: it is not installed, or does not run here."""
    if not shutil.which("podman"):
        return None
    try:
        return timed_ms(shutil.which("unshare"), "-m", "sh", "-c", PODMAN, "sh", folder)
    except RuntimeError:
        return None


def start(node, folder):
    others, starts, trues = [], [], []
    for turn in range(TURNS):
        aid = f"{NAME}-{turn}"
        starts.append(node.timed("run", "-d", "--name", aid, "--env", NAME, "--", "/bin/true"))
        node.run("rm", "-f", aid)
        trues.append(true_ms())
        if (other := podman_ms(folder)) is not None:
            others.append(other)
        time.sleep(0.1)  # another harness is made ready
    yield Row("environment: run -d of /bin/true", median(starts), "ms", 15)
    if len(others) == len(starts):
        yield Row("podman run --rm with crun, the same", median(others), "ms")
        yield Row("environment: run -d of /bin/true, in podman's", ratio(starts, others), "x", 1 / 8)


def beside_plain(what, plain, inside):
    """What calls cost inside, in what they cost in a plain overlay: measured in turns."""
    turns = [(plain(), inside()) for _ in range(CALL_TURNS)]
    for name in ("open+close", "read-1-byte"):
        yield Row(f"{name}: {what}, in a plain overlay",
                  median([in_there[name] / in_plain[name] for in_plain, in_there in turns]), "x", 1.05)


def calls_in_mount(script, *arguments):
    return parse(subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *arguments], capture_output=True,
                                text=True, check=True).stdout)


def files(node, folder):
    yield from beside_plain("in an environment", lambda: calls_in_mount(PLAIN, folder),
                            lambda: parse(node.run("run", "--rm", "--env", NAME, "--", "/bin/call_cost")))


def files_of_host(node, folder, program):
    """Of programs of the host, in an environment with a layer over them."""
    folder.mkdir()
    node.run("env", "create", f"{NAME}-host")
    node.run("env", "install", f"{NAME}-host", "--", "touch", "/srv/installed")
    yield from beside_plain("in an environment over the host", lambda: calls_in_mount(PLAIN_OF_HOST, folder, program),
                            lambda: parse(node.run("run", "--rm", "--env", f"{NAME}-host", "--", program)))


def environments(node, programs):
    folder = pathlib.Path(node.root) / "bench-environment"
    node.run("env", "create", NAME, "--from", str(make_root(folder, programs)))
    yield from start(node, folder)
    yield from files(node, folder)
    yield from files_of_host(node, folder.with_name("bench-host"), programs / "call_cost")
    copies = []
    for turn in range(TURNS):
        copies.append(node.timed("env", "copy", NAME, f"{NAME}-copy-{turn}"))
    yield Row("environment: copy", median(copies), "ms")


CASES = {"environments": environments}
