"""Environments: software is installed into them by its own installers, and applications run in them;
the host, and whoever runs already, see nothing of it. The real harness.
"""

import hashlib
import os
import pathlib
import subprocess
import time
import unittest

from real_fixture import COUNTER, RealNode, enter_own_world, until

PACKAGES = pathlib.Path("/var/lib/dpkg/status")
GREETER = "/usr/lib/appshot-greeter/greeter"


def setUpModule():
    enter_own_world()


def build_package(folder, version):
    """A program and the library it needs, both of which another version replaces."""
    tree = folder / f"greeter-{version}"
    home = tree / pathlib.Path(GREETER).parent.relative_to("/")
    home.mkdir(parents=True)
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        f"Package: appshot-greeter\nVersion: {version}\nArchitecture: amd64\n"
        "Maintainer: nobody <nobody@localhost>\nDescription: greets\n")
    (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\nset -e\necho {version} > /etc/appshot-greeter.conf\n")
    (tree / "DEBIAN/postinst").chmod(0o755)
    source = folder / "greeter.c"
    source.write_text("extern const char *greeting(void);\n#include <stdio.h>\n#include <unistd.h>\n"
                      "int main(int n, char **a) { puts(greeting()); fflush(stdout); (void)a;\n"
                      "  if (n > 1) pause(); return 0; }\n")
    library = folder / "greeting.c"
    library.write_text(f'const char *greeting(void) {{ return "greetings of {version}"; }}\n')
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", home / "libgreeting.so.1", library], check=True)
    subprocess.run([compiler, "-o", home / "greeter", source, home / "libgreeting.so.1",
                    f"-Wl,-rpath,{home.relative_to(tree).as_posix().join(['/', ''])}"], check=True)
    package = folder / f"greeter_{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, package], check=True,
                   stdout=subprocess.DEVNULL)
    return package


class Environments(RealNode):
    def setUp(self):
        super().setUp()
        self.env_name = "web"

    def create(self, name="web", **_):
        self.appshot("env", "create", name)

    def install(self, name, script, status=0):
        return self.appshot("env", "install", name, "--", "sh", "-c", script, status=status)

    def inside(self, name, script, status=0):
        return self.appshot("env", "exec", name, "--", "sh", "-c", script, status=status)

    def environment(self, name):
        return next(e for e in self.json("env", "ls") if e["name"] == name)

    def layers(self):
        folder = self.root / "lib/layers"
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []

    def assert_no_layers(self):
        until(lambda: not self.layers(), "no layer that nobody names")

    def run_in(self, name, *program):
        self.appshot("run", "-d", "--name", self.aid, "--env", name, "--", *program)


class Installing(Environments):
    def test_two_versions_of_a_package_run_side_by_side(self):
        before = hashlib.sha256(PACKAGES.read_bytes()).hexdigest()
        for version in ("1.0", "2.0"):
            package = build_package(self.root, version)
            name = f"v{version[0]}"
            self.create(name)
            self.install(name, f"dpkg -i {package}")
        for number, name in enumerate(("v1", "v2"), 1):
            self.assertEqual(self.inside(name, GREETER), f"greetings of {number}.0")
            self.assertEqual(self.inside(name, "cat /etc/appshot-greeter.conf"), f"{number}.0")
            self.assertIn(f"{number}.0", self.inside(name, "dpkg-query -W appshot-greeter"))
            self.appshot("run", "-d", "--name", f"{self.aid}-{name}", "--env", name, "--", GREETER, "stay")
        for number, name in enumerate(("v1", "v2"), 1):
            aid = f"{self.aid}-{name}"
            until(lambda aid=aid: self.appshot("logs", aid), "a greeting")
            self.assertEqual(self.appshot("logs", aid), f"greetings of {number}.0")
        self.assertFalse(pathlib.Path(GREETER).exists())
        self.assertEqual(hashlib.sha256(PACKAGES.read_bytes()).hexdigest(), before)

    def test_a_font_is_seen_where_it_was_installed(self):
        fonts = pathlib.Path("/usr/share/fonts")
        some = next(fonts.rglob("*.ttf"))
        self.create()
        self.install("web", f"cp {some} {fonts}/appshot.ttf && fc-cache")
        seen = "fc-list : file | grep -c appshot.ttf"
        self.assertEqual(self.inside("web", seen), "1")
        self.assertEqual(self.appshot("run", "--", "sh", "-c", seen, status=1), "0")
        self.assertFalse((fonts / "appshot.ttf").exists())
        # Whose fonts are found is the administrator's to say.
        rules = self.root / "rules"
        rules.write_text(f'EXCEPT PATH "{fonts}" READONLY\n')
        self.appshot("env", "rules", "--everybody", "--set", str(rules))
        self.assertEqual(self.inside("web", seen, status=1), "0")

    def test_removing_it_again_removes_all_of_it(self):
        before = self.traces()
        self.create()
        self.install("web", "mkdir /opt/appshot-thing && echo x > /opt/appshot-thing/a && rm /etc/hostname")
        self.assertEqual(self.inside("web", "cat /opt/appshot-thing/a; ls /etc/hostname 2>/dev/null || echo none"),
                         "x\nnone")
        self.assertEqual(len(self.layers()), 1)
        self.appshot("env", "rm", "web")
        self.assert_no_layers()
        until(lambda: self.traces()["files"] == [f for f in before["files"]] or
              set(self.traces()["files"]) - set(before["files"]) <= {"lib/layers"}, "nothing left")
        self.assertFalse(pathlib.Path("/opt/appshot-thing").exists())
        self.assertTrue(pathlib.Path("/etc/hostname").exists())

    def test_what_one_installs_a_copy_does_not_see(self):
        self.create()
        self.install("web", "echo one > /opt/appshot-a")
        self.appshot("env", "copy", "web", "other")
        self.assertEqual(len(self.layers()), 1)  # shared
        self.install("other", "echo two > /opt/appshot-a; echo b > /opt/appshot-b")
        self.install("web", "rm /opt/appshot-a")
        self.assertEqual(self.inside("other", "cat /opt/appshot-a"), "two")
        self.assertEqual(self.inside("web", "ls /opt | grep -c appshot", status=1), "0")
        self.appshot("env", "rm", "web")
        self.assertEqual(self.inside("other", "cat /opt/appshot-a /opt/appshot-b"), "two\nb")
        until(lambda: len(self.layers()) == 2, "only the layers of the copy")

    def test_what_fails_leaves_it_as_it_was(self):
        self.create()
        self.install("web", "echo one > /opt/appshot-a")
        before = self.environment("web")
        self.install("web", "echo two > /opt/appshot-a; exit 7", status=7)
        self.appshot("env", "install", "web", "--", "/no/such/installer", status=127)
        self.install("web", "echo two > /opt/appshot-a; kill -9 $$", status=137)
        self.assertEqual(self.environment("web")["layers"], before["layers"])
        self.assertEqual(self.inside("web", "cat /opt/appshot-a"), "one")
        self.assertEqual(self.json("ps", "-a"), [])
        self.assertEqual(len(self.layers()), 1)

    def test_what_an_installer_leaves_running_is_ended(self):
        self.create()
        self.install("web", "echo x > /opt/appshot-x; setsid sleep 1000 & exit 0")
        self.assertEqual(self.inside("web", "cat /opt/appshot-x"), "x")

    def test_what_changes_nothing_adds_nothing(self):
        self.create()
        self.appshot("env", "install", "web", "-v", "/tmp:/appshot-place", "--", "true")
        self.assertEqual(self.environment("web")["layers"], [])

    def test_of_two_at_once_the_later_is_refused(self):
        self.create()
        gate = self.root / "gate"
        os.mkfifo(gate)
        first = self.start("env", "install", "-v", f"{gate}:/gate", "web", "--", "sh", "-c",
                           "echo first > /opt/appshot-a; read line < /gate",
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: self.json("ps"), "an installation under way")
        self.install("web", "echo second > /opt/appshot-a")
        with open(gate, "w") as opened:
            opened.write("go\n")
        _, said = first.communicate(timeout=20)
        self.assertEqual(first.returncode, 6, said)
        self.assertIn("changed by something else meanwhile", said)
        self.assertEqual(self.inside("web", "cat /opt/appshot-a"), "second")
        self.assertEqual(self.json("ps", "-a"), [])

    def test_names_are_checked(self):
        for bad in ("", "a/b", "../x", ".x", "a" * 64, "a b"):
            self.appshot("env", "create", bad, status=2)
        self.create()
        self.appshot("env", "create", "web", status=6)
        for command in (("rm", "none"), ("copy", "none", "x"), ("exec", "none", "--", "true")):
            self.appshot("env", *command, status=3 if command[0] != "exec" else 125)


class Running(Environments):
    def test_it_goes_on_from_snapshots_and_sleep(self):
        self.create()
        self.install("web", f"mkdir /opt/appshot-c && cp {COUNTER[0]} /opt/appshot-c/counter")
        self.run_in("web", "/opt/appshot-c/counter", "10")
        self.assert_counts_on()
        live = self.appshot("snapshot", self.aid)
        stopped = self.appshot("snapshot", "--stop", self.aid)
        for snapshot in (live, stopped):
            self.appshot("restore", snapshot)
            self.assert_counts_on()
            self.appshot("stop", self.aid)
        self.appshot("restore", stopped)
        self.appshot("sleep", self.aid)
        self.appshot("wake", self.aid)
        self.assert_counts_on()

    def test_it_keeps_the_layers_it_was_started_with(self):
        self.create()
        self.install("web", f"mkdir /opt/appshot-c && cp {COUNTER[0]} /opt/appshot-c/counter && echo 1 > /opt/appshot-v")
        self.run_in("web", "/opt/appshot-c/counter", "10")
        self.assert_counts_on()
        self.install("web", "rm -r /opt/appshot-c; echo 2 > /opt/appshot-v")
        self.assertEqual(self.appshot("exec", self.aid, "cat", "/opt/appshot-v"), "1")
        self.appshot("env", "rm", "web", status=6)
        self.assertIn(self.aid, self.stderr)
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        self.appshot("env", "rm", "web")
        # What the snapshot needs stays for as long as it does.
        until(lambda: len(self.layers()) == 1, "the layer of the snapshot alone")
        self.kill_daemon()
        self.appshot("restore", snapshot)
        self.assert_counts_on()
        self.assertEqual(self.appshot("exec", self.aid, "cat", "/opt/appshot-v"), "1")
        self.appshot("rm", "-f", self.aid)
        self.appshot("snapshot-rm", snapshot)
        self.assert_no_layers()

    def test_a_snapshot_without_its_layers_is_refused(self):
        self.create()
        self.install("web", "echo 1 > /opt/appshot-v")
        self.run_in("web", *COUNTER)
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        layer = self.root / "lib/layers" / self.layers()[0]
        layer.rename(self.root / "elsewhere")
        self.appshot("restore", snapshot, status=5)
        self.assertIn("environment web is not on this node", self.stderr)
        (self.root / "elsewhere").rename(layer)
        self.appshot("restore", snapshot)
        self.assert_counts_on()

    def test_files_come_back_with_the_snapshot_they_belong_to(self):
        self.create()
        self.install("web", "echo installed > /opt/appshot-v")
        self.run_in("web", *COUNTER)
        say = lambda text: self.appshot("exec", self.aid, "sh", "-c", f"echo {text} > /opt/appshot-v")
        say("first")
        first = self.appshot("snapshot", self.aid)
        say("second")
        second = self.appshot("snapshot", "--stop", self.aid)
        for snapshot, text in ((first, "first"), (second, "second"), (first, "first")):
            self.appshot("restore", snapshot)
            self.assertEqual(self.appshot("exec", self.aid, "cat", "/opt/appshot-v"), text)
            self.appshot("stop", self.aid)
        self.assertEqual(self.inside("web", "cat /opt/appshot-v"), "installed")

    def test_instances_have_separate_files(self):
        self.create()
        for number in (1, 2):
            self.appshot("run", "-d", "--name", f"{self.aid}-{number}", "--env", "web", "--", "sh", "-c",
                         f"echo {number} > /opt/appshot-v; read forever", status=0)
        for number in (1, 2):
            self.assertEqual(self.appshot("run", "--env", "web", "--", "sh", "-c",
                                          "ls /opt/appshot-v 2>/dev/null || echo none"), "none")


class Groups(Environments):
    """Applications that share an environment: one instance, in which several were started."""

    SERVER = ("import os, socket, time; s = socket.socket(); s.bind(('127.0.0.1', 80)); s.listen(); "
              "open('/dev/shm/shared', 'w').write('of the server')\n"
              "while True:\n  c, _ = s.accept(); c.sendall(open('/opt/appshot-word').read().encode()); c.close()")
    CLIENT = ("import socket, time\nfor n in range(1 << 30):\n  c = socket.create_connection(('127.0.0.1', 80))\n"
              "  print(n, c.recv(100).decode().strip(), open('/dev/shm/shared').read(), flush=True)\n  time.sleep(0.05)")

    def answers(self):
        return [line for line in self.appshot("logs", self.aid).splitlines() if "of the server" in line]

    def test_they_see_each_others_files_memory_and_sockets(self):
        self.create()
        self.install("web", "echo hello > /opt/appshot-word")
        self.run_in("web", "python3", "-c", self.SERVER)
        self.appshot("exec", self.aid, "sh", "-c", "while [ ! -s /dev/shm/shared ]; do sleep 0.05; done")
        pid = self.appshot("exec", "-d", self.aid, "python3", "-c", self.CLIENT)
        self.assertGreater(int(pid), 1)
        until(lambda: len(self.answers()) > 3, "answers")
        self.appshot("exec", "-d", self.aid, "sh", "-c", "echo changed > /opt/appshot-word")
        until(lambda: self.answers()[-1].endswith("changed of the server"), "what the third has written")
        for _ in range(2):  # all of them are in the snapshot
            snapshot = self.appshot("snapshot", "--stop", self.aid)
            self.appshot("restore", snapshot)
            before = len(self.answers())
            until(lambda before=before: len(self.answers()) > before + 3, "more answers")
        self.assertEqual([int(line.split()[0]) for line in self.answers()], list(range(len(self.answers()))))
        self.appshot("exec", "-d", self.aid, "/no/such/program", status=127)
        self.appshot("exec", "-d", "nobody", "true", status=125)
        self.assertEqual(self.inside("web", "cat /opt/appshot-word"), "hello")  # others have files of their own


class PublicPaths(Environments):
    def test_a_path_of_the_host_is_shared(self):
        shared = self.root / "shared"
        shared.mkdir()
        self.appshot("run", "-d", "--name", self.aid, "-v", f"{shared}:/srv/deep/shared", "--", *COUNTER)
        self.appshot("exec", self.aid, "sh", "-c", "echo inside > /srv/deep/shared/a")
        self.assertEqual((shared / "a").read_text(), "inside\n")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        (shared / "a").write_text("outside\n")
        self.appshot("restore", snapshot)
        self.assert_counts_on()
        self.assertEqual(self.appshot("exec", self.aid, "cat", "/srv/deep/shared/a"), "outside")

    def test_it_may_be_read_only(self):
        shared = self.root / "shared"
        shared.mkdir()
        self.appshot("run", "-v", f"{shared}:/srv/shared:ro", "--", "touch", "/srv/shared/a", status=1)
        self.assertIn("Read-only", self.stderr)

    def test_what_appshot_keeps_is_not_seen_by_it(self):
        self.assertEqual(self.appshot("run", "-v", f"{self.root.parent}:/srv/all", "--", "ls",
                                      f"/srv/all/{self.root.name}/lib"), "")

        rules = self.root / "rules"
        link = self.root / "link"
        link.symlink_to(self.root / "lib")
        for way in (f"{self.root}/lib:/srv/x", f"{self.root}/lib/instances:/srv/x", f"{link}:/srv/x"):
            self.appshot("run", "-v", way, "--", "ls", "/srv/x", status=2)
            self.assertIn("not for instances to see", self.stderr)
        for rule, where in ((f'REDIR PATH "/srv/x" TO "{self.root}/lib"', "/srv/x"),
                            (f'REDIR PATH "/srv/x" TO "{self.root}"', "/srv/x/lib"),
                            (f'LINK "/srv/x" TO "{link}"', "/srv/x"),
                            (f'EXCEPT PATH "{self.root}"', f"{self.root}/lib"),
                            (f'EXCEPT PATH "{self.root.parent}"\nREDIR PATH "/srv/x" TO "{self.root.parent}"',
                             f"/srv/x/{self.root.name}/lib")):
            rules.write_text(rule + "\n")
            self.assertEqual(self.appshot("run", "--rules", str(rules), "--", "ls", where), "", rule)

    def test_what_makes_no_sense_is_refused(self):
        for bad in ("x:/a", "/a:x", "/a", "/a:/b:/c", "/tmp:/", "/tmp:/proc", "/tmp:/run/appshot", "/tmp:/a/../b"):
            self.appshot("run", "-v", bad, "--", "true", status=2)
        self.appshot("run", "-v", "/no/such/folder:/srv/x", "--", "true", status=2)
        self.appshot("run", "-v", "/tmp:/srv/x", "--share", "fs", "--", "true", status=2)


class Interrupted(Environments):
    def killed_while(self, after_ms, *words):
        """The command's exit status; the daemon dies so long after it has begun."""
        self.json("env", "ls")  # starts one, where the last has been killed
        daemon = self.daemon_pid()
        command = self.start(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(after_ms / 1000)  # where in its work it is met is left to chance
        self.kill_and_wait(daemon)
        return command.wait()

    def test_what_is_copied_and_removed_is_there_or_has_never_been(self):
        self.create()
        self.install("web", "echo x > /srv/appshot-x")
        for after_ms in range(12):
            done = self.killed_while(after_ms, "env", "copy", "web", "other")
            names = [one["name"] for one in self.json("env", "ls")]
            self.assertIn("web", names)
            if "other" not in names:
                self.assertNotEqual(done, 0)
                continue
            self.assertEqual(self.inside("other", "cat /srv/appshot-x"), "x")
            done = self.killed_while(after_ms, "env", "rm", "other")
            left = [one["name"] for one in self.json("env", "ls")]
            if "other" in left:
                self.assertNotEqual(done, 0)
                self.assertEqual(self.inside("other", "cat /srv/appshot-x"), "x")
                self.appshot("env", "rm", "other")
        self.assertEqual(self.inside("web", "cat /srv/appshot-x"), "x")
        self.assertEqual(len(self.layers()), 1)

    def test_an_export_is_whole_or_is_not(self):
        self.create()
        self.install("web", "head -c 30000000 /dev/urandom > /srv/appshot-x")
        target = self.root / "out"
        for after_ms in range(0, 60, 5):
            target.mkdir()
            done = self.killed_while(after_ms, "env", "export", "web", str(target / "web.env"))
            self.assertEqual(os.listdir(target), ["web.env"] if done == 0 else [])
            if done == 0:
                self.appshot("env", "import", "--name", "again", str(target / "web.env"))
                self.appshot("env", "rm", "again")
                (target / "web.env").unlink()
            target.rmdir()
        self.appshot("env", "rm", "web")
        self.assert_no_layers()

    def test_an_export_that_finds_no_room_leaves_nothing(self):
        self.create()
        self.install("web", "head -c 8000000 /dev/urandom > /srv/appshot-x")
        full = self.root / "full"
        full.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", full], check=True)
        self.addCleanup(subprocess.run, ["umount", full], check=True)
        for words in (("web.env",), ("--folder", "web")):
            with self.subTest(words):
                self.appshot("env", "export", "web", *words[:-1], str(full / words[-1]), status=1)
                self.assertIn("No space left on device", self.stderr)
                self.assertEqual(os.listdir(full), [])
        self.assertEqual(self.inside("web", "wc -c < /srv/appshot-x"), "8000000")

    def test_one_whose_command_was_killed_is_forgotten(self):
        self.create()
        command = self.start("env", "install", "web", "--", "sh", "-c", "echo begins;"
                             "until [ -e /tmp/go ]; do sleep 0.05; done; echo x > /srv/installed",
                             stdout=subprocess.PIPE)
        with command.stdout:
            self.assertEqual(command.stdout.readline(), "begins\n")
            command.kill()
            command.wait()
        aid = self.json("ps")[0]["aid"]
        self.appshot("exec", aid, "touch", "/tmp/go")
        until(lambda: self.json("ps", "-a") == [], "it has gone")
        self.assertEqual(self.environment("web")["layers"], [])
        self.appshot("env", "rm", "web")
        self.assert_no_layers()

    def test_an_installation_is_whole_or_has_not_been(self):
        for point, kept in (("gathered", False), ("published", False), ("stored", True)):
            with self.subTest(point):
                name = f"e-{point}"
                self.create(name)
                self.use_fault(f"environment.{point}:kill")
                self.addCleanup(self.env.pop, "APPSHOT_FAULT", None)
                self.install(name, "echo x > /opt/appshot-x", status=1)
                self.env.pop("APPSHOT_FAULT")  # of the next daemon
                self.assertEqual(len(self.environment(name)["layers"]), int(kept))
                self.assertEqual(self.inside(name, "cat /opt/appshot-x 2>/dev/null || echo none"),
                                 "x" if kept else "none")
                for instance in self.json("ps", "-a"):
                    self.appshot("rm", "-f", instance["aid"])
                self.appshot("env", "rm", name)
                self.assert_no_layers()


if __name__ == "__main__":
    unittest.main()
