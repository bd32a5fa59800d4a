"""Templates and clones: each has its own of everything, and nobody sees another's.

The real harness.
"""

import concurrent.futures
import json
import os
import pathlib
import signal
import socket
import subprocess
import unittest

from node_fixture import Follower, until
from real_fixture import SEED, RealNode, descendants, enter_own_world

HERE = pathlib.Path(__file__).resolve().parent
PORT = 7000
WAITS = ("sh", "-c", "echo ready; exec sleep 1000")
MANY = int(os.environ.get("APPSHOT_TEST_CLONES", "100"))


def setUpModule():
    enter_own_world()


def ask(address, line):
    with socket.create_connection(address, timeout=20) as connection, connection.makefile("rw") as stream:
        print(line, file=stream, flush=True)
        return json.loads(stream.readline())


class Clones(RealNode):
    def launch(self, *program, options=()):
        self.appshot("run", "-d", *options, "--name", self.aid, "--", *(program or WAITS))
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "ready")

    def launch_marked(self, *options):
        self.launch("python3", str(HERE / "marked_memory.py"), str(PORT), options=options)

    def place(self, aid):
        return self.instance(aid)["address"], PORT

    def name(self, what):
        """AIDs are also names of control groups, by which a test knows its own."""
        return f"{self.tag}-{what}"

    def clone(self, source, *options, what="c-{n}", **more):
        return self.appshot("clone", source, "-q", *options, "--name", self.name(what), **more).split()

    def assert_sees_only(self, aid, number):
        found = ask(self.place(aid), "look")
        for what, numbers in found.items():
            self.assertEqual(numbers, [number], f"{what} of {aid}: {found}")

    def seed(self):
        return [pid for pid, name in descendants().items() if name == SEED]

    def assert_made_by(self, makers, clones):
        """Their harnesses are children of a seed's, or programs that the daemon has started."""
        parents = set()
        for aid in clones:
            status = pathlib.Path(f"/proc/{self.instance(aid)['harness_pid']}/status").read_text(encoding="ascii")
            parents |= {int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:")}
        self.assertEqual(parents, set(makers))

    # ---- each has its own ----

    def check_isolation(self, *options):
        self.launch_marked()
        template = self.appshot("template", self.aid, *options)
        count = 3 if not options else 4  # of four a seed is made in any case
        clones = self.clone(template, "-n", str(count))
        self.assertEqual(clones, [self.name(f"c-{number + 1}") for number in range(count)])
        self.assert_made_by(self.seed() if options else [self.daemon_pid()], clones)
        for aid in (self.aid, *clones):
            self.assert_sees_only(aid, 1)
        numbers = {aid: 10 + number for number, aid in enumerate((self.aid, *clones))}
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda one: ask(self.place(one[0]), f"mark {one[1]}"), numbers.items()))
        for aid, number in numbers.items():
            self.assert_sees_only(aid, number)
        self.appshot("verify", template)
        self.assert_sees_only(self.clone(template, what="late")[0], 1)
        return template, numbers

    def test_nobody_sees_what_another_writes(self):
        self.check_isolation()

    def test_nobody_sees_what_another_writes_of_one_seed(self):
        self.check_isolation("--warm")

    def test_who_is_killed_leaves_the_others_alone(self):
        template, numbers = self.check_isolation("--warm")
        first, second = list(numbers)[1:3]
        init = self.instance(first)["init_pid"]
        for pid in self.seed():
            os.kill(pid, signal.SIGKILL)
        os.kill(init, signal.SIGKILL)
        until(lambda: self.instance(first)["state"] == "stopped", "it has ended")
        self.kill_daemon()
        for aid, number in numbers.items():
            if aid != first:
                self.assert_sees_only(aid, number)
        self.appshot("rm", "-f", second)
        self.assert_sees_only(self.clone(template, what="after")[0], 1)
        until(self.seed, "a warm template has a seed again")

    def test_a_clone_of_a_clone_of_a_clone(self):
        self.launch_marked()
        source = self.aid
        for number in range(2, 5):
            (aid,) = self.clone(source, what=f"deep-{number}")
            ask(self.place(aid), f"mark {number}")
            if number != 3:
                source = self.appshot("template", aid, *(["--warm"] if number == 2 else []))
            else:
                source = aid
        self.assert_sees_only(self.aid, 1)
        for number in range(2, 5):
            self.assert_sees_only(self.name(f"deep-{number}"), number)
        (last,) = self.clone(source, what="last")
        self.assert_sees_only(last, 4)

    def test_clones_sleep_wake_and_are_restored(self):
        self.launch_marked()
        template = self.appshot("template", self.aid, "--warm")
        one, other = self.clone(template, "-n", "2")
        ask(self.place(one), "mark 5")
        ask(self.place(other), "mark 6")
        self.appshot("sleep", one)
        self.appshot("snapshot", other, "--stop", "--name", "other")
        self.appshot("template-rm", template)
        self.appshot("wake", one)
        self.appshot("restore", "other")
        self.assert_sees_only(one, 5)
        self.assert_sees_only(other, 6)

    def test_nothing_is_left_of_them(self):
        self.launch_marked()
        before = self.traces()
        for warm in ([], ["--warm"]):
            template = self.appshot("template", self.aid, *warm)
            clones = self.clone(template, "-n", "5")
            deep = self.clone(clones[0], what="deep")
            self.appshot("template-rm", template)
            self.appshot("rm", "-f", *clones, *deep)
            self.assert_traces(before)

    def test_many(self):
        """All answer, each for itself, and nothing is left of them."""
        self.launch("python3", str(HERE / "small_server.py"), str(PORT))
        before = self.traces()
        template = self.appshot("template", self.aid, "--warm")
        clones = self.clone(template, "-n", str(MANY), timeout=MANY)
        self.assertEqual(len(clones), MANY)
        known = {one["aid"]: one for one in self.json("ps")}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for round_number in (1, 2):
                answers = pool.map(lambda aid: ask((known[aid]["address"], PORT), "count"), clones)
                self.assertEqual(list(answers), [round_number] * MANY)
        self.assertEqual(len({known[aid]["address"] for aid in clones}), MANY)
        self.assertEqual({known[aid]["processes"] for aid in clones}, {1})
        self.appshot("template-rm", template)
        self.appshot("rm", "-f", *clones, timeout=MANY)
        self.assert_traces(before)

    # ---- templates ----

    def test_a_template_needs_nothing_of_what_it_was_made_from(self):
        self.launch_marked()
        ask(self.place(self.aid), "mark 3")
        snapshot = self.appshot("snapshot", self.aid)
        template = self.appshot("template", snapshot, "--name", "golden")
        self.appshot("snapshot-rm", snapshot)
        self.appshot("rm", "-f", self.aid)
        self.assertEqual([one["id"] for one in self.json("templates")], [template])
        self.assertEqual(self.json("snapshots"), [])
        self.assert_sees_only(self.clone("golden")[0], 3)
        self.assertEqual(self.json("templates")[0]["clones"], 1)
        self.assertEqual(self.instance(self.name("c-1"))["template"], "golden")

    def test_it_is_one_still_where_it_is_imported(self):
        self.launch_marked()
        ask(self.place(self.aid), "mark 4")
        template = self.appshot("template", self.aid)
        (clone,) = self.clone(template)
        ask(self.place(clone), "mark 7")
        deep = self.appshot("template", clone)
        file = os.path.join(self.root, "deep.appshot")
        self.appshot("export", deep, file)
        self.appshot("rm", "-f", self.aid, clone)
        self.appshot("template-rm", template, deep)
        imported = self.appshot("import", "--name", "from-elsewhere", file)
        self.assertEqual([one["id"] for one in self.json("templates")], [imported])
        self.assert_sees_only(self.clone("from-elsewhere", what="here")[0], 7)
        os.unlink(file)

    def test_one_that_is_asked_to_be_warm_is_so_after_the_daemon_has_ended(self):
        self.launch()
        template = self.appshot("template", self.aid, "--warm")
        self.assertEqual(self.json("templates")[0]["memory"], "warm")
        self.appshot("daemon", "stop")
        until(lambda: not self.seed(), "its seed ends with it")
        until(lambda: self.json("templates")[0]["memory"] == "warm", "it is warm again")
        self.appshot("template-rm", template)
        until(lambda: not self.seed(), "its seed ends with it")

    def test_there_is_room_for_so_many_that_are_warm(self):
        config = os.path.join(self.root, "config", "appshot")
        os.makedirs(config)
        pathlib.Path(config, "appshot.toml").write_text('[templates]\nmemory = "1M"\n', encoding="ascii")
        self.appshot("daemon", "stop")
        self.env["XDG_CONFIG_HOME"] = os.path.dirname(config)
        self.launch_marked()
        self.appshot("template", self.aid, "--warm", status=1)
        self.assertIn("no room to keep", self.stderr)
        self.assertEqual(self.json("templates"), [])
        template = self.appshot("template", self.aid)
        clones = self.clone(template, "-n", "6")  # so many would have been forked from a seed
        self.assert_sees_only(clones[5], 1)
        self.assertEqual(self.seed(), [])

    # ---- names and ports ----

    def test_numbers_are_the_lowest_that_are_free(self):
        self.launch()
        self.assertEqual(self.clone(self.aid, "-n", "2"), [self.name("c-1"), self.name("c-2")])
        self.appshot("rm", "-f", self.name("c-1"))
        self.assertEqual(self.clone(self.aid, "-n", "2"), [self.name("c-1"), self.name("c-3")])

    def test_each_has_a_port_of_its_own(self):
        self.launch_marked()
        template = self.appshot("template", self.aid)
        clones = self.clone(template, "-n", "3", "-p", f"0:{PORT}")
        ports = [int(self.instance(aid)["ports"][0].split(":")[0]) for aid in clones]
        self.assertEqual(len(set(ports)), 3)
        for number, (aid, port) in enumerate(zip(clones, ports)):
            ask(self.place(aid), f"mark {20 + number}")
            self.assertEqual(ask(("127.0.0.1", port), "look")["private"], [20 + number])
        # It keeps the port that was chosen.
        self.appshot("sleep", clones[0])
        self.appshot("wake", clones[0])
        self.assertEqual(ask(("127.0.0.1", ports[0]), "look")["private"], [20])

    def test_all_of_them_stand_or_none(self):
        self.launch()
        taken = socket.create_server(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        before = self.traces()
        self.appshot("template", self.aid, "--name", "t")
        self.appshot("clone", "t", "--name", self.name("x"), "-p", f"{port}:80", status=6)
        self.assertIn(f"port {port} is taken", self.stderr)
        self.appshot("clone", "t", "--name", self.aid, status=6)
        self.appshot("template-rm", "t")
        self.assert_traces(before)
        taken.close()

    def test_of_several_none_stays_when_the_daemon_dies(self):
        self.launch()
        self.appshot("template", self.aid, "--name", "t", "--warm")
        before = self.traces()
        command = self.start("clone", "t", "-n", "200", "--name", self.name("c-{n}"), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        until(lambda: (one := self.instance(self.name("c-5"))) and one["state"] == "running", "some of them run")
        self.kill_daemon()
        self.assertNotEqual(command.wait(), 0)
        until(lambda: [one["aid"] for one in self.json("ps", "-a")] == [self.aid], "none of them is left")
        until(lambda: self.json("templates")[0]["memory"] == "warm", "it is warm again")
        self.assert_traces(before)
        self.assertEqual(len(self.clone("t", "-n", "3")), 3)

    def test_wrong_words(self):
        self.launch()
        for words, status, said in (
                (("clone", "nobody"), 3, "no snapshot or template nobody"),
                (("template", "nobody"), 3, "nobody"),
                (("template-rm", "nobody"), 3, "nobody"),
                (("clone", self.aid, "-n", "0"), 2, "1 to 10000"),
                (("clone", self.aid, "-n", "2", "--name", "one"), 2, "one-{n}"),
                (("clone", self.aid, "-n", "2", "-p", "8080:80"), 2, "-p 0:80"),
                (("clone", self.aid, "-p", "80"), 2, "-p 80"),
                (("clone", self.aid, "-e", "=x"), 2, "KEY=VALUE"),
                (("clone", self.aid, "--name", "../x"), 2, "../x"),
                (("template", self.aid, "--name", "../x"), 2, "name")):
            self.appshot(*words, status=status)
            self.assertIn(said, self.stderr, words)
        snapshot = self.appshot("snapshot", self.aid)
        self.appshot("template-rm", snapshot, status=3)
        self.assertIn("no template", self.stderr)
        template = self.appshot("template", snapshot)
        self.appshot("snapshot-rm", template, status=6)
        self.assertIn("template-rm", self.stderr)
        self.assertEqual(self.json("ps")[0]["aid"], self.aid)
        self.assertEqual(len(self.json("ps", "-a")), 1)


if __name__ == "__main__":
    unittest.main()
