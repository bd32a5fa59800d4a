"""What tests of appshot-packer with archives that are meant to do harm have in common: such archives, and a look at
what lies beside the target.
"""

import ctypes
import os
import stat
import tarfile

from packing_fixture import OciMaker, Packing, describe, tar_of, write

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 16384, 1 << 18


def enter_own_mounts():
    """Once in the life of a test process."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "a mount namespace for the test")


def pax_record(key, value):
    """As bytes, since Python writes them as text."""
    length = rest = len(key) + len(value) + 3
    while length != rest + len(str(length)):
        length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def pax_header(records, type=tarfile.XHDTYPE):
    text = b"".join(pax_record(*record) for record in records)
    info = tarfile.TarInfo("pax")
    info.type, info.size = type, len(text)
    return info.tobuf(tarfile.USTAR_FORMAT) + text + bytes(-len(text) % 512)


def with_records(entry, records):
    """A member's bytes, its pax header before them."""
    info, content = entry
    content = content or b""
    info.size = len(content)
    return pax_header(records) + info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def sparse_member(size, extents):
    listed = "".join(f"{number}\n" for number in (len(extents), *(n for e in extents for n in e)))
    text = listed.encode() + bytes(-len(listed) % 512)
    info = tarfile.TarInfo("sparse")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "sparse",
                        "GNU.sparse.realsize": str(size)}
    return info, text + b"".join(b"x" * length for _, length in extents)


class Hostile(Packing):
    """What is beside the target is looked at before and after."""

    def setUp(self):
        super().setUp()
        self.new("outside")
        write(self.path("outside/passwd"), b"root")
        self.before = describe(self.path("outside"))
        self.addCleanup(lambda: self.assertEqual(describe(self.path("outside")), self.before))
        self.number = 0

    def image(self, *layers, **how):
        self.number += 1
        maker = OciMaker(self.path(f"image{self.number}"))
        return maker.index(maker.image(list(layers), **how))

    def target(self):
        return self.path(f"target{self.number}")

    def unpacks(self, *entries, options=()):
        result = self.packer("unpack-oci", self.image(tar_of(entries)), self.target(), *options)
        self.root = f"{self.target()}/0/root"
        return result

    def refuses(self, *entries, saying="", cls="corrupt", options=()):
        return self.refused("unpack-oci", self.image(tar_of(entries)), self.target(), *options, cls=cls,
                            saying=saying)

    def unpacks_raw(self, content, options=()):
        result = self.packer("unpack-oci", self.image(content + bytes(1024)), self.target(), *options)
        self.root = f"{self.target()}/0/root"
        return result

    def refuses_raw(self, content, saying, cls="corrupt", options=()):
        self.refused("unpack-oci", self.image(content + bytes(1024)), self.target(), *options, cls=cls, saying=saying)

    def device(self, name):
        info = os.lstat(f"{self.root}/{name}")
        return stat.S_IFMT(info.st_mode), info.st_rdev
