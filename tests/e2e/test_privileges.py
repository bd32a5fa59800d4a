"""What the programs of an instance may do: by default not what reaches the machine, more or less by
name, all of it with --privileged; visitors the same, and after a restore, a sleep and with another
harness too.

The real harness.
"""

import re
import sys
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world

CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_NET_RAW = 12, 21, 13
MKNOD = "import os, stat; os.mknod('/tmp/node', 0o600 | stat.{kind}, os.makedev({major}, {minor}))"
# A program that gives who runs it the rights of its owner, and tells whose it has.
SETUID = """
cp /bin/dash /tmp/raised && chmod 4755 /tmp/raised && exec setpriv --reuid 1000 --clear-groups \
    /tmp/raised -p -c 'grep ^Uid /proc/self/status'
"""
WAITS = ("sh", "-c", "echo ready; exec sleep 1000")


def setUpModule():
    enter_own_world()


class Privileges(RealNode):
    def launch(self, *options):
        self.appshot("run", "-d", *options, "--name", self.aid, "--", *WAITS)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "ready")

    def status_of(self, pid, *options):
        text = self.appshot("exec", *options, self.aid, "cat", f"/proc/{pid}/status")
        return dict(re.findall(r"^(\w+):\s+(.*)$", text, re.M))

    def assert_rights(self, capabilities, no_new_privileges):
        """Of the program and of who visits it."""
        for status in (self.status_of(self.instance(self.aid)["root_pid"]), self.status_of("self")):
            for kind in ("CapBnd", "CapEff", "CapPrm"):
                self.assertEqual(int(status[kind], 16), capabilities, kind)
            self.assertEqual(int(status["CapAmb"], 16), 0)
            self.assertEqual(int(status["NoNewPrivs"]), no_new_privileges)

    def assert_rights_last(self, no_new_privileges):
        before = int(self.status_of("self")["CapBnd"], 16)
        self.assert_rights(before, no_new_privileges)
        self.appshot("sleep", self.aid)
        self.appshot("wake", self.aid)
        self.assert_rights(before, no_new_privileges)
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        self.appshot("restore", "--lazy", snapshot)
        self.assert_rights(before, no_new_privileges)
        harness = self.instance(self.aid)["harness_pid"]
        self.kill_and_wait(harness)
        self.await_another_harness(harness)
        self.assert_rights(before, no_new_privileges)
        return before

    def test_by_default_they_reach_no_machine(self):
        self.launch()
        self.assertFalse(self.assert_rights_last(1) & (1 << CAP_SYS_ADMIN | 1 << CAP_NET_ADMIN))

    def test_more_and_less_by_name(self):
        self.launch("--cap-add", "NET_ADMIN", "--cap-drop", "cap_net_raw")
        has = self.assert_rights_last(1)
        self.assertTrue(has & 1 << CAP_NET_ADMIN)
        self.assertFalse(has & 1 << CAP_NET_RAW)

    def test_privileged_ones_have_all(self):
        self.launch("--privileged")
        self.assertTrue(self.assert_rights_last(0) & 1 << CAP_SYS_ADMIN)

    def test_devices_of_the_machine_cannot_be_made_or_opened(self):
        disk = MKNOD.format(kind="S_IFBLK", major=8, minor=0)
        harmless = MKNOD.format(kind="S_IFCHR", major=1, minor=3) + "; open('/tmp/node', 'w').write('x')"
        self.launch()
        for _ in range(2):
            self.appshot("exec", self.aid, sys.executable, "-c", disk, status=1)
            self.assertIn("Operation not permitted", self.stderr)
            self.appshot("exec", self.aid, sys.executable, "-c", harmless)
            self.appshot("exec", self.aid, "rm", "/tmp/node")
            self.appshot("sleep", self.aid)
            self.appshot("wake", self.aid)

    def test_all_devices_may_be_made_by_who_is_privileged(self):
        self.launch("--privileged")
        self.appshot("exec", self.aid, sys.executable, "-c",
                     MKNOD.format(kind="S_IFBLK", major=8, minor=0))

    def test_programs_give_no_more_unless_that_is_allowed(self):
        # Of a program on the private layer, which nobody else sees.
        uids = self.appshot("run", "--rm", "--", "sh", "-c", SETUID).split()[1:]
        self.assertEqual(set(uids), {"1000"})
        uids = self.appshot("run", "--rm", "--allow-setuid", "--", "sh", "-c", SETUID).split()[1:]
        self.assertEqual(uids[:2], ["1000", "0"])

    def test_who_launches_a_setuid_program_means_it(self):
        status = self.appshot("run", "--rm", "--user", "1000", "-w", "/", "su", "--version")
        self.assertIn("su ", status)
        self.launch()
        self.appshot("exec", self.aid, "sh", "-c", "cp /bin/cat /tmp/raised; chmod 4755 /tmp/raised")
        text = self.appshot("exec", "--user", "1000", self.aid, "/tmp/raised", "/proc/self/status")
        self.assertRegex(text, r"Uid:\s+1000\s+0\s")
        self.assertRegex(text, r"NoNewPrivs:\s+0")

    def test_user_namespaces_of_their_own_work(self):
        self.assertEqual(self.appshot("run", "--rm", "unshare", "-Urm", "sh", "-c",
                                      "mount -t tmpfs none /mnt && id -u"), "0")

    def test_what_makes_no_sense_is_refused(self):
        self.appshot("run", "--cap-add", "EVERYTHING", "true", status=2)
        self.assertIn("there is no capability 'EVERYTHING'", self.stderr)
        self.appshot("run", "--privileged", "--cap-drop", "KILL", "true", status=2)
        self.assertEqual(self.json("ps", "-a"), [])


if __name__ == "__main__":
    unittest.main()
