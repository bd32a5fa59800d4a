"""A program that has a number written all over what it holds, and tells which numbers it finds there.

    marked_memory.py PORT     listens at every address; a line "mark N" writes, "look" tells

The memory is private, shared with a child, System V, POSIX, a memfd and a mapped file; the files are large and small, a
folder is made and one removed. A child of it writes and looks at its own as well.
"""

import ctypes
import json
import mmap
import os
import socket
import sys

PAGES = 600
PAGE = mmap.PAGESIZE
FOLDER = "/var/lib/marked"
SHM = "/dev/shm/marked"
LARGE, SMALL = f"{FOLDER}/large", f"{FOLDER}/small"
LARGE_BYTES = 3 << 20
IPC_KEY = 0x51

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


def write(area, number):
    word = number.to_bytes(8, "little")
    for at in range(0, len(area), PAGE):
        area[at:at + 8] = word


def find(area):
    return sorted({int.from_bytes(area[at:at + 8], "little") for at in range(0, len(area), PAGE)})


def sysv_area():
    segment = libc.shmget(IPC_KEY, PAGES * PAGE, 0o1600)  # IPC_CREAT
    address = libc.shmat(segment, None, 0)
    assert segment >= 0 and address not in (None, ctypes.c_void_p(-1).value), ctypes.get_errno()
    return memoryview((ctypes.c_char * (PAGES * PAGE)).from_address(address)).cast("B")


def file_area(path, size):
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(file, size)
    return mmap.mmap(file, size)


class Marked:
    def __init__(self):
        os.makedirs(FOLDER, exist_ok=True)
        memfd = os.memfd_create("marked")
        os.ftruncate(memfd, PAGES * PAGE)
        self.shared = {"shared": mmap.mmap(-1, PAGES * PAGE), "sysv": sysv_area(),
                       "posix": file_area(SHM, PAGES * PAGE), "memfd": mmap.mmap(memfd, PAGES * PAGE),
                       "mapped file": file_area(f"{FOLDER}/mapped", PAGES * PAGE)}
        self.private = mmap.mmap(-1, PAGES * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.file = open(f"{FOLDER}/open", "w+b", buffering=0)  # pylint: disable=consider-using-with

    def mark(self, number):
        for area in self.shared.values():
            write(area, number)
        write(self.private, number)
        for path, size in ((LARGE, LARGE_BYTES), (SMALL, PAGE)):
            with open(path, "r+b" if os.path.exists(path) else "wb") as file:
                file.write(number.to_bytes(8, "little") * (size // 8))
        self.file.seek(0)
        self.file.write(number.to_bytes(8, "little"))
        # The folder of another's number is gone with what was in it, its own is new.
        for name in os.listdir(FOLDER):
            if name.startswith("folder-"):
                os.unlink(f"{FOLDER}/{name}/in")
                os.rmdir(f"{FOLDER}/{name}")
        os.mkdir(f"{FOLDER}/folder-{number}")
        with open(f"{FOLDER}/folder-{number}/in", "w", encoding="ascii") as file:
            file.write(str(number))

    def look(self):
        found = {name: find(area) for name, area in self.shared.items()}
        found["private"] = find(self.private)
        for path in (LARGE, SMALL):
            with open(path, "rb") as file:
                found[path] = find(file.read())
        self.file.seek(0)
        found["open file"] = find(self.file.read(8))
        found["folders"] = [int(name.removeprefix("folder-")) for name in os.listdir(FOLDER) if name.startswith("folder-")]
        return found


def serve(marked, read, answer):
    """In the child: private memory of its own."""
    for line in read:
        word, *number = line.split()
        if word == "mark":
            write(marked.private, int(number[0]))
        answer.write(json.dumps({"child private": find(marked.private), "child shared": find(marked.shared["shared"])}) + "\n")
        answer.flush()


def main():
    marked = Marked()
    marked.mark(1)
    orders, order = os.pipe()
    answers, answer = os.pipe()
    if os.fork() == 0:
        os.close(order)
        os.close(answers)
        serve(marked, os.fdopen(orders), os.fdopen(answer, "w"))
        os._exit(0)
    order, answers = os.fdopen(order, "w"), os.fdopen(answers)
    listener = socket.create_server(("", int(sys.argv[1])), backlog=16)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as stream:
            for line in stream:
                word, *number = line.split()
                if word == "mark":
                    marked.mark(int(number[0]))
                print(line.strip(), file=order, flush=True)
                found = json.loads(answers.readline())
                print(json.dumps({**marked.look(), **found}), file=stream, flush=True)


main()
