"""Environments from elsewhere and to elsewhere: folders, OCI images, files, shared folders. The real
harness.
"""

import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import unittest

from real_fixture import BIN, RealNode, enter_own_world, until

COUNTS = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done"


def setUpModule():
    enter_own_world()


def make_root(folder):
    """A root file system of its own."""
    for name in ("bin", "etc", "tmp", "root", "var/lib"):
        (folder / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), folder / "bin/busybox")
    for name in ("sh", "cat", "ls", "sleep", "echo", "id", "env", "pwd", "touch", "rm", "mkdir", "stat", "head"):
        (folder / "bin" / name).symlink_to("busybox")
    (folder / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\napp:x:1234:1234::/home/app:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\napp:x:1234:\n")
    (folder / "etc/own").write_text("of the environment\n")
    os.chown(folder / "var/lib", 1234, 1234)
    os.link(folder / "etc/own", folder / "etc/own-too")
    return folder


class OciLayout:
    """An image layout, as other tools make them."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.layers, self.diffs = [], []

    def blob(self, content, media_type):
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def add_layer(self, fill):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            fill(archive)
        self.diffs.append("sha256:" + hashlib.sha256(packed.getvalue()).hexdigest())
        self.layers.append(self.blob(packed.getvalue(), "application/vnd.oci.image.layer.v1.tar"))

    def finish(self, **program):
        config = {"architecture": "amd64", "os": "linux", "config": program,
                  "rootfs": {"type": "layers", "diff_ids": self.diffs}}
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": self.blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
                    "layers": self.layers}
        index = {"schemaVersion": 2, "manifests": [
            {**self.blob(json.dumps(manifest).encode(), manifest["mediaType"]),
             "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}
        (self.folder / "index.json").write_text(json.dumps(index))
        return self.folder


def add_text(archive, name, text):
    info = tarfile.TarInfo(name)
    info.size = len(text)
    archive.addfile(info, io.BytesIO(text.encode()))


class Archives(RealNode):
    def inside(self, name, *program, status=0):
        return self.appshot("env", "exec", name, "--", *program, status=status)

    def names(self):
        return [e["name"] for e in self.json("env", "ls")]

    def layers(self):
        folder = self.root / "lib/layers"
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []

    def own(self, name="own"):
        self.appshot("env", "create", name, "--from", str(make_root(self.root / f"tree-{name}")))

    def assert_goes_on(self):
        before = len(self.appshot("logs", self.aid).splitlines())
        until(lambda: len(self.appshot("logs", self.aid).splitlines()) > before, "counting")


class OwnRoot(Archives):
    def test_nothing_of_the_host_is_in_it(self):
        self.own()
        self.assertEqual(self.inside("own", "cat", "/etc/own"), "of the environment")
        self.inside("own", "ls", "/usr", status=1)
        self.inside("own", "/usr/bin/python3", status=127)
        self.assertEqual(self.inside("own", "sh", "-c", "pwd; stat -c %u:%a /var/lib; stat -c %h /etc/own; echo $PATH"),
                         "/\n1234:755\n2\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        self.assertEqual(self.inside("own", "cat", "/etc/resolv.conf"),
                         pathlib.Path("/etc/resolv.conf").read_text().strip())
        self.assertEqual(self.inside("own", "sh", "-c", "id -u; echo x > /dev/null; ls /dev/shm; ls /proc/1/stat"),
                         "0\n/proc/1/stat")

    def test_it_may_be_named_from_the_working_folder(self):
        make_root(self.root / "tree")
        subprocess.run(self.command("env", "create", "own", "--from", "./tree"), cwd=self.root, env=self.env, check=True)
        self.assertEqual(self.inside("own", "cat", "/etc/own"), "of the environment")

    def test_it_goes_on_from_snapshots_and_sleep(self):
        self.own()
        self.appshot("run", "-d", "--name", self.aid, "--env", "own", "--", "sh", "-c", COUNTS)
        self.assert_goes_on()
        for _ in range(2):
            snapshot = self.appshot("snapshot", "--stop", self.aid)
            self.appshot("restore", snapshot)
            self.assert_goes_on()
        self.appshot("sleep", self.aid)
        self.appshot("wake", self.aid)
        self.assert_goes_on()

    def test_what_is_to_be_mounted_on_is_not_followed_out_of_it(self):
        tree = make_root(self.root / "tree")
        outside = self.root / "outside"
        outside.mkdir()
        for name in ("proc", "dev", "sys", "run"):
            (tree / name).symlink_to(outside)
        (tree / "etc/resolv.conf").symlink_to("../../../../../../../etc/appshot-nothing")
        (tree / "etc/hosts").symlink_to("/nowhere")
        self.appshot("env", "create", "own", "--from", str(tree))
        self.assertEqual(self.inside("own", "sh", "-c", "ls /proc/self/stat; echo x > /dev/null; cat /run/appshot/event"),
                         "/proc/self/stat\nlaunch")
        self.assertEqual(list(outside.iterdir()), [])
        self.assertFalse(pathlib.Path("/etc/appshot-nothing").exists())

    def test_a_folder_is_not_taken_half(self):
        tree = make_root(self.root / "tree")
        before = self.layers()
        self.use_fault("environment.copied:ENOSPC")
        self.appshot("env", "create", "own", "--from", str(tree), status=1)
        self.assertEqual((self.names(), self.layers()), ([], before))
        self.use_fault("environment.copied:kill")
        self.appshot("env", "create", "own", "--from", str(tree), status=1)
        self.env.pop("APPSHOT_FAULT")
        self.assertEqual((self.names(), self.layers()), ([], before))
        self.appshot("env", "create", "own", "--from", str(self.root / "none"), status=3)
        self.appshot("env", "create", "own", "--from", "none", status=3)


class Images(Archives):
    def layout(self):
        """Two layers: the second removes, replaces and adds."""
        tree = make_root(self.root / "tree")
        image = OciLayout(self.root / "image")
        image.add_layer(lambda archive: archive.add(tree, "."))

        def change(archive):
            add_text(archive, "etc/.wh.own", "")
            add_text(archive, "etc/new", "of the second layer\n")
            folder = tarfile.TarInfo("var")
            folder.type = tarfile.DIRTYPE
            folder.mode = 0o755
            archive.addfile(folder)
            add_text(archive, "var/.wh..wh..opq", "")
        image.add_layer(change)
        return image.finish(Env=["WHO=image", "PATH=/bin"], Cmd=["-c", "echo $WHO at $(pwd)"], Entrypoint=["/bin/sh"],
                            WorkingDir="/tmp", User="app")

    def test_what_an_image_says_of_its_program_holds(self):
        self.appshot("env", "create", "image", "--from", f"{self.layout()}:latest")
        self.assertEqual(self.appshot("run", "--env", "image"), "image at /tmp")
        self.assertEqual(self.appshot("run", "--env", "image", "-e", "WHO=me", "-w", "/etc", "--", "sh", "-c",
                                      "echo $WHO $(pwd) $(id -u)"), "me /etc 1234")
        self.assertEqual(self.appshot("run", "--env", "image", "--user", "root", "--", "sh", "-c",
                                      "ls /etc/own /etc/new /var/lib 2>&1; cat /etc/own-too; id -u"),
                         "ls: /etc/own: No such file or directory\nls: /var/lib: No such file or directory\n/etc/new\n"
                         "of the environment\n0")

    def test_an_image_that_is_not_whole_is_refused(self):
        layout = self.layout()
        blob = max((layout / "blobs/sha256").iterdir(), key=lambda p: p.stat().st_size)
        content = bytearray(blob.read_bytes())
        content[len(content) // 2] ^= 1
        blob.write_bytes(content)
        self.appshot("env", "create", "image", "--from", str(layout), status=1)
        self.assertIn("damaged", self.stderr)
        self.assertEqual((self.names(), self.layers()), ([], []))

    def test_what_is_exported_as_an_image_can_be_taken_again(self):
        self.appshot("env", "create", "image", "--from", str(self.layout()))
        self.appshot("env", "install", "image", "--user", "root", "--", "sh", "-c", "echo x > /etc/third; rm /etc/new")
        self.appshot("env", "export", "image", "--oci", f"{self.root}/out:v1")
        self.appshot("env", "create", "again", "--from", f"{self.root}/out:v1")
        look = ("sh", "-c", "ls /etc; ls /var; cat /etc/third; echo $WHO; id -u")
        self.assertEqual(self.inside("again", *look), self.inside("image", *look))
        self.appshot("env", "export", "image", "--oci", f"{self.root}/out:v1", status=6)
        self.appshot("env", "create", "host-based")
        self.appshot("env", "export", "host-based", "--oci", f"{self.root}/none", status=4)


class Exports(Archives):
    def make(self):
        self.own()
        self.appshot("env", "install", "own", "--", "sh", "-c", "echo two > /etc/second; rm /etc/own; rm -r /var/lib; mkdir /var/lib")
        (self.root / "rules").write_text('LINK "/etc/link" TO "/srv/<ENVIRONMENT>"\n')
        self.appshot("env", "rules", "own", "--set", f"{self.root}/rules")

    LOOK = ("sh", "-c", "stat -c '%A %h %u:%g %s %n' /etc /etc/* /var/lib; cat /etc/second /etc/own-too; ls /etc/own")

    def looks(self, name):
        return self.inside(name, *self.LOOK, status=1)

    def test_an_export_runs_on_another_node(self):
        self.make()
        before = self.looks("own")
        file = str(self.root / "own.env")
        self.appshot("env", "export", "own", file)
        first, self.env = self.env, dict(self.env, APPSHOT_ROOT=str(self.root / "other"))
        try:
            self.assertEqual(self.appshot("env", "import", file), "own")
            self.assertEqual(self.looks("own"), before)
            self.assertIn("LINK", self.appshot("env", "rules", "own"))
            self.appshot("env", "import", file, status=6)
            self.appshot("env", "import", "--name", "again", file)
            shared = {layer["id"] for e in self.json("env", "ls") for layer in e["layers"]}
            self.assertEqual(len(shared), 2)  # those that are here already are not stored twice
            self.appshot("daemon", "stop")
        finally:
            self.env = first

    def test_a_snapshot_goes_where_its_environment_went(self):
        self.make()
        self.appshot("run", "-d", "--name", self.aid, "--env", "own", "--", "sh", "-c", COUNTS)
        self.assert_goes_on()
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("export", snapshot, str(self.root / "snapshot"))
        self.appshot("env", "export", "own", str(self.root / "own.env"))
        first, self.env = self.env, dict(self.env, APPSHOT_ROOT=str(self.root / "other"))
        try:
            taken = self.appshot("import", str(self.root / "snapshot"))
            self.appshot("restore", taken, status=5)
            self.assertIn("environment own is not on this node", self.stderr)
            self.appshot("env", "import", str(self.root / "own.env"))
            self.appshot("restore", taken)
            self.assert_goes_on()
            self.appshot("rm", "-f", self.aid)
            self.appshot("daemon", "stop")
        finally:
            self.env = first

    def test_a_torn_export_is_refused(self):
        self.make()
        file = self.root / "own.env"
        self.appshot("env", "export", "own", str(file))
        content = file.read_bytes()
        self.appshot("env", "rm", "own")
        until(lambda: not self.layers(), "no layers")
        for torn in (b"", content[:100], content[:-1], content[:len(content) // 2], content + b"x",
                     content[:-200] + bytes(100) + content[-100:]):
            file.write_bytes(torn)
            self.appshot("env", "import", str(file), status=1)
            self.assertEqual((self.names(), self.layers()), ([], []))

    def rewrite(self, file, change):
        """The export with another document, which its end vouches for."""
        raw = subprocess.run(["zstd", "-dc", file], stdout=subprocess.PIPE, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            members = archive.getmembers()
            head, end = (json.load(archive.extractfile(members[i])) for i in (0, -1))
        change(head["document"])
        text = json.dumps(head)
        end["head"] = "sha256:" + hashlib.sha256(text.encode()).hexdigest()

        def member(info, text):
            fresh = tarfile.TarInfo(info.name)
            fresh.size = len(text)
            return fresh.tobuf(tarfile.USTAR_FORMAT) + text.encode() + bytes(-len(text) % 512)
        changed = (member(members[0], text) + raw[members[1].offset:members[-1].offset]
                   + member(members[-1], json.dumps(end)) + bytes(1024))
        with open(file, "wb") as packed:
            subprocess.run(["zstd", "-c"], input=changed, stdout=packed, check=True)

    def assert_import_refused(self, file, saying):
        self.appshot("env", "import", str(file), status=1)
        self.assertIn(saying, self.stderr)
        self.assertEqual((self.names(), self.layers()), ([], []))

    def test_a_document_that_leads_out_of_the_export_is_refused(self):
        self.make()
        file = self.root / "own.env"
        self.appshot("env", "export", "own", str(file))
        self.appshot("env", "rm", "own")
        until(lambda: not self.layers(), "no layers")
        good = file.read_bytes()

        def layer(**facts):
            return lambda document: document["content"]["layers"][0].update(**facts)
        for change, saying in ((layer(folder="/etc"), "a folder of this machine, /etc"),
                               (layer(id="../../../etc"), "without a valid id"),
                               (lambda document: document["content"]["layers"].pop(), "layers that it names"),
                               (lambda document: document.update(rules="REDIR"), "its rules")):
            file.write_bytes(good)
            self.rewrite(file, change)
            self.assert_import_refused(file, saying)
        file.write_bytes(good)
        self.rewrite(file, layer(bytes=2 ** 63 - 1))
        self.appshot("env", "import", str(file))
        self.assertLess(self.json("env", "ls")[0]["bytes"], 1 << 30)

    def test_rules_that_share_the_host_are_only_taken_from_who_is_trusted(self):
        self.own()
        (self.root / "shared").write_text("of the host")
        (self.root / "rules").write_text(f'EXCEPT PATH "{self.root}/shared"\n')
        self.appshot("env", "rules", "own", "--set", f"{self.root}/rules")
        file, folder = str(self.root / "own.env"), str(self.root / "exported")
        self.appshot("env", "export", "own", file)
        self.appshot("env", "export", "own", "--folder", folder)
        for words in (("import", "--name", "other", file), ("create", "other", "--from", folder)):
            self.appshot("env", *words, status=4)
            self.assertIn(f"its rules share {self.root}/shared", self.stderr)
            self.assertEqual(self.names(), ["own"])
            self.appshot("env", *words, "--allow-public")
            self.assertEqual(self.inside("other", "cat", f"{self.root}/shared"), "of the host")
            self.appshot("env", "rm", "other")

    def test_what_a_layer_hides_stays_hidden_where_a_file_system_of_the_host_is_mounted(self):
        point = pathlib.Path(tempfile.mkdtemp(prefix="appshot-mounted-"))
        self.addCleanup(point.rmdir)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", point], check=True)
        self.addCleanup(subprocess.run, ["umount", point], check=True)
        (point / "of-the-host").touch()
        layers = []
        for number in range(2):
            layers.append(self.root / f"layer{number}")
            inside = layers[-1] / f"root/{point}"
            inside.mkdir(parents=True)
            (inside / f"of-{number}").touch()
        for name, opaque, expected in (("merged", [], "of-0\nof-1\nof-the-host"), ("hidden", [point.name], "of-1"),
                                       ("far-hidden", ["tmp"], "of-1")):
            for mark in opaque:
                marked = next((layers[1] / "root").rglob(mark))
                os.setxattr(marked, "trusted.overlay.opaque", b"y")
            file = self.root / f"{name}.env"
            document = {"version": 1, "name": name, "rules": "", "content": {
                "base": "host", "program": {}, "layers": [{"id": f"{name}{i}".encode().hex().zfill(32)} for i in range(2)]}}
            subprocess.run([BIN / "appshot-packer", "pack", file, *layers, "--document", json.dumps(document)], check=True,
                           stdout=subprocess.DEVNULL)
            self.appshot("env", "import", str(file))
            self.assertEqual(self.appshot("env", "exec", "-w", "/", name, "--", "ls", str(point)), expected)
            self.assertEqual(self.json("env", "resolve", name, f"{point}/of-0")["found"],
                             "removed" if opaque else "layer")
            for mark in opaque:
                os.removexattr(marked, "trusted.overlay.opaque")

    def test_files_beside_the_root_of_a_layer_are_refused(self):
        layer = self.root / "layer"
        for name in ("root", "at%home"):
            (layer / name).mkdir(parents=True)
        document = {"version": 1, "name": "own", "rules": "", "content": {
            "base": "host", "program": {}, "layers": [{"id": "0" * 32, "what": "x"}]}}
        file = self.root / "own.env"
        subprocess.run([BIN / "appshot-packer", "pack", file, layer, "--document", json.dumps(document)], check=True,
                       stdout=subprocess.DEVNULL)
        self.assert_import_refused(file, "'at%home' beside its root")

    def test_a_shared_folder_is_used_where_it_is(self):
        self.make()
        before = self.looks("own")
        shared = self.root / "shared"
        self.appshot("env", "export", "own", "--folder", str(shared))
        self.appshot("env", "rm", "own")
        until(lambda: not self.layers(), "no layers")
        stamps = subprocess.run(["find", shared, "-printf", "%p %T@ %C@\n"], capture_output=True, check=True).stdout
        self.appshot("env", "create", "far", "--from", str(shared))
        self.assertEqual(self.looks("far").replace("/srv/far", "/srv/own"), before)
        for path, found in (("/etc/second", "layer"), ("/etc/own", "removed"), ("/etc/none", "nowhere")):
            self.assertEqual(self.json("env", "resolve", "far", path)["found"], found)
        self.appshot("run", "-d", "--name", self.aid, "--env", "far", "--", "sh", "-c", f"echo mine > /etc/second; {COUNTS}")
        self.assert_goes_on()
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        self.assert_goes_on()
        self.assertEqual(self.appshot("exec", self.aid, "cat", "/etc/second"), "mine")
        self.appshot("env", "install", "far", "--", "sh", "-c", "echo here > /etc/third")
        self.assertEqual(self.inside("far", "cat", "/etc/third"), "here")
        self.assertEqual(len(self.layers()), 1)  # of what was added here
        self.assertEqual(subprocess.run(["find", shared, "-printf", "%p %T@ %C@\n"], capture_output=True, check=True).stdout,
                         stamps)

    def test_an_import_that_is_interrupted_leaves_nothing(self):
        self.make()
        file = str(self.root / "own.env")
        self.appshot("env", "export", "own", file)
        self.appshot("env", "rm", "own")
        until(lambda: not self.layers(), "no layers")
        for fault in ("environment.unpacked:kill", "environment.unpacked:EIO"):
            self.env["APPSHOT_FAULT"] = fault
            self.appshot("daemon", "stop", status=0 if self.env["APPSHOT_FAULT"].endswith("kill") else 3)
            self.appshot("env", "import", file, status=1)
            self.env.pop("APPSHOT_FAULT")
            if fault.endswith("EIO"):
                self.appshot("daemon", "stop")
            self.assertEqual((self.names(), self.layers()), ([], []))
            if fault.endswith("kill"):
                self.appshot("daemon", "stop")
        self.appshot("env", "import", file)

    def test_a_device_is_not_replaced_by_an_export(self):
        self.make()
        device = self.root / "full"
        os.mknod(device, 0o666 | 0o020000, os.makedev(1, 7))
        self.appshot("env", "export", "own", str(device), status=1)
        self.assertIn("No space left", self.stderr)
        self.assertTrue(device.is_char_device())

    def test_diff_tells_what_was_changed(self):
        self.make()
        told = {c["path"]: c["what"] for layer in self.json("env", "diff", "own") for c in layer["changes"]}
        self.assertEqual((told["/etc/second"], told["/etc/own"], told["/var/lib"]),
                         ("added", "removed", "replaced folder"))
        self.assertEqual(len(self.json("env", "diff", "own", "--all")), 1)  # not what it began with
        self.appshot("env", "create", "web")
        self.appshot("env", "install", "web", "--", "sh", "-c", "echo x >> /etc/hostname; mkdir /opt/appshot-d")
        self.assertEqual(self.appshot("env", "diff", "web"), "C /etc/hostname\nA /opt/appshot-d")


if __name__ == "__main__":
    unittest.main()
