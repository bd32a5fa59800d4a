"""Who an instance is: what it is told of having been restored or cloned, and what is its own alone.

The real harness.
"""

import pathlib
import re
import time
import unittest

from node_fixture import until
from real_fixture import RealNode, enter_own_world

HERE = pathlib.Path(__file__).resolve().parent
GENERATION = "/run/appshot/generation"


def setUpModule():
    enter_own_world()


class Identity(RealNode):
    def launch(self, *program, options=()):
        self.appshot("run", "-d", *options, "--name", self.aid, "--", *program)
        self.await_lines(self.aid, "^ready")

    def await_lines(self, aid, pattern, count=1):
        found = []

        def said():
            found[:] = re.findall(pattern + ".*$", self.appshot("logs", aid), re.M)
            return len(found) >= count
        until(said, f"{aid} says {pattern} {count} times")
        return found

    def clone(self, source, *options, what="c-{n}"):
        return self.appshot("clone", source, "-q", *options, "--name", f"{self.tag}-{what}").split()


class Told(Identity):
    def check(self, watched, *options):
        self.launch("python3", str(HERE / "told_of_change.py"), watched)
        self.assertEqual(self.await_lines(self.aid, "^ready"), [f"ready {self.aid} 1 launch"])
        snapshot = self.appshot("snapshot", self.aid)
        self.assertEqual(len(self.await_lines(self.aid, "^(?:ready|told)")), 1)  # it went on
        self.appshot("snapshot", "--stop", self.aid, "--name", "stopped")
        self.appshot("restore", "stopped")
        self.assertEqual(self.await_lines(self.aid, "^told"), [f"told {self.aid} 2 restore"])
        self.appshot("sleep", self.aid)
        self.appshot("wake", self.aid)
        self.assertEqual(self.await_lines(self.aid, "^told", 2)[1:], [f"told {self.aid} 3 restore"])
        for source, what in ((snapshot, "s-{n}"), (self.appshot("template", self.aid, *options), "t-{n}")):
            for aid in self.clone(source, "-n", "3", what=what):
                told = self.await_lines(aid, "^told")
                self.assertRegex(told[-1], f"^told {aid} [0-9]+ clone$")
                self.assertNotIn(f"told {aid} 1 clone", told)

    def test_who_watches_the_file_is_told(self):
        self.check(GENERATION)

    def test_who_watches_the_folder_is_told_of_one_file(self):
        self.check("/run/appshot", "--warm")


BOOT_ID = "/proc/sys/kernel/random/boot_id"
MACHINE_ID = "/etc/machine-id"
SEED_FILE = "/var/lib/systemd/random-seed"
KEYS = "/etc/ssh/ssh_host_{}_key.pub"
TYPES = ("rsa", "ecdsa", "ed25519")


class Own(Identity):
    def read(self, aid, path):
        return self.appshot("exec", aid, "cat", path)

    def launch_quietly(self, *options):
        self.launch("sh", "-c", "echo ready; exec sleep 1000", options=options)

    def clones(self, *template, count=2):
        source = self.appshot("template", self.aid, *template)
        return self.clone(source, "-n", str(count))

    def all_differ(self, aids, path):
        found = [self.read(aid, path) for aid in aids]
        self.assertEqual(len(set(found)), len(found), f"{path}: {found}")
        return dict(zip(aids, found))

    def assert_kept(self, aid, expected, path):
        for _ in range(2):
            self.appshot("sleep", aid)
            self.appshot("wake", aid)
            self.assertEqual(self.read(aid, path), expected)
        snapshot = self.appshot("snapshot", "--stop", aid)
        self.appshot("restore", snapshot)
        self.assertEqual(self.read(aid, path), expected)

    def test_each_has_a_boot_id_for_life(self):
        self.launch_quietly()
        host = pathlib.Path(BOOT_ID).read_text(encoding="ascii").strip()
        for kind in ([], ["--warm"]):
            source = self.appshot("template", self.aid, *kind)
            aids = self.clone(source, "-n", "2")
            found = self.all_differ([self.aid, *aids], BOOT_ID)
            self.assertNotIn(host, found.values())
            self.assertRegex(found[self.aid], "^[0-9a-f-]{36}$")
            self.assert_kept(aids[0], found[aids[0]], BOOT_ID)
        self.assert_kept(self.aid, found[self.aid], BOOT_ID)

    def test_who_makes_a_user_namespace_may_mount_a_proc_there(self):
        self.launch_quietly()
        self.assertIn("nobody", self.appshot(
            "exec", self.aid, "su", "nobody", "-s", "/bin/sh", "-c",
            "unshare -Urpf --mount-proc sh -c 'test $(cat /proc/sys/kernel/random/boot_id) && echo nobody'"))

    def test_each_clone_is_another_machine(self):
        self.launch_quietly()
        first = self.read(self.aid, MACHINE_ID)
        self.assertEqual(first, pathlib.Path(MACHINE_ID).read_text(encoding="ascii").strip())
        aids = self.clones()
        found = self.all_differ([self.aid, *aids], MACHINE_ID)
        for aid in aids:
            self.assertRegex(found[aid], "^[0-9a-f]{32}$")
            self.assertEqual(self.read(aid, "/var/lib/dbus/machine-id"), found[aid])
        self.assert_kept(aids[0], found[aids[0]], MACHINE_ID)
        deep = self.clone(aids[0], what="deep")
        self.all_differ([*aids, *deep], MACHINE_ID)
        self.assertEqual(pathlib.Path(MACHINE_ID).read_text(encoding="ascii").strip(), first)

    def test_who_has_the_file_open_reads_its_own(self):
        self.launch("sh", "-c", f"exec 5< {MACHINE_ID}; echo ready; "
                                "until grep -q clone /run/appshot/event; do sleep 0.01; done; "
                                "read id <&5; echo read $id; exec sleep 1000")
        for aid in self.clones():
            self.assertEqual(self.await_lines(aid, "^read"), ["read " + self.read(aid, MACHINE_ID)])

    def test_with_users_of_its_own(self):
        self.launch_quietly("--userns")
        self.make_keys()
        aids = self.clones()
        for path in (BOOT_ID, MACHINE_ID, KEYS.format("ed25519"), KEYS.format("rsa")):
            self.all_differ([self.aid, *aids], path)
        self.assertEqual(self.appshot("exec", aids[0], "stat", "-c", "%u %a", KEYS.format("rsa")[:-4], MACHINE_ID),
                         "0 600\n0 444")

    def test_a_public_machine_id_stays_the_hosts(self):
        self.launch_quietly("-v", f"{MACHINE_ID}:{MACHINE_ID}")
        before = pathlib.Path(MACHINE_ID).read_bytes()
        for aid in self.clones():
            self.assertEqual(self.read(aid, MACHINE_ID).encode(), before.strip())
        self.assertEqual(pathlib.Path(MACHINE_ID).read_bytes(), before)

    def test_each_clone_has_a_random_seed_of_its_own(self):
        self.launch_quietly()
        self.appshot("exec", self.aid, "sh", "-c",
                     f"mkdir -p /var/lib/systemd; seq 200 | head -c 512 > {SEED_FILE}; chmod 600 {SEED_FILE}")
        sums = [self.appshot("exec", aid, "sh", "-c", f"stat -c '%s %a' {SEED_FILE}; sha256sum < {SEED_FILE}")
                for aid in (self.aid, *self.clones("--warm"))]
        self.assertEqual(len(set(sums)), 3, sums)
        self.assertEqual({one.splitlines()[0] for one in sums}, {"512 600"})

    # ---- keys of its SSH server ----

    MAKE = "; ".join(f"rm -f /etc/ssh/ssh_host_{kind}_key; ssh-keygen -q -N '' -t {kind} -C me@here "
                     f"-f /etc/ssh/ssh_host_{kind}_key" for kind in TYPES)

    def make_keys(self):
        self.appshot("exec", self.aid, "sh", "-c", self.MAKE)

    def test_each_clone_has_host_keys_of_its_own(self):
        self.launch_quietly()
        self.make_keys()
        aids = self.clones("--warm")
        for kind in TYPES:
            found = self.all_differ([self.aid, *aids], KEYS.format(kind))
            for one in found.values():
                self.assertEqual((one.split()[0], len(one), one.split()[2]),
                                 (found[self.aid].split()[0], len(found[self.aid]), "me@here"))
            derived = self.appshot("exec", aids[0], "ssh-keygen", "-y", "-f", KEYS.format(kind)[:-4])
            self.assertEqual(derived.split()[1], found[aids[0]].split()[1])
        self.assert_kept(aids[0], self.read(aids[0], KEYS.format("rsa")), KEYS.format("rsa"))

    def test_clones_do_not_have_the_keys_of_their_environment(self):
        self.appshot("env", "create", "keys")
        self.appshot("env", "install", "keys", "--", "sh", "-c", self.MAKE)
        self.launch_quietly("--env", "keys")
        for kind in TYPES:
            self.assertIn("me@here", self.read(self.aid, KEYS.format(kind)))
        aids = self.clones()
        for kind in TYPES:
            self.all_differ([self.aid, *aids], KEYS.format(kind))

    def test_keys_that_cannot_be_made_are_not_shared(self):
        self.launch_quietly()
        self.make_keys()
        self.appshot("exec", self.aid, "rm", "/usr/bin/ssh-keygen")
        for aid in self.clones():
            self.assertEqual(self.appshot("exec", aid, "sh", "-c", "ls /etc/ssh | grep -c _key || true").strip(), "0")
            said = [event for event in self.json("events") if event.get("aid") == aid and event["kind"] == "host-keys-lost"]
            self.assertEqual(len(said), 1, self.json("events"))

    def test_the_hosts_own_keys_stay(self):
        if not pathlib.Path(KEYS.format("ed25519")).exists():
            self.skipTest("this host has no host keys")
        self.launch_quietly()
        for aid in self.clones():
            self.assertEqual(self.read(aid, KEYS.format("ed25519")),
                             pathlib.Path(KEYS.format("ed25519")).read_text(encoding="ascii").strip())


class Clocks(Identity):
    def test_the_time_of_day_jumps_and_the_others_go_on(self):
        self.launch("python3", str(HERE / "clocks_told.py"))
        template = self.appshot("template", self.aid)
        ready = self.await_lines(self.aid, "^ready")[0].split()
        pause_s = 2.0
        until(lambda: time.time() - float(ready[3]) > pause_s, "time has passed")
        self.appshot("rm", "-f", self.aid)
        (aid,) = self.clone(template)
        cloned = self.await_lines(aid, "^cloned")[0].split()
        passed = [float(now) - float(then) for now, then in zip(cloned[1:4], ready[1:4])]
        self.assertLess(passed[0], pause_s)
        self.assertLess(passed[1], pause_s)
        self.assertGreater(passed[2], pause_s)
        # The clock of the machine has not been set, which is all that the kernel would tell.
        self.assertEqual((ready[4], cloned[4]), ("EAGAIN", "EAGAIN"))


if __name__ == "__main__":
    unittest.main()
