"""Says what /run/appshot tells, and again whenever it is told that that has changed: it sleeps in
read() of an inotify descriptor until then. The argument: the file or folder that it watches."""

import ctypes
import os
import pathlib
import struct
import sys

IN_MODIFY, IN_CLOSE_WRITE = 0x2, 0x8
INFO = pathlib.Path("/run/appshot")


def say(word):
    told = [(INFO / name).read_text(encoding="ascii").strip() for name in ("aid", "generation", "event")]
    print(word, *told, flush=True)


def names_in(events):
    while events:
        size, = struct.unpack_from("12xI", events)
        yield events[16:16 + size].rstrip(b"\0").decode()
        events = events[16 + size:]


libc = ctypes.CDLL(None, use_errno=True)
fd = libc.inotify_init1(0)
if fd < 0 or libc.inotify_add_watch(fd, sys.argv[1].encode(), IN_MODIFY | IN_CLOSE_WRITE) < 0:
    raise OSError(ctypes.get_errno(), "inotify")
say("ready")
seen = 0
while True:
    names = [*names_in(os.read(fd, 4096))]
    if not set(names) <= {"", "generation"}:
        sys.exit(f"told of {names}")
    seen += len(names)
    if seen == 2:  # written, and closed
        seen = 0
        say("told")
