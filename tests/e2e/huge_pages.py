"""Huge pages set aside for tests, in addition to what the machine has."""

import contextlib
import fcntl
import pathlib

POOL = "/proc/sys/vm/nr_hugepages"
SIZE = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


def free_huge_pages():
    return int((SIZE / "free_hugepages").read_text()) - int((SIZE / "resv_hugepages").read_text())


def add_to_pool(pages):
    """Several test runs may do so at once. How many there are more now."""
    with open(POOL, "r+", encoding="ascii") as pool:
        fcntl.flock(pool, fcntl.LOCK_EX)
        before = int(pool.read())
        pool.seek(0)
        pool.write(str(max(before + pages, 0)))
        pool.flush()
        pool.seek(0)
        return int(pool.read()) - before


@contextlib.contextmanager
def huge_pages(count):
    added = add_to_pool(count) if count else 0
    try:
        yield added
    finally:
        if added:
            add_to_pool(-added)
