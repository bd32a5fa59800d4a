"""appshot-packer: layers of folders and images, exports of layers, and what podman and skopeo make of
its images. Archives that are meant to do harm are in test_packing_hostile.py.
"""

import ctypes
import gzip
import json
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import unittest

from node_fixture import until
from packing_fixture import (CAPABILITY, OPAQUE, PACKER, Packing, OciMaker, describe, folder, hard_link, make_rich_tree,
                             member, tar_of, write)

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 16384, 1 << 18
FOREIGN = ("trusted.note",)  # what an image for others does not tell


def setUpModule():
    # What tests mount is gone with them, whatever happens.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "a mount namespace for the test")


class CopyTree(Packing):
    def test_keeps_everything_a_file_system_holds(self):
        source = self.new("source")
        make_rich_tree(source)
        result = self.packer("copy-tree", source, self.path("target"))
        self.assertEqual(describe(self.path("target/root")), describe(source))
        self.assertEqual(result["mounts_not_entered"], [])
        self.assertLess(os.stat(self.path("target/root/sparse")).st_blocks * 512, 1 << 20)

    def test_skips_sockets_and_what_is_mounted(self):
        source = self.new("source")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{source}/socket")
        for name in ("proc", "sys"):
            os.mkdir(f"{source}/{name}")
        write(f"{source}/file")
        self.mount("-t", "proc", "proc", f"{source}/proc")
        # Of the same file system, which its number would not tell.
        self.mount("--bind", self.new("other"), f"{source}/sys")
        write(self.path("other/inside"))
        result = self.packer("copy-tree", source, self.path("target"))
        self.assertEqual(result["sockets_skipped"], 1)
        self.assertEqual(result["mounts_not_entered"], ["/proc", "/sys"])
        self.assertEqual(sorted(os.listdir(self.path("target/root"))), ["file", "proc", "sys"])
        self.assertEqual(os.listdir(self.path("target/root/proc")), [])
        self.assertEqual(os.listdir(self.path("target/root/sys")), [])

    def test_refuses_a_target_with_something_in_it_or_inside_of_the_source(self):
        source = self.new("source")
        write(f"{source}/file")
        os.mkdir(self.path("target"))
        write(self.path("target/file"))
        self.refused("copy-tree", source, self.path("target"), cls="conflict", saying="not empty")
        self.refused("copy-tree", source, f"{source}/below", cls="usage", saying="into itself")

    def test_refuses_what_is_only_a_part_of_an_overlay(self):
        source = self.new("source")
        os.mkdir(f"{source}/folder")
        os.setxattr(f"{source}/folder", "trusted.overlay.redirect", b"/elsewhere")
        self.refused("copy-tree", source, self.path("a"), cls="refused", saying="'root/folder'")
        os.rmdir(f"{source}/folder")
        os.mknod(f"{source}/gone", stat.S_IFCHR, 0)
        self.refused("copy-tree", source, self.path("b"), cls="refused", saying="whiteout")

    def test_says_before_the_disk_is_full_that_there_is_no_room(self):
        source = self.new("source")
        write(f"{source}/large", b"x" * 1_000_000)
        self.refused("copy-tree", source, self.path("target"), "--max-bytes", "900000", cls="exhausted",
                     saying="'root/large' passes the limit of 900000 bytes")

    def test_says_when_the_disk_is_full_nevertheless(self):
        source = self.new("source")
        write(f"{source}/large", os.urandom(2_000_000))
        self.mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", self.new("target"))
        self.refused("copy-tree", source, self.path("target"), "--max-bytes", "9000000", cls="exhausted",
                     saying="'root/large'")


class Exports(Packing):
    def two_layers(self):
        os.makedirs(self.path("0/root"))
        make_rich_tree(self.path("0/root"))
        upper = self.new("1")
        for name in ("root", "at%home"):
            os.mkdir(f"{upper}/{name}")
        write(f"{upper}/at%home/user", b"home")
        os.mknod(f"{upper}/root/empty", stat.S_IFCHR, 0)
        os.link(f"{upper}/root/empty", f"{upper}/root/zeros")  # as overlayfs shares them
        os.mkdir(f"{upper}/root/usr")
        os.setxattr(f"{upper}/root/usr", OPAQUE, b"y")
        os.setxattr(f"{upper}/root/usr", "trusted.overlay.origin", b"where it was")
        return [self.path("0"), self.path("1")]

    def test_bring_layers_as_they_were(self):
        layers = self.two_layers()
        document = {"name": "demo", "números": [1, 2.5, None]}
        packed = self.packer("pack", self.path("export"), *layers, "--document", json.dumps(document))
        result = self.packer("unpack", self.path("export"), self.path("target"))
        self.assertEqual(result["document"], document)
        self.assertEqual([layer["digest"] for layer in result["layers"]],
                         [layer["digest"] for layer in packed["layers"]])
        self.assertEqual(describe(self.path("target/0")), describe(self.path("0")) |
                         {b".": describe(self.path("target/0"))[b"."]})
        upper = self.path("target/1/root")
        for name in ("empty", "zeros"):
            info = os.lstat(f"{upper}/{name}")
            self.assertEqual((stat.S_IFMT(info.st_mode), info.st_rdev), (stat.S_IFCHR, 0))
        self.assertEqual(os.listxattr(f"{upper}/usr"), [OPAQUE])
        self.assertEqual(os.listdir(self.path("target/1/at%home")), ["user"])
        for number in ("0", "1"):
            self.assertEqual(self.packer("digest", self.path(f"target/{number}"))["digest"],
                             self.packer("digest", self.path(number))["digest"])

    def test_and_all_else_may_be_named_from_the_working_folder(self):
        self.two_layers()
        for words in (("pack", "export", "0", "1"), ("unpack", "export", "target"), ("digest", "target/1"),
                      ("pack-oci", "image", "0/root", "1/root"), ("unpack-oci", "image", "layers"),
                      ("copy-tree", "0/root", "copy"), ("changes", "0", "1", "--below", "copy")):
            self.packer(*words, cwd=self.folder)

    def test_are_never_written_through_a_link(self):
        layers = self.two_layers()
        write(self.path("precious"), b"kept")
        os.symlink(self.path("precious"), self.path("export.partial"))
        self.packer("pack", self.path("export"), *layers)
        self.assertEqual(os.stat(self.path("precious")).st_size, 4)
        self.packer("unpack", self.path("export"), self.path("target"))

    def test_go_through_pipes(self):
        layers = self.two_layers()
        with open(self.path("export"), "wb") as export:
            done = subprocess.run([PACKER, "pack", "-", *layers], stdout=export, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("result", json.loads(done.stderr.splitlines()[-1]))
        with open(self.path("export"), "rb") as export:
            reader = subprocess.Popen(["cat"], stdin=export, stdout=subprocess.PIPE)
            result = self.packer("unpack", "-", self.path("target"), stdin=reader.stdout)
            reader.stdout.close()
            reader.wait()
        self.assertEqual(len(result["layers"]), 2)

    def test_are_refused_when_anything_is_missing_or_different(self):
        layers = self.two_layers()
        self.packer("pack", self.path("export"), *layers)
        original = self.packer("unpack", self.path("export"), self.path("original"))
        with open(self.path("export"), "rb") as file:
            whole = file.read()
        for length in (0, 1, 100, len(whole) // 2, len(whole) - 5, len(whole) - 1):
            write(self.path("torn"), whole[:length])
            self.refused("unpack", self.path("torn"), self.path(f"torn-{length}"), cls="corrupt")
        for at in range(50, len(whole), max(1, len(whole) // 20)):
            write(self.path("wrong"), whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            status, lines = self.run_packer("unpack", self.path("wrong"), self.path(f"wrong-{at}"))
            # Of what is compressed, a bit may mean nothing.
            if status == 0:
                self.assertEqual(lines[-1]["result"], original)
            else:
                self.assertIn("error", lines[-1])
        write(self.path("longer"), whole + b"more")
        self.refused("unpack", self.path("longer"), self.path("longer-target"), cls="corrupt")
        write(self.path("twice"), whole + whole)
        self.refused("unpack", self.path("twice"), self.path("twice-target"), cls="corrupt")
        self.assertFalse(os.path.exists(self.path("export.partial")))

    def test_of_no_layers_and_of_empty_ones(self):
        os.makedirs(self.path("empty"))
        write(self.path("document"), json.dumps({"long": "x" * 1_000_000}).encode())
        self.packer("pack", self.path("export"), "--document", f"@{self.path('document')}")
        result = self.packer("unpack", self.path("export"), self.path("none"))
        self.assertEqual((result["layers"], len(result["document"]["long"])), ([], 1_000_000))
        self.packer("pack", self.path("export"), self.path("empty"), self.path("empty"))
        layers = self.packer("unpack", self.path("export"), self.path("two"))["layers"]
        self.assertEqual([layer["entries"] for layer in layers], [0, 0])
        self.assertEqual(sorted(os.listdir(self.path("two"))), ["0", "1"])

    def test_digests_are_about_content_and_not_how_it_lies_on_the_disk(self):
        for name in ("a", "b"):
            os.makedirs(self.path(f"{name}/root"))
        write(self.path("a/root/file"), b"x" * 4096 + bytes(1_000_000) + b"y")
        with open(self.path("b/root/file"), "wb") as file:
            file.write(b"x" * 4096)
            file.seek(1_004_096)
            file.write(b"y")
        for name in ("a", "b"):
            for path in ("root/file", "root"):
                os.utime(self.path(f"{name}/{path}"), ns=(0, 0))
        self.assertNotEqual(os.stat(self.path("a/root/file")).st_blocks,
                            os.stat(self.path("b/root/file")).st_blocks)
        self.assertEqual(self.packer("digest", self.path("a")), self.packer("digest", self.path("b")))
        os.utime(self.path("b/root/file"), ns=(0, 1))
        self.assertNotEqual(self.packer("digest", self.path("a")), self.packer("digest", self.path("b")))


class Changes(Packing):
    def test_tell_what_an_overlay_has_changed(self):
        for name in ("base/etc/conf.d", "base/var/old", "base/opt", "0/root/srv", "1/root", "merged"):
            os.makedirs(self.path(name))
        for name in ("etc/kept", "etc/edited", "etc/mode", "etc/conf.d/gone", "var/old/file", "etc/read",
                     "etc/retyped"):
            write(self.path(f"base/{name}"), b"12345")
        write(self.path("0/root/srv/data"), b"lower")
        merged = self.path("merged")
        self.mount_overlay([self.path("0/root"), self.path("base")], self.path("1/root"), merged)
        write(f"{merged}/etc/edited", b"54321")
        os.chmod(f"{merged}/etc/mode", 0o600)
        os.close(os.open(f"{merged}/etc/read", os.O_RDWR))  # copied up, and the same
        shutil.rmtree(f"{merged}/etc/conf.d")
        shutil.rmtree(f"{merged}/var/old")
        os.mkdir(f"{merged}/var/old")
        os.remove(f"{merged}/etc/retyped")
        os.symlink("kept", f"{merged}/etc/retyped")
        os.mkdir(f"{merged}/new")
        write(f"{merged}/new/file", b"123")
        os.remove(f"{merged}/srv/data")
        os.chmod(f"{merged}/opt", 0o700)
        self.unmount(merged)
        result = self.packer("changes", self.path("0"), self.path("1"), "--below", self.path("base"))
        found = {line["change"]["path"]: (line["change"]["what"], line["change"]["kind"],
                                          line["change"]["bytes"]) for line in self.lines}
        self.assertEqual(found, {
            "/etc/conf.d": ("removed", "folder", 0),
            "/etc/edited": ("changed", "file", 5),
            "/etc/mode": ("attributes", "file", 5),
            "/etc/retyped": ("changed", "link", 0),
            "/new": ("added", "folder", 0),
            "/new/file": ("added", "file", 3),
            "/opt": ("attributes", "folder", 0),
            "/srv/data": ("removed", "file", 0),
            "/var/old": ("replaced folder", "folder", 0)})
        self.assertEqual(result, {"count": 9, "bytes": 13})


class Images(Packing):
    def make_layers(self):
        """A base, and what an overlay on it has made of it."""
        for name in ("0/root", "1/root", "merged"):
            os.makedirs(self.path(name))
        make_rich_tree(self.path("0/root"))
        self.mount_overlay([self.path("0/root")], self.path("1/root"), self.path("merged"))
        merged = self.path("merged")
        os.remove(f"{merged}/empty")
        shutil.rmtree(f"{merged}/inherits")
        os.mkdir(f"{merged}/inherits")
        write(f"{merged}/inherits/new", b"new")
        write(f"{merged}/usr/bin/more", b"more", 0o755)
        os.symlink("more", f"{merged}/usr/bin/same")
        seen = describe(merged, FOREIGN)
        self.unmount(merged)
        return seen

    def seen_through(self, target):
        """What an overlay of unpacked layers shows."""
        os.makedirs(self.path("seen"))
        self.mount("-t", "overlay", "overlay", "-o", f"lowerdir={target}/1/root:{target}/0/root",
                   self.path("seen"))
        return describe(self.path("seen"), FOREIGN)

    def test_show_the_same_files_after_a_round_trip(self):
        seen = self.make_layers()
        result = self.packer("pack-oci", self.path("image"), self.path("0/root"), self.path("1/root"),
                             "--tag", "demo", "--config", '{"Cmd": ["/usr/bin/more"]}')
        self.assertEqual(result["xattrs_skipped"], 1)
        unpacked = self.packer("unpack-oci", self.path("image:demo"), self.path("target"),
                               "--allow-devices")
        self.assertEqual(unpacked["config"], {"Cmd": ["/usr/bin/more"]})
        self.assertEqual([layer["diff_id"] for layer in unpacked["layers"]], result["diff_ids"])
        again = self.seen_through(self.path("target"))
        self.assertEqual(again.keys(), seen.keys())
        for name in seen:
            self.assertEqual(again[name], seen[name], name)

    def test_of_equal_layers_are_equal(self):
        self.make_layers()
        os.makedirs(self.path("copy"))
        subprocess.run(["cp", "-a", self.path("1/root"), self.path("copy/root")], check=True)
        first = self.packer("pack-oci", self.path("a"), self.path("0/root"), self.path("1/root"))
        second = self.packer("pack-oci", self.path("b"), self.path("0/root"), self.path("copy/root"))
        self.assertEqual(first, second)
        self.assertFalse(os.path.exists(self.path("a.partial")))
        self.refused("pack-oci", self.path("a"), self.path("0/root"), cls="conflict")

    def test_refuse_a_name_that_they_take_for_a_removed_file(self):
        os.makedirs(self.path("0/root"))
        write(self.path("0/root/.wh.me"))
        self.refused("pack-oci", self.path("image"), self.path("0/root"), cls="refused", saying=".wh.me")
        self.assertFalse(os.path.exists(self.path("image")))
        self.assertFalse(os.path.exists(self.path("image.partial")))

    def test_are_what_skopeo_podman_and_umoci_read_and_write(self):
        missing = [tool for tool in ("skopeo", "podman", "umoci") if shutil.which(tool) is None]
        if missing:
            self.skipTest(f"not installed: {missing}")
        seen = self.make_layers()
        image = self.path("image")
        self.packer("pack-oci", image, self.path("0/root"), self.path("1/root"), "--tag", "demo",
                    "--config", '{"Cmd": ["/usr/bin/more"], "Env": ["A=b"]}')
        self.tool("skopeo", "inspect", f"oci:{image}:demo")
        self.tool("skopeo", "copy", "--insecure-policy", f"oci:{image}:demo", f"dir:{self.path('dir')}")
        podman = ("podman", "--root", self.path("podman"), "--runroot", self.path("run"),
                  "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs")
        name = self.tool(*podman, "pull", "-q", "oci:image:demo").strip()
        mounted = self.tool(*podman, "image", "mount", name).strip()
        there = describe(mounted)
        # podman's copies of layers know not all hard links, times and extended attributes.
        self.assertEqual(there[b"usr/bin/able"]["xattrs"], {"security.capability": CAPABILITY})
        self.assertEqual(there.keys(), seen.keys())
        for path, about in seen.items():
            for what in ("mode", "uid", "gid", "content", "target", "device"):
                self.assertEqual(there[path].get(what), about.get(what), (path, what))
        self.tool(*podman, "image", "unmount", name)
        for form in ("oci-dir", "docker-dir"):
            self.tool(*podman, "save", "-q", "--format", form, "-o", self.path(form), name)
        self.tool(*podman, "rmi", "-a", "-f")
        unpacked = self.packer("unpack-oci", self.path("oci-dir"), self.path("back"), "--allow-devices")
        self.assertEqual(unpacked["config"]["Env"], ["A=b"])
        again = self.seen_through(self.path("back"))
        for path, about in seen.items():
            self.assertEqual(again[path].get("content"), about.get("content"), path)
        self.tool("umoci", "unpack", "--image", f"{image}:demo", self.path("bundle"))
        self.assertIn(b"usr/bin/more", describe(self.path("bundle/rootfs")))

    def tool(self, *words):
        # Names of images come from paths, and not every path can be one.
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=self.folder)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_are_chosen_by_tag_and_machine(self):
        maker = OciMaker(self.path("image"))
        ours = maker.image([tar_of([member("ours", content=b"x")])])
        other = maker.image([tar_of([member("other", content=b"x")])])
        platform = lambda machine: {"platform": {"os": "linux", "architecture": machine}}  # noqa: E731
        index = maker.document({"schemaVersion": 2, "manifests": [other | platform("arm64"),
                                                                  ours | platform("amd64")]},
                               "application/vnd.oci.image.index.v1+json")
        tag = lambda name: {"annotations": {"org.opencontainers.image.ref.name": name}}  # noqa: E731
        layout = maker.index(index | tag("many"), other | tag("one"))
        self.packer("unpack-oci", f"{layout}:many", self.path("a"))
        self.assertEqual(os.listdir(self.path("a/0/root")), ["ours"])
        self.packer("unpack-oci", f"{layout}:one", self.path("b"))
        self.assertEqual(os.listdir(self.path("b/0/root")), ["other"])
        self.refused("unpack-oci", layout, self.path("c"), cls="usage", saying="more than one")
        self.refused("unpack-oci", f"{layout}:none", self.path("d"), cls="not_found")

    def test_keep_folders_that_a_layer_does_not_describe(self):
        maker = OciMaker(self.path("image"))
        below = tar_of([folder("tmp", mode=0o1777, uid=5, mtime=1000), member("old", content=b"")])
        above = tar_of([member("tmp/new", content=b"x"), member("made/new", content=b"x")])
        layout = maker.index(maker.image(
            [below, above], layer_type="application/vnd.docker.image.rootfs.diff.tar.gzip",
            pack=gzip.compress))
        self.packer("unpack-oci", layout, self.path("target"))
        info = os.stat(self.path("target/1/root/tmp"))
        self.assertEqual((info.st_mode & 0o7777, info.st_uid, info.st_mtime), (0o1777, 5, 1000))
        self.assertEqual(os.stat(self.path("target/1/root/made")).st_mode & 0o7777, 0o755)

    def test_have_hard_links_and_later_entries_count(self):
        maker = OciMaker(self.path("image"))
        layout = maker.index(maker.image([tar_of([
            member("a", content=b"first"), hard_link("b", "a"), member("a", content=b"second"),
            folder("d"), member("d/x", content=b"x"), member("d", content=b"now a file")])]))
        self.packer("unpack-oci", layout, self.path("target"))
        for name, content in (("a", b"second"), ("b", b"first"), ("d", b"now a file")):
            with open(self.path(f"target/0/root/{name}"), "rb") as file:
                self.assertEqual(file.read(), content)


class Process(Packing):
    def test_dies_with_who_started_it(self):
        os.mkdir(self.path("target"))
        # The packer waits for more of a pipe that this test holds open.
        reader, writer = os.pipe()
        script = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdin=0); print(p.pid, flush=True); p.wait()"
        parent = subprocess.Popen(["python3", "-c", script, PACKER, "unpack", "-", self.path("target")],
                                  stdin=reader, stdout=subprocess.PIPE)
        os.close(reader)
        self.addCleanup(os.close, writer)
        pid = int(parent.stdout.readline())
        packer = os.pidfd_open(pid)
        self.addCleanup(os.close, packer)
        # From when it is in a namespace of its own it is waiting.
        ours = os.readlink("/proc/self/ns/mnt")
        until(lambda: os.readlink(f"/proc/{pid}/ns/mnt") != ours, "its own mounts")
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        self.assertTrue(select.select([packer], [], [], 20)[0], "it lives on")

    def test_leaves_only_its_target_when_it_is_killed(self):
        os.makedirs(self.path("layer/root"))
        for number in range(50):
            write(self.path(f"layer/root/{number:02}"), os.urandom(100_000))
        self.packer("pack", self.path("export"), self.path("layer"))
        with open(self.path("export"), "rb") as file:
            half = file.read(os.path.getsize(self.path("export")) // 2)
        with open("/proc/self/mountinfo") as file:
            mounts = file.read()
        packer = subprocess.Popen([PACKER, "unpack", "-", self.path("target")], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL)
        packer.stdin.write(half)
        packer.stdin.flush()
        until(lambda: os.path.exists(self.path("target/0/root/05")), "some of the files")
        packer.kill()
        packer.wait()
        packer.stdin.close()
        with open("/proc/self/mountinfo") as file:
            self.assertEqual(file.read(), mounts)
        shutil.rmtree(self.path("target"))


if __name__ == "__main__":
    unittest.main()
