"""Daemons and harnesses that die at the worst moment. With the fake harness."""

import json
import os
import select
import signal
import socket
import subprocess
import unittest

from node_fixture import DEADLINE_S, Follower, Node, until


class DaemonDies(Node):
    def setUp(self):
        super().setUp()
        self.appshot("run", "-d", "--name", "web", "sleep")
        self.web = self.instance("web")

    def ask_harness(self, request):
        """A request past the daemon, straight to the harness; its packets until it closes."""
        packets = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(DEADLINE_S)
            connection.connect(str(self.root / "run/instances/web/harness.sock"))
            connection.send(json.dumps(request).encode())
            while packet := connection.recv(1 << 17):
                packets.append(json.loads(packet))
        return packets

    def test_the_next_daemon_finds_the_instance(self):
        self.kill_daemon()
        web = self.instance("web")
        self.assertEqual(web["state"], "running")
        self.assertEqual(web["harness_pid"], self.web["harness_pid"])
        self.assertEqual(self.appshot("exec", "web", "ls"), "ls;")
        self.appshot("snapshot", "--stop", "web")
        self.assertEqual(self.instance("web")["state"], "stopped")

    def test_an_end_nobody_saw_is_learnt(self):
        self.kill_daemon()
        packets = self.ask_harness({"id": 1, "op": "kill", "signal": signal.SIGKILL})
        self.assertEqual(packets[-1]["event"], "exited")
        web = self.instance("web")
        self.assertEqual((web["state"], web["exit_signal"]), ("stopped", signal.SIGKILL))

    def test_a_snapshot_nobody_knows_of_is_taken_in(self):
        self.kill_daemon()
        folder = self.root / "lib/snapshots"
        self.ask_harness({"id": 1, "op": "snapshot", "stop": True, "snapshot": "abc",
                          "partial": str(folder / ".partial-abc"), "dir": str(folder / "abc")})
        self.assertEqual([s["id"] for s in self.json("snapshots")], ["abc"])

    def test_a_sleep_that_ends_without_a_daemon_is_a_sleep(self):
        self.appshot("run", "-d", "--name", "slow", "gated")
        gate = self.root / "lib/instances/slow/gate"
        os.mkfifo(gate)
        before = self.instance("slow")
        sleep = Follower(self, "sleep", "--progress=plain", "slow", stderr=subprocess.STDOUT)
        self.addCleanup(sleep.close)
        self.assertIn("memory", sleep.line())
        self.kill_daemon()
        harness = os.pidfd_open(before["harness_pid"])
        os.close(os.open(gate, os.O_WRONLY))
        self.assertTrue(select.select([harness], [], [], DEADLINE_S)[0])
        os.close(harness)
        self.assertEqual(self.instance("slow")["state"], "asleep")
        self.appshot("wake", "slow")
        self.assertEqual(self.instance("slow")["state"], "running")

    def test_a_sleep_that_outlasts_its_daemon_is_told_to_the_next(self):
        self.appshot("run", "-d", "--name", "slow", "gated")
        gate = self.root / "lib/instances/slow/gate"
        os.mkfifo(gate)
        sleep = Follower(self, "sleep", "--progress=plain", "slow", stderr=subprocess.STDOUT)
        self.addCleanup(sleep.close)
        self.assertIn("memory", sleep.line())
        self.kill_daemon()
        self.assertEqual(self.instance("slow")["state"], "running")
        with self.follow_events() as events:
            os.close(os.open(gate, os.O_WRONLY))
            events.event("asleep", "slow")
        self.appshot("wake", "slow")
        self.assertEqual(self.instance("slow")["state"], "running")

    def test_leftovers_are_removed_and_strangers_left_alone(self):
        self.kill_daemon()
        folder = self.root / "lib/snapshots"
        for name in (".partial-1", ".removed-2", "stranger"):
            (folder / name).mkdir()
        self.assertEqual(self.json("snapshots"), [])
        self.assertEqual(os.listdir(folder), ["stranger"])

    def test_a_harness_that_died_meanwhile_is_replaced(self):
        self.kill_daemon()
        self.kill_and_wait(self.web["harness_pid"])
        with self.follow_events() as events:
            events.event("adopted", "web")
        web = self.instance("web")
        self.assertEqual(web["state"], "running")
        self.assertEqual(web["init_pid"], self.web["init_pid"])
        self.assertNotEqual(web["harness_pid"], self.web["harness_pid"])

    def test_an_application_that_is_gone_is_failed(self):
        self.kill_daemon()
        self.kill_and_wait(self.web["harness_pid"])
        self.kill_and_wait(self.web["init_pid"])
        self.assertEqual(self.instance("web")["state"], "failed")
        self.appshot("rm", "web")

    def test_a_sleeper_sleeps_on(self):
        self.appshot("sleep", "web")
        self.kill_daemon()
        self.appshot("wake", "web")
        self.assertEqual(self.instance("web")["state"], "running")


class HarnessDies(Node):
    def test_it_is_replaced_and_the_application_goes_on(self):
        self.appshot("run", "-d", "--name", "web", "sleep")
        before = self.instance("web")
        with self.follow_events() as events:
            self.kill_and_wait(before["harness_pid"])
            events.event("adopted", "web")
        after = self.instance("web")
        self.assertEqual(after["init_pid"], before["init_pid"])
        self.appshot("snapshot", "--stop", "web")

    def test_it_takes_the_application_along_only_when_that_is_dead(self):
        self.appshot("run", "-d", "--name", "web", "sleep")
        before = self.instance("web")
        with self.follow_events() as events:
            self.kill_and_wait(before["init_pid"])
            self.kill_and_wait(before["harness_pid"])
            events.event("failed", "web")
        self.assertEqual(self.instance("web")["state"], "failed")

    def test_a_snapshot_it_was_writing_is_no_snapshot(self):
        self.appshot("run", "-d", "--name", "web", "vanish")
        with self.follow_events() as events:
            self.appshot("snapshot", "web", status=1)
            events.event("adopted", "web")
        self.assertEqual(self.json("snapshots"), [])
        until(lambda: os.listdir(self.root / "lib/snapshots") == [], "nothing of it is left")
        self.assertEqual(self.instance("web")["state"], "running")

    def test_a_snapshot_it_had_finished_is_one(self):
        self.appshot("run", "-d", "--name", "web", "vanish-late")
        with self.follow_events() as events:
            snapshot = self.appshot("snapshot", "web")
            events.event("adopted", "web")
        self.assertEqual([s["id"] for s in self.json("snapshots")], [snapshot])


if __name__ == "__main__":
    unittest.main()
