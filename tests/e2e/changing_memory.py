"""Changes its memory in every way there is, one way at each SIGUSR1, and says what it then holds:

    changing_memory.py        prints "did N NAME DIGEST", and "holds DIGEST" at each SIGUSR2
"""

import ctypes
import hashlib
import itertools
import mmap
import os
import random
import signal
import tempfile

PAGE = mmap.PAGESIZE
REGION = 4 << 20
READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE
PRIVATE, SHARED, FIXED, ANONYMOUS = 2, 1, 0x10, 0x20
DONTNEED, FREE, HUGEPAGE, COLLAPSE = 4, 8, 14, 25
MAYMOVE = 1

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.mremap.restype = libc.sbrk.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.sbrk.argtypes = [ctypes.c_long]
libc.read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]

randomness = random.Random(4711)


def checked(result, what):
    if result in (-1, 2**64 - 1, None):
        raise OSError(ctypes.get_errno(), what)
    return result


class Memory:
    """Some pages of it."""

    def __init__(self, length=REGION, fd=-1, at=None):
        self.length = length
        flags = PRIVATE | (ANONYMOUS if fd < 0 else 0) | (FIXED if at else 0)
        self.at = checked(libc.mmap(at, length, READ_WRITE, flags, fd, 0), "mmap")

    def write(self, page, content):
        ctypes.memmove(self.at + page * PAGE, content, len(content))

    def scatter(self, pages=60, content=None):
        for _ in range(pages):
            self.write(randomness.randrange(self.length // PAGE), content or randomness.randbytes(PAGE))

    def advise(self, advice, first=0, pages=None):
        length = self.length - first * PAGE if pages is None else pages * PAGE
        checked(libc.madvise(self.at + first * PAGE, length, advice), "madvise")

    def content(self):
        return ctypes.string_at(self.at, self.length)


plain, huge, patched = Memory(), Memory(2 * REGION), Memory()
huge.advise(HUGEPAGE)
source = tempfile.TemporaryFile()
source.write(randomness.randbytes(REGION))
source.flush()
mapped = Memory(fd=source.fileno())
everything = [plain, huge, patched, mapped]
heap = checked(libc.sbrk(REGION), "sbrk")
heap_length = REGION
children = []


def fill():
    for memory in everything:
        memory.scatter(memory.length // PAGE)
    ctypes.memmove(heap, randomness.randbytes(REGION // 2), REGION // 2)


def write_some():
    for memory in everything:
        memory.scatter()


def give_back():
    plain.advise(DONTNEED, 100, 300)
    mapped.advise(DONTNEED, 10, 50)


def read_what_was_given_back():
    plain.content()


def write_zeros():
    for memory in everything:
        memory.scatter(content=bytes(PAGE))


def write_over_zeros():
    plain.scatter(300)


def grow_and_move():
    plain.at = checked(libc.mremap(plain.at, plain.length, plain.length + REGION, MAYMOVE), "mremap")
    plain.length += REGION
    plain.scatter()


def map_anew_at_the_same_place():
    first = patched.at + 200 * PAGE
    checked(libc.munmap(first, 100 * PAGE), "munmap")
    again = Memory(100 * PAGE, at=first)
    again.scatter(30)


def shrink_and_grow_the_heap():
    checked(libc.sbrk(-REGION // 2 - REGION // 4), "sbrk")
    checked(libc.sbrk(REGION // 2 + REGION // 4), "sbrk")
    ctypes.memmove(heap + REGION // 2, randomness.randbytes(PAGE * 7), PAGE * 7)


def protect_and_write():
    checked(libc.mprotect(plain.at, 50 * PAGE, 0), "mprotect")
    checked(libc.mprotect(plain.at, 20 * PAGE, READ_WRITE), "mprotect")
    plain.write(3, randomness.randbytes(3 * PAGE))
    checked(libc.mprotect(plain.at, 50 * PAGE, READ_WRITE), "mprotect")


def let_a_child_have_its_own():
    if (child := os.fork()) == 0:
        plain.scatter(40)
        say("child")
        serve({signal.SIGUSR2: lambda: say("child holds")})
    children.append(child)
    plain.scatter(20)


def read_from_a_file():
    source.seek(0)
    checked(libc.read(source.fileno(), plain.at + 37 * PAGE + 5, 30 * PAGE), "read")


def read_past_the_cache():
    """As databases do: the kernel holds on to the pages and the disk writes into them."""
    fd = os.open(f"/proc/self/fd/{source.fileno()}", os.O_RDONLY | os.O_DIRECT)
    try:
        checked(libc.read(fd, huge.at + 700 * PAGE, 40 * PAGE), "read")
    finally:
        os.close(fd)


def take_back_what_was_free():
    plain.advise(FREE, 400, 100)
    plain.write(450, randomness.randbytes(PAGE))


def collapse():
    try:
        huge.advise(COLLAPSE)
    except OSError:
        pass  # the kernel may not
    huge.scatter(10)


def write_through_another():
    """A neighbour that writes into our memory."""
    if (child := os.fork()) == 0:
        class Vector(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        content = ctypes.create_string_buffer(randomness.randbytes(5 * PAGE), 5 * PAGE)
        ours, theirs = Vector(ctypes.addressof(content), 5 * PAGE), Vector(plain.at + 77 * PAGE, 5 * PAGE)
        written = libc.process_vm_writev(os.getppid(), ctypes.byref(ours), 1, ctypes.byref(theirs), 1, 0)
        os._exit(written != 5 * PAGE)
    if os.waitpid(child, 0)[1] != 0:
        raise OSError("process_vm_writev")


def digest():
    seen = hashlib.sha256()
    for memory in everything:
        seen.update(memory.content())
    seen.update(ctypes.string_at(heap, heap_length))
    return seen.hexdigest()


def say(who):
    os.write(1, f"{who} {digest()}\n".encode())  # in one piece: several processes do


def serve(actions):
    """Waited for, not caught: a signal between two waits is not lost."""
    while True:
        actions[signal.sigwait(actions)]()


STEPS = [fill, write_some, give_back, read_what_was_given_back, write_zeros, write_over_zeros, grow_and_move,
         map_anew_at_the_same_place, shrink_and_grow_the_heap, protect_and_write, let_a_child_have_its_own,
         read_from_a_file, read_past_the_cache, take_back_what_was_free, collapse, write_through_another]


def main():
    counter = itertools.count()

    def step():
        number = next(counter)
        action = STEPS[number % len(STEPS)]
        action()
        say(f"did {number} {action.__name__}")

    def tell():
        say("holds")
        for child in children:
            os.kill(child, signal.SIGUSR2)

    actions = {signal.SIGUSR1: step, signal.SIGUSR2: tell}
    signal.pthread_sigmask(signal.SIG_BLOCK, actions)
    os.write(1, f"steps {len(STEPS)}\n".encode())
    serve(actions)


main()
