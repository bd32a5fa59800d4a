"""Changes files and memory that is shared in every way there is, one way at each SIGUSR1, and says what it then holds:

    changing_contents.py [MIB]   prints "did N NAME DIGEST", and "holds DIGEST" at each SIGUSR2
"""

import ctypes
import hashlib
import itertools
import mmap
import os
import random
import signal
import sys

PAGE = mmap.PAGESIZE
SIZE = int(sys.argv[1] if len(sys.argv) > 1 else 4) << 20
PUNCH_HOLE_KEEP_SIZE = 3
FILE = "/var/tmp/changing_contents"
SHM = "/dev/shm/changing_contents"

libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
libc.shmat.restype = ctypes.c_void_p
libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.shmdt.argtypes = [ctypes.c_void_p]
randomness = random.Random(815)


def fill(path):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.write(fd, randomness.randbytes(SIZE))
    return fd


anonymous = mmap.mmap(-1, SIZE)
anonymous.write(randomness.randbytes(SIZE))
memfd = os.memfd_create("changing")
os.write(memfd, randomness.randbytes(SIZE))
shm = fill(SHM)
os.close(fill(FILE))
held = fill(FILE + ".held")
mapped = fill(FILE + ".mapped")
mapping = mmap.mmap(mapped, SIZE)
segment = libc.shmget(0, SIZE, 0o600 | 0o1000)
attached = libc.shmat(segment, None, 0)
ctypes.memmove(attached, randomness.randbytes(SIZE), SIZE)


def any_page():
    return randomness.randrange(SIZE // PAGE) * PAGE


def page():
    return randomness.randbytes(PAGE)


def in_child(action):
    pid = os.fork()
    if pid == 0:
        action()
        os._exit(0)
    os.waitpid(pid, 0)


def write_mapped_for_a_moment(path_or_fd):
    fd = os.open(path_or_fd, os.O_RDWR) if isinstance(path_or_fd, str) else path_or_fd
    with mmap.mmap(fd, SIZE) as moment:
        at = any_page()
        moment[at]  # read first: the page is mapped by then
        moment[at:at + PAGE] = page()
    if fd is not path_or_fd:
        os.close(fd)


def write_file(path, *flags):
    fd = os.open(path, os.O_WRONLY | sum(flags))
    os.pwrite(fd, page(), any_page())
    os.close(fd)


def nothing():
    pass


def anonymous_written():
    at = any_page()
    anonymous[at:at + PAGE] = page()


def anonymous_written_by_a_child_that_ends():
    at, content = any_page(), page()
    in_child(lambda: anonymous.__setitem__(slice(at, at + PAGE), content))


def memfd_written_by_descriptor():
    os.pwrite(memfd, page(), any_page())


def memfd_written_through_a_mapping_that_goes():
    write_mapped_for_a_moment(memfd)


def memfd_gets_a_hole():
    libc.fallocate(memfd, PUNCH_HOLE_KEEP_SIZE, any_page(), PAGE)


def memfd_shrinks_and_grows():
    os.ftruncate(memfd, SIZE // 2)
    os.ftruncate(memfd, SIZE)


def shm_written_through_a_mapping_that_goes():
    write_mapped_for_a_moment(SHM)


def segment_written():
    ctypes.memmove(attached + any_page(), page(), PAGE)


def file_written():
    write_file(FILE)


def file_written_with_its_old_times():
    before = os.stat(FILE)
    write_file(FILE)
    os.utime(FILE, ns=(before.st_atime_ns, before.st_mtime_ns))


def file_written_through_a_mapping_that_goes():
    write_mapped_for_a_moment(FILE)


def file_replaced():
    os.close(fill(FILE + ".new"))
    os.rename(FILE + ".new", FILE)


def file_grows():
    write_file(FILE, os.O_APPEND)


def file_gets_a_hole():
    fd = os.open(FILE, os.O_RDWR)
    libc.fallocate(fd, PUNCH_HOLE_KEEP_SIZE, any_page(), PAGE)
    os.close(fd)


def held_file_written():
    os.pwrite(held, page(), any_page())


def mapped_file_written():
    at = any_page()
    mapping[at:at + PAGE] = page()


def mapped_file_written_there_again():
    mapping[0:PAGE] = page()


STEPS = [nothing, anonymous_written, anonymous_written_by_a_child_that_ends, memfd_written_by_descriptor,
         memfd_written_through_a_mapping_that_goes, memfd_gets_a_hole, memfd_shrinks_and_grows,
         shm_written_through_a_mapping_that_goes, segment_written, file_written, file_written_with_its_old_times,
         file_written_through_a_mapping_that_goes, file_replaced, file_grows, file_gets_a_hole, held_file_written,
         mapped_file_written, mapped_file_written_there_again]


def content_of(fd):
    size = os.fstat(fd).st_size
    return os.pread(fd, size, 0)


def digest():
    holds = hashlib.sha256()
    for content in (bytes(anonymous), content_of(memfd), content_of(shm), content_of(held), bytes(mapping),
                    ctypes.string_at(attached, SIZE)):
        holds.update(content)
    with open(FILE, "rb") as file:
        holds.update(file.read())
    return holds.hexdigest()


signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2])
print("steps", len(STEPS), flush=True)
for number, step in enumerate(itertools.cycle(STEPS)):
    while signal.sigwait([signal.SIGUSR1, signal.SIGUSR2]) == signal.SIGUSR2:
        print("holds", digest(), flush=True)
    step()
    print("did", number, step.__name__, digest(), flush=True)
