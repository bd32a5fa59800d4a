"""Runs appshot-packer on real files, and looks at trees closely enough to see any difference."""

import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import struct
import subprocess
import tarfile
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("APPSHOT_BIN", REPOSITORY / "build" / "bin"))
PACKER = str(BIN / "appshot-packer")
SECONDS_MAX = 120
OPAQUE = "trusted.overlay.opaque"
# VFS_CAP_REVISION_2, effective; CAP_NET_BIND_SERVICE.
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
# POSIX ACL: version 2; user::rwx, user:1234:r-x, group::r-x, mask::r-x, other::---.
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry) for entry in
    ((1, 7, 0xffffffff), (2, 5, 1234), (4, 5, 0xffffffff), (16, 5, 0xffffffff), (32, 0, 0xffffffff)))


class Packing(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="appshot-packing-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.mounted = set()

    def path(self, name):
        return str(self.folder / name)

    def run_packer(self, *words, **options):
        done = subprocess.run([PACKER, *words], stdout=subprocess.PIPE, timeout=SECONDS_MAX, **options)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, lines

    def packer(self, *words, **options):
        """The result; all other lines are in self.lines."""
        status, lines = self.run_packer(*words, **options)
        self.assertEqual(status, 0, lines[-1])
        self.lines = lines[:-1]
        return lines[-1]["result"]

    def refused(self, *words, cls=None, saying="", **options):
        status, lines = self.run_packer(*words, **options)
        self.assertEqual(status, 1, lines[-1])
        error = lines[-1]["error"]
        self.assertIn(saying, error["message"])
        if cls:
            self.assertEqual(error["class"], cls, error)
        return error

    def new(self, name):
        os.mkdir(self.folder / name)
        return self.path(name)

    def mount_overlay(self, lower, upper, at):
        """`lower`: top first. Unmounted when the test ends, at the latest."""
        work = self.new(f"work-of-{os.path.basename(at)}")
        options = f"lowerdir={':'.join(lower)},upperdir={upper},workdir={work},redirect_dir=off,metacopy=off"
        self.mount("-t", "overlay", "overlay", "-o", options, at)

    def mount(self, *words):
        subprocess.run(["mount", *words], check=True)
        self.mounted.add(words[-1])
        self.addCleanup(self.unmount, words[-1])

    def unmount(self, at):
        if at in self.mounted:
            subprocess.run(["umount", at], check=True)
            self.mounted.remove(at)


def kind_of(info):
    return stat.S_IFMT(info.st_mode)


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def describe(folder, but_xattrs=()):
    """Everything about each file below a folder by its path, names of hard links in one group."""
    found, names = {}, {}
    root = os.fsencode(folder)
    for at, folders, files in os.walk(root):
        for name in [b"."] * (at == root) + folders + files:
            path = os.path.join(at, name)
            info = os.lstat(path)
            if stat.S_ISSOCK(info.st_mode):
                continue
            key = os.path.relpath(path, root)
            about = {"mode": info.st_mode, "uid": info.st_uid, "gid": info.st_gid,
                     "mtime": info.st_mtime_ns, "device": info.st_rdev,
                     "xattrs": {name: os.getxattr(path, name, follow_symlinks=False)
                                for name in os.listxattr(path, follow_symlinks=False)
                                if name not in but_xattrs}}
            if stat.S_ISREG(info.st_mode):
                about["content"] = (info.st_size, digest_of(path))
            if stat.S_ISLNK(info.st_mode):
                about["target"] = os.readlink(path)
            if not stat.S_ISDIR(info.st_mode):
                names.setdefault(info.st_ino, []).append(key)
            found[key] = about
    for group in names.values():
        for key in group:
            found[key]["names"] = sorted(group)
    return found


def write(path, content=b"", mode=0o644):
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)


def make_rich_tree(folder):
    """One of everything that a file system can hold."""
    at = os.fsencode(folder)
    below = lambda name: os.path.join(at, name)  # noqa: E731
    os.makedirs(below(b"usr/bin"))
    os.chmod(below(b"usr"), 0o751)
    os.mkdir(below(b"tmp"))
    os.chmod(below(b"tmp"), 0o1777)
    write(below(b"usr/bin/setuid"), b"program", 0o4755)
    write(below(b"usr/bin/setgid"), b"program", 0o2755)
    write(below(b"usr/bin/able"), b"program", 0o755)
    os.setxattr(below(b"usr/bin/able"), "security.capability", CAPABILITY)
    write(below(b"empty"))
    write(below(b"zeros"), bytes(100_000))
    write(below(b"owned"), b"x" * 5000, 0o600)
    os.chown(below(b"owned"), 1234, 4_000_000_000)
    os.setxattr(below(b"owned"), "user.note", b"a\0b\n=c")
    os.setxattr(below(b"owned"), "user.empty", b"")
    os.setxattr(below(b"owned"), "trusted.note", b"root's")
    write(below(b"listed"), b"acl", 0o750)
    os.setxattr(below(b"listed"), "system.posix_acl_access", ACL)
    os.mkdir(below(b"inherits"))
    os.setxattr(below(b"inherits"), "system.posix_acl_default", ACL)
    write(below(b"inherits/not"), b"its list is its own")
    os.removexattr(below(b"inherits/not"), "system.posix_acl_access")
    os.chmod(below(b"inherits/not"), 0o604)
    with open(below(b"sparse"), "wb") as file:
        file.truncate(5_000_001)
        for offset in (0, 1_000_000, 3_000_000):
            file.seek(offset)
            file.write(b"data" * 1000)
    with open(below(b"all-hole"), "wb") as file:
        file.truncate(20_000_000)
    os.symlink(b"../nowhere/at all", below(b"usr/link"))
    os.symlink(b"t" * 1000, below(b"long-link"))
    os.symlink(b"/etc/passwd", below(b"absolute-link"))
    os.link(below(b"owned"), below(b"usr/bin/owned-too"))
    os.link(below(b"owned"), below(b"a-first-name"))
    os.link(below(b"usr/link"), below(b"link-too"), follow_symlinks=False)
    for name in (b"\xff\xfe not text", b"new\nline", "\u00e9".encode(), b"-dash", b"n" * 255, b"star*"):
        write(below(name), name)
    deep = b"/".join([b"d" * 100] * 12)
    os.makedirs(below(deep))
    write(below(deep + b"/file"), b"deep")
    os.mkfifo(below(b"fifo"), 0o640)
    os.mknod(below(b"null"), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.mknod(below(b"disk"), 0o660 | stat.S_IFBLK, os.makedev(8, 300))
    for name, times in ((b"owned", (5, 1_700_000_000_123_456_789)), (b"empty", (5, -1_500_000_000)),
                        (b"zeros", (5, 1_000_000_000)), (b"fifo", (5, 7))):
        os.utime(below(name), ns=times)
    os.utime(below(b"usr/link"), ns=(5, 1_600_000_000_000_000_001), follow_symlinks=False)
    os.utime(below(b"usr/bin"), ns=(5, 1_500_000_000_000_000_005))
    os.utime(below(b"usr"), ns=(5, 1_400_000_000_000_000_000))
    os.utime(at, ns=(5, 1_300_000_000_000_000_000))


def tar_of(entries, format=tarfile.PAX_FORMAT):
    """An archive's bytes. An entry is (TarInfo, content), or a name and what else is said of it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for info, content in entries:
            if content is not None:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content or b""))
    return buffer.getvalue()


def member(name, type=tarfile.REGTYPE, content=None, target="", mode=0o644, **more):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = type, target, mode
    for key, value in more.items():
        setattr(info, key, value)
    return info, content if type == tarfile.REGTYPE else None


def folder(name, mode=0o755, **more):
    return member(name, tarfile.DIRTYPE, mode=mode, **more)


def link(name, target):
    return member(name, tarfile.SYMTYPE, target=target)


def hard_link(name, target):
    return member(name, tarfile.LNKTYPE, target=target)


class OciMaker:
    """An image layout with whatever in it a test wants, right or wrong."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "blobs" / "sha256").mkdir(parents=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, content, media_type):
        digest = hashlib.sha256(content).hexdigest()
        (self.path / "blobs" / "sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def document(self, document, media_type):
        return self.blob(json.dumps(document).encode(), media_type)

    def image(self, layers, diff_ids=None, config=None,
              layer_type="application/vnd.oci.image.layer.v1.tar", pack=lambda content: content):
        ids = diff_ids or [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        described = self.document(
            {"os": "linux", "architecture": "amd64", "config": config or {},
             "rootfs": {"type": "layers", "diff_ids": ids}},
            "application/vnd.oci.image.config.v1+json")
        return self.document(
            {"schemaVersion": 2, "config": described,
             "layers": [self.blob(pack(layer), layer_type) for layer in layers]},
            "application/vnd.oci.image.manifest.v1+json")

    def index(self, *manifests):
        (self.path / "index.json").write_text(
            json.dumps({"schemaVersion": 2, "manifests": list(manifests)}))
        return str(self.path)
