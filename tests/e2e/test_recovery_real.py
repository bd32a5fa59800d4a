"""What test_recovery holds the daemon to, with the real harness, and that the application counts on."""

import http.client
import json
import socket
import unittest

from node_fixture import DEADLINE_S
from real_fixture import RealNode, enter_own_world, until


def setUpModule():
    enter_own_world()


class Recovery(RealNode):
    def setUp(self):
        super().setUp()
        self.run_counter()
        self.before = self.instance(self.aid)

    def assert_same_application(self):
        after = self.instance(self.aid)
        self.assertEqual(after["state"], "running")
        self.assertEqual(after["init_pid"], self.before["init_pid"])
        self.assert_counts_on()
        return after

    def assert_everything_works(self):
        self.assertEqual(self.appshot("exec", self.aid, "echo", "here"), "here")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.assertEqual(self.instance(self.aid)["state"], "stopped")
        self.appshot("restore", snapshot)
        self.assert_counts_on()

    def test_the_next_daemon_finds_the_instance(self):
        self.kill_daemon()
        after = self.assert_same_application()
        self.assertEqual(after["harness_pid"], self.before["harness_pid"])
        self.assert_everything_works()

    def test_a_harness_that_died_is_replaced(self):
        self.kill_and_wait(self.before["harness_pid"])
        self.await_another_harness(self.before["harness_pid"])
        self.assert_same_application()
        self.assert_everything_works()

    def test_a_harness_that_died_while_no_daemon_was_there_is_replaced(self):
        self.kill_daemon()
        self.kill_and_wait(self.before["harness_pid"])
        self.await_another_harness(self.before["harness_pid"])
        self.assert_same_application()
        self.assert_everything_works()

    def test_harnesses_that_die_again_and_again_are_replaced(self):
        for _ in range(6):
            harness = self.instance(self.aid)["harness_pid"]
            self.kill_and_wait(harness)
            self.await_another_harness(harness)
        self.assert_same_application()

    def test_output_while_nobody_looked_is_kept(self):
        """What the program wrote between the harness's death and the next is in the log."""
        self.kill_daemon()
        self.kill_and_wait(self.before["harness_pid"])
        self.await_another_harness(self.before["harness_pid"])
        self.assert_counts_on()
        parents = [line for line in self.appshot("logs", self.aid).splitlines()
                   if line.startswith("parent")]
        counted = [int(line.split("counted to ")[1].split()[0]) for line in parents]
        self.assertEqual(counted, list(range(counted[0], counted[0] + len(counted))))

    def test_an_application_that_is_gone_is_failed_and_nothing_is_left(self):
        self.kill_daemon()
        self.kill_and_wait(self.before["harness_pid"])
        self.kill_and_wait(self.before["init_pid"])
        self.assertEqual(self.instance(self.aid)["state"], "failed")
        self.assertEqual(self.traces()["cgroups"], [])
        self.appshot("rm", self.aid)
        self.assertEqual(self.files(), ["lib", "lib/snapshots", "run"])

    def test_what_is_held_fails_with_its_harness(self):
        self.appshot("rm", "-f", self.aid)
        self.request("POST", "/v1/instances",
                     {"argv": ["cat"], "name": self.aid, "hold_start": True})
        self.assertEqual(self.instance(self.aid)["state"], "held")
        self.kill_and_wait(self.instance(self.aid)["harness_pid"])
        until(lambda: self.instance(self.aid)["state"] == "failed", "it has failed")
        until(lambda: not self.traces()["cgroups"], "nothing of it is left")

    def request(self, method, path, document):
        connection = http.client.HTTPConnection("appshot", timeout=DEADLINE_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.root / "run/appshot.sock"))
        connection.request(method, path, json.dumps(document), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        self.assertLess(answer.status, 300, text)

    def test_a_sleeper_sleeps_on(self):
        self.appshot("sleep", self.aid)
        self.kill_daemon()
        self.assertEqual(self.instance(self.aid)["state"], "asleep")
        self.appshot("wake", self.aid)
        self.assert_counts_on()


if __name__ == "__main__":
    unittest.main()
