"""appshot-packer and exports of environments that appshot did not write: they are refused, and say why.
"""

import json
import subprocess
import tarfile
import unittest

from hostile_fixture import Hostile, enter_own_mounts, sparse_member
from packing_fixture import folder, hard_link, link, member, tar_of, write


def setUpModule():
    enter_own_mounts()


class Exports(Hostile):
    """Members that appshot does not write."""

    def export(self, *entries, layers=1, digests=None):
        self.number += 1
        head = json.dumps({"format": "appshot environment", "version": 1, "layers": layers, "document": {}})
        end = json.dumps({"head": "sha256:0", "layers": digests or []})
        content = tar_of([member("appshot-environment.json", content=head.encode()), *entries,
                          member("appshot-end.json", content=end.encode())])
        path = self.path(f"export{self.number}")
        write(path, subprocess.run(["zstd", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout)
        return path

    def refuses_export(self, *entries, saying, **how):
        self.refused("unpack", self.export(*entries, **how), self.target(), cls="corrupt", saying=saying)

    def test_outside_of_layers_are_refused(self):
        root = folder("layers/0/root")
        for name in ("etc", "layers/0/etc", "layers/1/root", "layers/00/root", "layers/0/../root", "/layers/0/root",
                     "layers/0/at%", "layers//0/root", "layers/99999999999/root", "layers/-1/root"):
            self.refuses_export(root, folder(name), saying="")
        self.refuses_export(member("layers/0/root", content=b""), saying="no folder")

    def test_that_come_twice_or_out_of_order_are_refused(self):
        root, a, b = folder("layers/0/root"), member("layers/0/root/a"), member("layers/0/root/b")
        for entries in ((root, b, a), (root, a, a), (root, a, folder("layers/0/root")),
                        (folder("layers/1/root"), root)):
            self.refuses_export(*entries, layers=2, saying="")
        self.refused("unpack", self.export(a), self.target())  # without its folder

    def test_that_lead_through_links_are_refused(self):
        self.refused("unpack", self.export(folder("layers/0/root"), link("layers/0/root/way", "/"),
                                           member("layers/0/root/way/x", content=b"x")), self.target())
        for target in ("/etc/passwd", "layers/0/root/z", "layers/1/root/a", "layers/0/root/../x", "layers/0/root/b"):
            self.refuses_export(folder("layers/0/root"), hard_link("layers/0/root/b", target), saying="")

    def test_with_marks_that_no_layer_has_are_refused(self):
        def marked(entry, **xattrs):
            entry[0].pax_headers = {f"SCHILY.xattr.{key.replace('__', '.')}": value for key, value in xattrs.items()}
            return entry
        root = folder("layers/0/root")
        for xattrs in ({"trusted__overlay__redirect": "/etc"}, {"trusted__overlay__metacopy": ""},
                       {"trusted__overlay__opaque": "x"}, {"system__other": "x"}, {"odd": "x"}):
            self.refuses_export(marked(folder("layers/0/root"), **xattrs), saying="no layer has")
        self.refuses_export(root, marked(member("layers/0/root/f"), trusted__overlay__opaque="y"),
                            saying="no layer has")
        self.refuses_export(root, member("layers/0/root/f", tarfile.CHRTYPE, mode=0o666), saying="whiteout")

    def test_that_contradict_what_they_lead_to_are_refused(self):
        root, file = folder("layers/0/root"), member("layers/0/root/a", content=b"x", mode=0o600, mtime=7)

        def another(**how):
            return member("layers/0/root/b", tarfile.LNKTYPE, target="layers/0/root/a", **how)
        for how in ({"mode": 0o644, "mtime": 7}, {"mode": 0o600, "mtime": 8}, {"mode": 0o600, "mtime": 7, "uid": 1}):
            self.refuses_export(root, file, another(**how), saying="cannot be made as it is told")
        with_xattr = another(mode=0o600, mtime=7)
        with_xattr[0].pax_headers = {"SCHILY.xattr.user.a": "x"}
        self.refuses_export(root, file, with_xattr, saying="a hard link with attributes")
        self.refuses_export(root, member("layers/0/root/a", tarfile.CHRTYPE, mode=0), another(mode=0),
                            saying="no file before it")
        self.refuses_export(root, folder("layers/0/root/a"), another(mode=0o755), saying="no file before it")
        self.refuses_export(root, file, another(mode=0o600, mtime=7), saying="the sum of its document")  # the end

    def test_that_no_file_could_be_are_refused(self):
        root = folder("layers/0/root")
        for entry in (member("layers/0/root/l", tarfile.SYMTYPE, target="x", mode=0o644),
                      member("layers/0/root/f", content=b"", mtime=1 << 45),
                      folder("layers/0/root/d", mtime=-(1 << 45))):
            self.refuses_export(root, entry, saying="cannot be made as it is told")

    def test_whose_holes_are_elsewhere_are_refused(self):
        info, content = sparse_member(1 << 20, [(0, 4096), (1 << 19, 4096)])
        info.name = info.pax_headers["GNU.sparse.name"] = "layers/0/root/sparse"
        root = folder("layers/0/root")
        self.refuses_export(root, (info, content), saying="the sum of its document")
        for size, extents in ((1 << 20, [(0, 4096), (1 << 19, 4097)]), (1 << 20, [(0, 4096), ((1 << 19) + 1, 4095)]),
                              (1 << 16, [(0, 4096)]), (100, [(0, 50)])):
            info, content = sparse_member(size, extents)
            info.name = info.pax_headers["GNU.sparse.name"] = "layers/0/root/sparse"
            self.refuses_export(root, (info, content), saying="holes")
        self.refuses_export(root, member("layers/0/root/zeros", content=bytes(1 << 16)), saying="holes")

    def test_of_which_the_root_is_opaque_are_refused(self):
        root = folder("layers/0/root")
        root[0].pax_headers = {"SCHILY.xattr.trusted.overlay.opaque": "y"}
        self.refuses_export(root, saying="is opaque")

    def test_whose_sums_are_wrong_are_refused(self):
        self.refuses_export(folder("layers/0/root"), saying="the sum of its document")
        self.refuses_export(folder("layers/0/root"), layers=501, saying="number of layers")


if __name__ == "__main__":
    unittest.main()
