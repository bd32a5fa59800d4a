"""appshot-packer and archives that are meant to do harm: nothing outside of the target is touched, and
what is refused says so.
"""

import gzip
import os
import stat
import struct
import subprocess
import tarfile
import unittest

from hostile_fixture import Hostile, enter_own_mounts, pax_header, sparse_member, with_records
from packing_fixture import ACL, CAPABILITY, OPAQUE, OciMaker, folder, hard_link, link, member, tar_of

LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
INDEX = "application/vnd.oci.image.index.v1+json"


def setUpModule():
    enter_own_mounts()


class Names(Hostile):
    def test_that_lead_upwards_are_refused(self):
        for name in ("../../etc/passwd", "a/../../b", "..", "a/..", "/../x"):
            self.refuses(member(name, content=b"x"), saying="leads upwards")

    def test_that_are_absolute_begin_at_the_root_of_the_layer(self):
        self.unpacks(member("/outside", content=b"x"), member("//etc//./passwd", content=b"y"))
        self.assertEqual(sorted(os.listdir(self.root)), ["etc", "outside"])

    def test_that_lead_through_links_are_refused(self):
        for target in ("/", "..", "../../..", self.path("outside"), "real"):
            self.refuses(folder("real"), link("way", target), member("way/passwd", content=b"x"),
                         saying="symbolic link")
            self.refuses(folder("real"), link("way", target), folder("way/folder/below"),
                         saying="symbolic link")
            self.refuses(folder("real"), link("way", target), member("way/.wh.passwd", content=b""),
                         saying="symbolic link")

    def test_take_the_place_of_a_link_and_not_of_where_it_leads(self):
        outside = self.path("outside/passwd")
        self.unpacks(link("file", outside), member("file", content=b"x"), link("dir", self.path("outside")),
                     folder("dir", mode=0o700, uid=77), member("dir/below", content=b"y"))
        self.assertEqual(stat.S_IFMT(os.lstat(f"{self.root}/file").st_mode), stat.S_IFREG)
        self.assertEqual(os.lstat(f"{self.root}/dir").st_uid, 77)

    def test_that_are_too_long_or_too_deep_are_refused_with_the_limit(self):
        self.refuses(member("/".join(["d"] * 600), content=b"x"), saying="512 folders")
        self.refuses(member("/".join(["d" * 200] * 25), content=b"x"), saying="4095 bytes")
        self.refuses(member("n" * 256, content=b"x"), saying="255 bytes")
        self.unpacks(member("/".join(["d"] * 512), content=b"x"))

    def test_with_a_nul_are_refused(self):
        info, _ = member("short")
        info.pax_headers = {"path": "a\0b"}
        self.refuses((info, b""), saying="NUL")

    def test_of_the_root_itself_can_only_be_a_folder(self):
        self.refuses(link(".", "/"), saying="root")
        self.unpacks(folder("./", mode=0o711, uid=9))
        self.assertEqual((os.stat(self.root).st_mode & 0o7777, os.stat(self.root).st_uid), (0o711, 9))


class Links(Hostile):
    def test_hard_ones_reach_nothing_outside(self):
        for target in (self.path("outside/passwd"), "passwd", "missing/passwd"):
            self.refuses(hard_link("stolen", target), saying="no file before it")
        self.refuses(hard_link("stolen", "../outside/passwd"), saying="leads upwards")
        self.refuses(link("way", self.path("outside")), hard_link("stolen", "way/passwd"),
                     saying="no file before it")
        self.refuses(folder("d"), hard_link("d2", "d"), saying="no file before it")
        self.refuses(member("f", content=b""), hard_link("f", "f"), saying="no file before it")

    def test_whose_target_is_cut_by_a_nul_are_refused(self):
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            self.refuses_raw(with_records(member("way", kind), [(b"linkpath", b"/etc\0/x")]), saying="NUL")

    def test_hard_ones_of_a_link_are_the_link(self):
        self.unpacks(link("way", self.path("outside/passwd")), hard_link("other", "way"))
        self.assertEqual(os.readlink(f"{self.root}/other"), self.path("outside/passwd"))
        # Written to afterwards, it is replaced.
        self.unpacks(link("way", self.path("outside/passwd")), hard_link("other", "way"),
                     member("other", content=b"x"))
        self.assertEqual(os.path.getsize(f"{self.root}/other"), 1)


class Devices(Hostile):
    ENTRIES = (member("disk", tarfile.BLKTYPE, devmajor=8), member("null", tarfile.CHRTYPE, devmajor=1, devminor=3),
               member("hides", tarfile.CHRTYPE), member("pipe", tarfile.FIFOTYPE))

    def test_are_left_out_and_counted(self):
        result = self.unpacks(*self.ENTRIES)
        self.assertEqual(result["devices_skipped"], 3)
        self.assertEqual(os.listdir(self.root), ["pipe"])

    def test_are_made_when_that_is_wanted_but_never_whiteouts(self):
        result = self.unpacks(*self.ENTRIES, options=["--allow-devices"])
        self.assertEqual(result["devices_skipped"], 1)
        self.assertEqual(self.device("disk"), (stat.S_IFBLK, os.makedev(8, 0)))
        self.assertEqual(sorted(os.listdir(self.root)), ["disk", "null", "pipe"])


    def test_of_numbers_that_the_kernel_would_cut_to_a_whiteout_are_refused(self):
        for field, number in ((329, 1 << 12), (337, 1 << 20)):
            header = bytearray(member("d", tarfile.CHRTYPE)[0].tobuf(tarfile.GNU_FORMAT))
            header[field:field + 8] = b"\x80" + number.to_bytes(7, "big")
            header[148:156] = b" " * 8
            header[148:156] = f"{sum(header):06o}\0 ".encode()
            self.refuses_raw(bytes(header), cls=None, saying="'0/root/d'", options=["--allow-devices"])


class Whiteouts(Hostile):
    WHITEOUT = (stat.S_IFCHR, 0)

    def test_hide_what_is_below(self):
        self.unpacks(member(".wh.gone", content=b""), folder("d"), member("d/.wh..wh..opq", content=b""),
                     member("new/.wh.gone", content=b""), member(".wh..wh.plnk", content=b""))
        self.assertEqual(self.device("gone"), self.WHITEOUT)
        self.assertEqual(self.device("new/gone"), self.WHITEOUT)
        self.assertEqual(os.getxattr(f"{self.root}/d", OPAQUE), b"y")
        self.assertEqual(sorted(os.listdir(self.root)), ["d", "gone", "new"])

    def test_of_what_the_layer_has_itself_hide_only_what_is_below(self):
        file, mark = member("x", content=b"x"), member(".wh.x", content=b"")
        for entries in ((file, mark), (mark, file)):
            self.unpacks(*entries)
            self.assertEqual(os.path.getsize(f"{self.root}/x"), 1)
        for entries in ((folder("x"), mark), (mark, folder("x")), (mark, member("x/below", content=b""))):
            self.unpacks(*entries)
            self.assertEqual(os.getxattr(f"{self.root}/x", OPAQUE), b"y")

    def test_of_all_that_is_below_hide_it_at_the_root_too(self):
        """overlayfs does not ask whether the root of a layer is opaque."""
        below = [member("low", content=b"x"), folder("d"), member("d/low", content=b"x"), folder("e"), link("l", "/")]
        mark, own = member(".wh..wh..opq", content=b""), [folder("d"), member("d/own", content=b"y"), member("l", content=b"y")]
        for layer in ([mark, *own], [*own, mark], [mark, *own, mark]):
            self.packer("unpack-oci", self.image(tar_of(below), tar_of([folder("even-lower")]), tar_of(layer)), self.target())
            mounted = self.new(f"mounted{self.number}")
            roots = [f"{self.target()}/{number}/root" for number in (2, 1, 0)]
            self.mount_overlay(roots, self.new(f"upper{self.number}"), mounted)
            self.assertEqual(sorted(os.listdir(mounted)), ["d", "l"])
            self.assertEqual(os.listdir(f"{mounted}/d"), ["own"])
            self.assertEqual(os.path.getsize(f"{mounted}/l"), 1)

    def test_with_content_are_refused(self):
        for name in (".wh.x", ".wh..wh..opq", ".wh..wh.plnk"):
            self.refuses(member(name, content=b"x"), saying="has content")

    def test_with_impossible_names_are_refused(self):
        for name in (".wh.", ".wh..", ".wh...", "d/.wh..", "d/.wh..."):
            self.refuses(member(name, content=b""), saying="whiteout of no file")
        for entry in (folder(".wh..wh..opq"), folder(".wh.x"), link(".wh.x", "/"), link(".wh..wh..opq", "/"),
                      member(".wh.x", tarfile.FIFOTYPE)):
            self.refuses(entry, saying="is none")
        self.refuses(member(".wh.x/y", content=b""), saying="lies in a whiteout")
        self.refuses(member(".wh..wh..opq/y", content=b""), saying="lies in a whiteout")


class Attributes(Hostile):
    def entry(self, name, **xattrs):
        info, content = member(name, content=b"x")
        # Python writes them as text; these are.
        info.pax_headers = {f"SCHILY.xattr.{key.replace('__', '.')}": value for key, value in xattrs.items()}
        return info, content

    def test_by_which_overlayfs_would_look_elsewhere_are_never_set(self):
        result = self.unpacks(self.entry("f", trusted__overlay__redirect="/etc", trusted__overlay__metacopy="x",
                                         trusted__overlay__origin="x", trusted__overlay__opaque="y",
                                         trusted__other="x", security__selinux="x", user__kept="yes"))
        self.assertEqual(os.listxattr(f"{self.root}/f"), ["user.kept"])
        self.assertEqual(result["xattrs_skipped"], 6)

    def test_that_belong_to_the_file_are_kept(self):
        entry = member("able", content=b"x", mode=0o4755, uid=1, gid=2)
        self.unpacks_raw(with_records(entry, [(b"SCHILY.xattr.security.capability", CAPABILITY)]))
        path = f"{self.root}/able"
        self.assertEqual(os.getxattr(path, "security.capability"), CAPABILITY)
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o4755)

    def test_in_forms_that_are_not_read_are_counted(self):
        result = self.unpacks_raw(with_records(member("f"), [
            (b"SCHILY.acl.access", b"user::rwx"), (b"RHT.security.selinux", b"x"), (b"LIBARCHIVE.xattr.user.a", b"eA"),
            (b"LIBARCHIVE.xattr.user.b", b"eA"), (b"SCHILY.xattr.user.b", b"x"), (b"comment", b"x")]))
        self.assertEqual(os.listxattr(f"{self.root}/f"), ["user.b"])
        self.assertEqual(result["xattrs_skipped"], 3)

    def test_of_which_only_a_part_would_be_set_are_refused(self):
        self.refuses_raw(with_records(member("f"), [(b"SCHILY.xattr.user.a\0b", b"x")]), saying="NUL")

    def test_of_the_folder_above_come_into_nothing(self):
        above = self.new("above")
        os.setxattr(above, "system.posix_acl_default", ACL)
        self.packer("unpack-oci", self.image(tar_of([folder("d"), member("f", content=b"", mode=0o604)])), f"{above}/t")
        for name in ("d", "f"):
            self.assertEqual(os.listxattr(f"{above}/t/0/root/{name}"), [])
        self.assertEqual(os.stat(f"{above}/t/0/root/f").st_mode & 0o777, 0o604)

    def test_of_impossible_owners_are_refused(self):
        self.refuses(member("f", content=b"", uid=0xffffffff), saying="impossible owner")
        self.refuses(member("f", content=b"", uid=1 << 40), saying="uid")


class Sizes(Hostile):
    def test_a_bomb_stops_at_the_limit(self):
        content = tar_of([member("bomb", content=bytes(64 << 20))])
        for layer_type, pack in ((LAYER_GZIP, gzip.compress), (LAYER_ZSTD, self.zstd)):
            error = self.refused(
                "unpack-oci", self.image(content, layer_type=layer_type, pack=pack), self.target(),
                "--max-bytes", str(10 << 20), cls="exhausted", saying="'0/root/bomb' passes the limit")
            self.assertIn("10485760 bytes", error["message"])

    def zstd(self, content):
        return subprocess.run(["zstd", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout

    def test_many_entries_stop_at_the_limit(self):
        entries = [member(f"f{i}", content=b"") for i in range(1001)]
        self.refuses(*entries, options=["--max-entries", "900"], cls="exhausted", saying="900 files and folders")

    def test_many_entries_of_which_nothing_is_made_stop_at_the_limit(self):
        for name, kind in (("d", tarfile.CHRTYPE), (".wh.x", tarfile.REGTYPE), (".wh..wh.note", tarfile.REGTYPE)):
            entries = [member(name, kind, content=b"", devmajor=1)] * 101
            self.refuses(*entries, options=["--max-entries", "100"], cls="exhausted", saying="100 files and folders")

    def test_headers_without_an_end_are_not_read_for_ever(self):
        for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE):
            self.refuses_raw(pax_header([(b"comment", b"x")], kind) * 40_000, cls="exhausted", saying="16 MiB")

    def test_many_entries_of_one_name_are_one_file(self):
        entry = tar_of([member("same", content=b"x")])[:1024]
        self.packer("unpack-oci", self.image(entry * 20_000 + bytes(1024)), self.target())
        self.assertEqual(os.listdir(f"{self.target()}/0/root"), ["same"])

    def test_holes_take_no_room_but_no_file_is_larger_than_files_can_be(self):
        self.unpacks(sparse_member(1 << 40, [(1 << 39, 100)]), options=["--max-bytes", "100000"])
        info = os.stat(f"{self.root}/sparse")
        self.assertEqual(info.st_size, 1 << 40)
        self.assertLess(info.st_blocks, 100)
        self.refuses(sparse_member((1 << 63) - 1, []), cls=None, saying="'0/root/sparse'")
        self.refuses(sparse_member(100, [(90, 20)]), saying="list of holes")
        self.refuses(sparse_member(100, [(50, 20), (40, 5)]), saying="list of holes")

    def test_a_declared_size_that_is_not_there_is_refused(self):
        content = bytearray(tar_of([member("f", content=b"x")]))
        content[124:136] = b"\x80\0\0\0" + struct.pack(">Q", 1 << 62)
        content[148:156] = b" " * 8
        content[148:156] = f"{sum(content[:512]):06o}\0 ".encode()
        self.refused("unpack-oci", self.image(bytes(content)), self.target(), cls="exhausted", saying="limit")

    def test_headers_are_of_bounded_size(self):
        info = tarfile.TarInfo("x")
        info.type, info.size = b"x", 1 << 32
        self.refused("unpack-oci", self.image(info.tobuf(tarfile.GNU_FORMAT)), self.target(), cls="exhausted",
                     saying="16 MiB")


class Layouts(Hostile):
    def good(self):
        maker = OciMaker(self.path("image"))
        manifest = maker.image([tar_of([member("f", content=b"x" * 5000)])], layer_type=LAYER_GZIP,
                               pack=gzip.compress)
        return maker, manifest

    def test_with_damaged_or_cut_blobs_are_refused(self):
        maker, manifest = self.good()
        layout = maker.index(manifest)
        for number, blob in enumerate(sorted((maker.path / "blobs" / "sha256").iterdir())):
            content = blob.read_bytes()
            for what, changed in enumerate((content[:-1], content[:-1] + bytes([content[-1] ^ 1]),
                                            content + b"x", b"")):
                blob.write_bytes(changed)
                self.refused("unpack-oci", layout, self.path(f"t{number}-{what}"))
            blob.write_bytes(content)
        self.packer("unpack-oci", layout, self.path("whole"))

    def test_with_another_diff_id_are_refused(self):
        error = self.refused("unpack-oci", self.image(tar_of([member("f")]), diff_ids=["sha256:" + "0" * 64]),
                             self.target(), cls="corrupt", saying="configuration")
        self.assertIn("layer 0", error["message"])

    def test_with_paths_for_digests_are_refused(self):
        maker, manifest = self.good()
        for digest in ("sha256:../../x", "sha256:", "sha256:" + "A" * 64, "sha512:" + "0" * 128, "../../outside/passwd",
                       "sha256:" + "0" * 63 + "/", 5, None):
            self.refused("unpack-oci", maker.index({**manifest, "digest": digest}), self.path("target"),
                         cls="unsupported", saying="no sha256 digest")

    def test_with_other_sizes_than_their_blobs_are_refused(self):
        maker, manifest = self.good()
        for size in (0, 1, -1, 1e300, 2 ** 64 - 1, 2 ** 63, 2 ** 200, "5", None, [5]):
            self.refused("unpack-oci", maker.index({**manifest, "size": size}), self.path("target"), cls="corrupt",
                         saying="the blob")

    def test_with_links_for_blobs_are_refused(self):
        maker, manifest = self.good()
        blob = maker.path / "blobs" / "sha256" / manifest["digest"][7:]
        os.rename(blob, self.path("elsewhere"))
        os.symlink(self.path("elsewhere"), blob)
        self.refused("unpack-oci", maker.index(manifest), self.path("target"))
        blob.unlink()
        os.mkfifo(blob)
        self.refused("unpack-oci", maker.index(manifest), self.path("target"), cls="corrupt")

    def test_with_indexes_in_indexes_end(self):
        maker, manifest = self.good()
        inner = manifest
        for _ in range(20):
            inner = maker.document({"schemaVersion": 2, "manifests": [inner]}, INDEX)
        self.refused("unpack-oci", maker.index(inner), self.path("target"), cls="corrupt", saying="without an end")

    def test_that_are_huge_or_no_json_are_refused(self):
        maker, _ = self.good()
        index = maker.path / "index.json"
        with open(index, "wb") as file:
            file.truncate(1 << 40)
        self.refused("unpack-oci", str(maker.path), self.path("target"), cls="exhausted", saying="8 MiB")
        for text in ("", "[" * 1_000_000, "null", "[]", "{}", '{"manifests": 5}', '{"manifests": [5, null]}',
                     '{"manifests": [{"mediaType": ["x"]}]}'):
            index.write_text(text)
            self.refused("unpack-oci", str(maker.path), self.path("target"))

    def test_whose_documents_have_anything_in_them_are_refused(self):
        maker, manifest = self.good()
        kind = manifest["mediaType"]
        for document in ({}, [], {"layers": 5, "config": 5}, {"config": {}}, {"layers": [], "config": manifest},
                         {"layers": [{}], "config": manifest}):
            described = maker.document(document, kind)
            self.refused("unpack-oci", maker.index(described), self.path(f"t{described['digest'][7:20]}"))

    def test_for_other_machines_are_refused(self):
        maker = OciMaker(self.path("image"))
        config = maker.document({"os": "linux", "architecture": "arm64", "rootfs": {"diff_ids": []}}, "config")
        manifest = maker.document({"config": config, "layers": []},
                                  "application/vnd.oci.image.manifest.v1+json")
        self.refused("unpack-oci", maker.index(manifest), self.path("target"), cls="mismatch", saying="arm64")


if __name__ == "__main__":
    unittest.main()
