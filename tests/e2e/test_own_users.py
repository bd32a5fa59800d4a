"""`run --userns`: root inside is nobody outside. What he may do with what is the instance's, what not with the
host's, and that it lasts.

The real harness.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world

IDS = 65536
WAITS = ("sh", "-c", "echo ready; exec sleep 1000")


def setUpModule():
    enter_own_world()


class OwnUsers(RealNode):
    def launch(self, *options, aid=None):
        aid = aid or self.aid
        self.appshot("run", "-d", "--userns", *options, "--name", aid, "--", *WAITS)
        with Follower(self, "logs", "-f", aid) as log:
            self.assertEqual(log.line(), "ready")

    def inside(self, script, *options, **more):
        return self.appshot("run", "--rm", "--userns", *options, "--", "sh", "-c", script, **more)

    def root_of(self, aid):
        """What root inside is on the host, as the kernel tells of the program."""
        init = self.instance(aid)["init_pid"]
        program = pathlib.Path(f"/proc/{init}/task/{init}/children").read_text(encoding="ascii").split()[0]
        status = pathlib.Path(f"/proc/{program}/status").read_text(encoding="ascii")
        ids = {line.split()[1] for line in status.splitlines() if line.startswith(("Uid:", "Gid:"))}
        self.assertEqual(len(ids), 1, ids)
        return int(ids.pop())

    def test_root_inside_is_nobody_outside(self):
        self.launch()
        self.assertGreater(self.root_of(self.aid), 65535)
        self.assertEqual(self.appshot("exec", self.aid, "id", "-u"), "0")
        self.assertEqual(self.appshot("exec", "--user", "www-data", self.aid, "id", "-u"), "33")

    def test_nobody_else_has_its_ids(self):
        self.launch()
        kept = self.root_of(self.aid)
        self.appshot("snapshot", "--name", "kept", "--stop", self.aid)
        self.appshot("rm", self.aid)
        others = []
        for name in ("b", "c", "d"):
            self.launch(aid=f"{self.aid}-{name}")
            others.append(self.root_of(f"{self.aid}-{name}"))
        self.assertEqual(len({kept, *others}), 4)
        self.assertEqual({root % IDS for root in (kept, *others)}, {0})
        self.appshot("restore", "kept")
        self.assertEqual(self.root_of(self.aid), kept)

    def test_files_are_his_and_keep_their_ids_on_disk(self):
        self.launch()
        self.assertEqual(self.appshot("exec", self.aid, "stat", "-c", "%U:%G %a", "/", "/etc/shadow"),
                         "root:root 755\nroot:shadow 640")
        self.appshot("exec", self.aid, "sh", "-ec", """
            touch /etc/made; chown www-data:adm /etc/made; echo more >> /etc/passwd; mkdir /srv/made
            test "$(stat -c %U:%G /etc/made)" = www-data:adm
            rm /etc/hostname; mv /usr/share/doc/bash /usr/share/doc/moved""")
        upper = next((self.root / "lib" / "instances").rglob("upper/etc/made")).parent
        made, changed = (upper / "made").stat(), (upper / "passwd").stat()
        self.assertEqual((made.st_uid, made.st_gid), (33, 4))
        self.assertEqual((changed.st_uid, changed.st_gid), (0, 0))

    def test_who_is_no_root_inside_is_held_to_the_modes_of_files(self):
        self.inside("cat /etc/shadow", "--user", "www-data", status=1)
        self.assertIn("Permission denied", self.stderr)

    def test_devices_and_places_of_its_own_are_his(self):
        owners = self.inside("stat -c '%U %n' /dev/null /dev/pts /dev/shm /dev/mqueue /srv")
        self.assertEqual({line.split()[0] for line in owners.splitlines()}, {"root"})
        self.assertEqual(self.inside("echo there > /dev/stdout; echo x > /dev/null"), "there")
        self.assertEqual(self.inside("echo there > /dev/stdout", "--user", "www-data"), "there")

    def test_network_and_host_name_are_his_as_far_as_he_may(self):
        self.assertEqual(self.inside("""python3 -c '
import socket
socket.socket().bind(("", 80))
socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
print("bound")'"""), "bound")
        self.inside("hostname other", status=1)
        self.assertEqual(self.inside("hostname other; hostname", "--cap-add", "SYS_ADMIN"), "other")
        self.inside("ip link set lo mtu 1280", status=2)
        self.inside("ip link set lo mtu 1280", "--cap-add", "NET_ADMIN")

    def test_the_hosts_files_stay_the_hosts(self):
        with tempfile.TemporaryDirectory() as folder:
            secret = pathlib.Path(folder, "secret")
            secret.write_text("of root outside", encoding="ascii")
            secret.chmod(0o600)
            os.chmod(folder, 0o755)
            shown = f"{folder}:/mnt/shown"
            for options in ((), ("--privileged",), ("--cap-add", "ALL")):
                with self.subTest(options):
                    self.inside("cat /mnt/shown/secret", "-v", shown, *options, status=1)
                    self.inside("touch /mnt/shown/made", "-v", shown, *options, status=1)
                    self.inside("chown 0 /mnt/shown/secret", "-v", shown, *options, status=1)
                    self.assertEqual(self.inside("stat -c %U /mnt/shown/secret", "-v", shown, *options), "nobody")
            self.assertEqual(secret.stat().st_uid, 0)
            self.assertEqual(os.listdir(folder), ["secret"])

    def test_not_even_who_is_privileged_reaches_the_machine(self):
        # Where one of these were let through it would change nothing.
        for script in ("core=$(cat /proc/sys/kernel/core_pattern); echo \"$core\" > /proc/sys/kernel/core_pattern",
                       "date -s @$(date +%s)", "mknod /tmp/disk b 8 0", "dmesg", "mount -t tmpfs none /mnt",
                       "umount /dev/shm", "ls /proc/1/root", "nsenter -t 1 -m true", "kill -9 1",
                       "echo 0 > /proc/1/oom_score_adj"):
            with self.subTest(script):
                said = self.inside(f"{{ {script}; }} 2>&1 && echo done || true", "--privileged")
                self.assertNotIn("done", said)
                self.assertRegex(said.lower(), "not permitted|permission denied|must be superuser")
        # What it makes itself it may change.
        self.assertEqual(self.inside("unshare -m sh -ec 'mount -t tmpfs none /mnt; touch /mnt/x; ls /mnt'",
                                     "--privileged"), "x")

    def test_it_lasts(self):
        self.launch()
        root = self.root_of(self.aid)
        self.appshot("exec", self.aid, "sh", "-c", "echo kept > /srv/kept")

        def check():
            self.assertEqual(self.root_of(self.aid), root)
            self.assertEqual(self.appshot("exec", self.aid, "sh", "-c", "id -u; stat -c %u /srv/kept; cat /srv/kept"),
                             "0\n0\nkept")
        check()
        self.appshot("sleep", self.aid)
        self.appshot("wake", self.aid)
        check()
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        self.appshot("restore", "--lazy", snapshot)
        check()
        harness = self.instance(self.aid)["harness_pid"]
        self.kill_and_wait(harness)
        self.await_another_harness(harness)
        check()

    def test_it_goes_to_another_node(self):
        self.launch()
        root = self.root_of(self.aid)
        self.appshot("exec", self.aid, "touch", "/srv/kept")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        with tempfile.TemporaryDirectory() as folder:
            self.appshot("export", snapshot, f"{folder}/image")
            self.appshot("rm", self.aid)
            self.appshot("snapshot-rm", snapshot)
            self.appshot("restore", self.appshot("import", f"{folder}/image"))
        self.assertEqual(self.root_of(self.aid), root)
        self.assertEqual(self.appshot("exec", self.aid, "stat", "-c", "%U", "/srv/kept"), "root")

    def test_in_an_environment_by_rules(self):
        self.appshot("env", "create", "tools")
        self.appshot("env", "install", "tools", "--", "sh", "-c", "mkdir /opt/tool; echo v1 > /opt/tool/version;"
                     " chown -R www-data /opt/tool")
        with tempfile.NamedTemporaryFile("w", suffix=".rules") as rules:
            rules.write('REDIR PATH "/opt/tool" TO "/srv/copy/tool" COPY\nREDIR PATH "/data" TO "/srv/made" CREATE\n')
            rules.flush()
            told = self.inside("""stat -c %U /opt/tool/version /srv/copy /data; cat /opt/tool/version
                                  echo v2 > /opt/tool/version; touch /data/x; cat /srv/copy/tool/version""",
                               "--env", "tools", "--rules", rules.name)
        self.assertEqual(told.split(), ["www-data", "root", "root", "v1", "v2"])
        self.assertEqual(self.inside("cat /opt/tool/version", "--env", "tools"), "v1")

    def test_with_other_namespaces_shared(self):
        self.assertEqual(self.inside("id -u; hostname", "--share", "net", "--share", "ipc", "--share", "uts"),
                         f"0\n{os.uname().nodename}")
        self.inside("true", "--share", "fs", status=2)
        self.assertIn("leave out --share fs, or --userns", self.stderr)

    def test_a_file_system_that_cannot_map_ids_is_named(self):
        """Private layers on an overlay: the kernel maps none."""
        places = {name: self.root / "overlay" / name for name in ("lower", "upper", "work")}
        for place in places.values():
            place.mkdir(parents=True)
        self.launch()  # and there is a daemon
        self.appshot("rm", "-f", self.aid)
        instances = self.root / "lib" / "instances"
        self.mount_overlay(instances, **places)
        self.inside("true", status=125)
        self.assertIn("cannot give files there other owners", self.stderr)

    def mount_overlay(self, at, lower, upper, work):
        subprocess.run(["mount", "-t", "overlay", "none", str(at), "-o",
                        f"lowerdir={lower},upperdir={upper},workdir={work}"], check=True)
        self.addCleanup(subprocess.run, ["umount", str(at)], check=True)


if __name__ == "__main__":
    unittest.main()
