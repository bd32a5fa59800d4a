"""The command line and the daemon, with the fake harness behind them."""

import concurrent.futures
import json
import os
import select
import signal
import socket
import sqlite3
import stat
import subprocess
import unittest

from node_fixture import DEADLINE_S, Follower, Node, until


class Running(Node):
    def test_a_detached_program_is_listed_until_it_is_removed(self):
        self.assertEqual(self.appshot("run", "-d", "--name", "web", "sleep"), "web")
        web = self.instance("web")
        self.assertEqual((web["state"], web["argv"], web["processes"]), ("running", ["sleep"], 1))
        self.assertEqual(self.appshot("ps", "-q"), "web")
        self.appshot("rm", "web", status=6)
        self.assertIn("hint: stop it first", self.stderr)
        self.appshot("stop", "web")
        self.assertEqual(self.instance("web")["exit_signal"], signal.SIGTERM)
        self.assertEqual(self.appshot("ps", "-q"), "")
        self.appshot("rm", "web")
        self.assertIsNone(self.instance("web"))
        self.assertFalse((self.root / "lib/instances/web").exists())
        self.assertFalse((self.root / "run/instances/web").exists())

    def test_the_foreground_has_the_programs_output_and_status(self):
        self.assertEqual(self.appshot("run", "echo", "a", "b"), "a b")
        self.appshot("run", "exit", "7", status=7)
        self.appshot("run", "crash", status=128 + signal.SIGKILL)
        self.appshot("run", "missing", status=127)
        self.assertIn("cannot run missing: missing: no such program", self.stderr)
        self.appshot("run", "forbidden", status=126)
        self.assertEqual(len(self.json("ps", "-a")), 3)

    def test_a_program_that_could_not_start_leaves_nothing(self):
        self.appshot("run", "-d", "--name", "web", "missing", status=3)
        self.assertIsNone(self.instance("web"))
        self.assertFalse((self.root / "lib/instances/web").exists())
        self.appshot("run", "-d", "--name", "web", "sleep")

    def test_appshots_own_failure_is_125(self):
        self.env["APPSHOT_HARNESS"] = "/nonexistent/harness"
        self.appshot("run", "sleep", status=125)
        self.assertIn("APPSHOT_HARNESS", self.stderr)
        self.appshot("exec", "nothing", "ls", status=125)

    def test_standard_input_is_passed_only_when_asked(self):
        self.assertEqual(self.appshot("run", "-i", "cat", stdin="one\ntwo\n"), "one\ntwo")

    def test_rm_leaves_no_record(self):
        for _ in range(5):
            self.appshot("run", "--rm", "--name", "web", "echo", "x")
        self.appshot("stop", "web", status=3)
        self.assertEqual(os.listdir(self.root / "lib/instances"), [])

    def test_signals_are_the_programs_when_there_is_no_terminal(self):
        self.appshot("ps")
        with self.follow_events() as events:
            run = self.start("run", "-i", "--name", "web", "cat", stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
            events.event("launched", "web")
            run.stdin.write("ready\n")
            run.stdin.flush()
            self.assertEqual(run.stdout.readline(), "ready\n")
            run.send_signal(signal.SIGTERM)
            self.assertEqual(run.wait(DEADLINE_S), 128 + signal.SIGTERM)
            run.stdin.close()
            run.stdout.close()

    def test_exec_has_a_status_and_streams_of_its_own(self):
        self.appshot("run", "-d", "--name", "web", "sleep")
        self.assertEqual(self.appshot("exec", "web", "ls", "-l"), "ls;-l;")
        self.assertEqual(self.stderr, "warned\n")
        self.appshot("exec", "web", "exit", "9", status=9)
        self.appshot("exec", "web", "missing", status=127)
        self.appshot("exec", "web", "forbidden", status=126)

    def test_several_ids_and_prefixes_of_generated_ones(self):
        aid = self.appshot("run", "-d", "sleep")
        self.appshot("run", "-d", "--name", "database", "sleep")
        self.appshot("stop", "databas", status=3)
        self.assertEqual(self.appshot("stop", aid[:-1], "nothing", "database", status=3),
                         f"{aid[:-1]}\ndatabase")
        self.assertIn("there is no instance nothing", self.stderr)

    def test_a_name_is_given_once(self):
        self.appshot("run", "-d", "--name", "web", "sleep")
        self.appshot("run", "-d", "--name", "web", "sleep", status=6)
        self.appshot("run", "-d", "--name", "../web", "sleep", status=2)
        self.appshot("run", "-d", "--share", "everything", "sleep", status=2)
        self.appshot("nonsense", status=2)

    def test_kill_sends_what_was_named(self):
        self.appshot("run", "-d", "--name", "web", "sleep")
        self.appshot("kill", "-s", "NONSENSE", "web", status=2)
        with Follower(self, "logs", "-f", "web") as log:
            self.appshot("kill", "-s", "HUP", "web")
            self.assertEqual(log.line(), "signal 1")
            self.appshot("kill", "web")
            self.assertIsNone(log.line())

    def test_logs_are_there_after_the_end(self):
        self.appshot("run", "--name", "web", "echo", "hello")
        self.assertEqual(self.appshot("logs", "web"), "hello")
        self.assertEqual(json.loads(self.appshot("logs", "--json", "web"))["d"], "hello\n")


class Snapshots(Node):
    def setUp(self):
        super().setUp()
        self.appshot("run", "-d", "--name", "web", "sleep")

    def test_a_snapshot_leaves_the_instance_running(self):
        snapshot = self.json("snapshot", "web")
        self.assertEqual(self.instance("web")["state"], "running")
        self.assertEqual(snapshot["stored_bytes"], 4096)
        self.appshot("restore", snapshot["id"], status=6)
        self.assertIn("--as NAME", self.stderr)
        self.assertEqual(self.appshot("restore", snapshot["id"], "--as", "copy"), "copy")
        self.assertEqual(self.instance("copy")["parent_snapshot"], snapshot["id"])

    def test_stop_and_restore_keep_the_name_and_count_generations(self):
        for generation in range(1, 4):
            self.assertEqual(self.instance("web")["generation"], generation)
            snapshot = self.appshot("snapshot", "--stop", "web")
            self.assertEqual(self.instance("web")["state"], "stopped")
            self.assertEqual(self.appshot("restore", snapshot), "web")
            self.assertEqual(self.instance("web")["state"], "running")

    def test_a_snapshot_has_a_name(self):
        self.appshot("snapshot", "--name", "golden", "web")
        self.appshot("snapshot", "--name", "golden", "web", status=6)
        self.assertEqual(self.appshot("restore", "golden", "--as", "copy"), "copy")
        self.appshot("snapshot-rm", "golden")
        self.assertEqual(self.json("snapshots"), [])
        self.appshot("restore", "golden", status=3)

    def test_a_removed_snapshot_takes_its_folder_along(self):
        snapshot = self.appshot("snapshot", "web")
        folder = self.root / "lib/snapshots" / snapshot
        self.assertTrue((folder / "manifest").exists())
        self.appshot("snapshot-rm", snapshot)
        self.assertFalse(folder.exists())

    def test_sleep_and_wake(self):
        self.appshot("sleep", "web")
        web = self.instance("web")
        self.assertEqual(web["state"], "asleep")
        self.assertEqual(self.json("snapshots"), [])
        self.appshot("snapshot-rm", web["sleep_snapshot"], status=6)
        self.appshot("exec", "web", "ls", status=125)
        self.assertIn("hint: appshot wake web", self.stderr)
        self.appshot("rm", "web", status=6)
        self.appshot("wake", "web")
        self.assertEqual(self.instance("web")["state"], "running")
        folder = self.root / "lib/snapshots" / web["sleep_snapshot"]
        until(lambda: not folder.exists(), "what it slept in is gone, as all of it is in memory")
        self.appshot("wake", "web")  # it is awake: nothing to do

    def test_stopping_a_sleeper_drops_what_it_slept_in(self):
        self.appshot("sleep", "web")
        self.appshot("stop", "web")
        self.assertEqual(self.instance("web")["state"], "stopped")
        until(lambda: os.listdir(self.root / "lib/snapshots") == [], "what it slept in is gone")
        self.appshot("wake", "web", status=6)

    def test_every_obstacle_is_named_and_nothing_is_disturbed(self):
        self.appshot("run", "-d", "--name", "bad", "obstacles")
        self.appshot("snapshot", "--stop", "bad", status=4)
        self.assertEqual(self.stderr, "appshot: cannot snapshot bad: 2 obstacles\n"
                         "  process 12 (nginx) has descriptor 7 open on /dev/kvm\n"
                         "    hint: close it\n"
                         "  process 13 (x) has an mseal\n")
        self.appshot("check", "bad", status=4)
        self.appshot("run", "-d", "--name", "worse", "obstacle")
        self.appshot("sleep", "worse", status=4)
        self.assertEqual(self.stderr, "appshot: cannot sleep worse: process 12 (nginx) has "
                         "descriptor 7 open on /dev/kvm\n  hint: close it\n")
        self.assertEqual(self.instance("worse")["state"], "running")
        self.assertEqual(self.instance("worse")["sleep_snapshot"], "")
        self.assertEqual(self.json("snapshots"), [])

    def test_a_restore_that_fails_changes_nothing(self):
        self.appshot("rm", "-f", "web")
        self.appshot("run", "-d", "--name", "web", "foreign")
        snapshot = self.appshot("snapshot", "--stop", "web")
        before = self.instance("web")
        self.appshot("restore", snapshot, status=5)
        self.assertIn("cpu lacks avx512", self.stderr)
        after = self.instance("web")
        for document in (before, after):
            document.pop("age_ms")
        self.assertEqual(before, after)
        self.appshot("restore", snapshot, "--as", "other", status=5)
        self.assertIsNone(self.instance("other"))

    def test_a_long_restore_tells_how_far_it_is(self):
        snapshot = self.appshot("snapshot", "--stop", "web")
        self.appshot("restore", "--progress=plain", snapshot)
        self.assertEqual(self.stderr, f"{snapshot}: memory 1048576/2097152\n")
        self.appshot("sleep", "web")
        self.appshot("wake", "--progress=plain", "web")
        self.assertEqual(self.stderr, "web: memory 1048576/2097152\n")
        self.appshot("sleep", "web")
        self.appshot("wake", "web")
        self.assertEqual(self.stderr, "")

    def test_progress_is_lines_when_asked_for(self):
        self.appshot("snapshot", "--progress=plain", "web")
        told = self.stderr.splitlines()
        self.assertEqual(told[:2], ["web: memory 1048576/2097152", "web: memory 2097152/2097152"])
        self.assertRegex(told[2], r"^web: stood still for \d+\.\d ms; .* of .* stored$")
        self.assertEqual(len(told), 3)

    def test_an_export_comes_back_as_another_snapshot(self):
        snapshot = self.appshot("snapshot", "web")
        file = self.root / "web.appshot"
        self.appshot("export", snapshot, str(file))
        imported = self.appshot("import", "--name", "copy", str(file))
        self.assertNotEqual(imported, snapshot)
        self.assertEqual(self.appshot("verify", snapshot, "copy"), f"{snapshot}: good\ncopy: good")
        self.assertEqual(self.appshot("restore", "copy", "--as", "other"), "other")
        self.assertEqual(self.instance("other")["argv"], ["sleep"])
        self.assertEqual(self.json("inspect", "copy")["records"][0]["type"], "process")

    def test_a_torn_export_or_image_is_refused_and_nothing_is_kept(self):
        snapshot = self.appshot("snapshot", "web")
        file = self.root / "web.appshot"
        self.appshot("export", snapshot, str(file))
        file.write_bytes(file.read_bytes()[:-1])
        self.appshot("import", str(file), status=1)
        self.assertIn("appshot: cannot import: ", self.stderr)
        self.assertEqual(os.listdir(self.root / "lib/snapshots"), [snapshot])
        manifest = self.root / "lib/snapshots" / snapshot / "manifest"
        manifest.write_bytes(manifest.read_bytes()[:-1])
        self.appshot("verify", snapshot, status=1)
        self.appshot("export", snapshot, str(file) + "2", status=1)
        self.assertEqual([f.name for f in self.root.glob("web*")], ["web.appshot"])
        self.appshot("import", str(self.root / "nothing"), status=3)

    def test_why_and_events_tell_the_story(self):
        self.appshot("sleep", "web")
        self.assertIn("web is asleep since", self.appshot("why", "web"))
        kinds = [event["kind"] for event in self.json("events", "web")]
        self.assertEqual(kinds, ["launched", "asleep", "snapshot"])


class Daemon(Node):
    def test_many_first_uses_start_one_daemon(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            aids = list(pool.map(lambda _: self.appshot("run", "-d", "sleep"), range(8)))
        self.assertEqual(len(set(aids)), 8)
        self.assertEqual(len(self.json("ps")), 8)
        log = (self.root / "lib/appshotd.log").read_text()
        self.assertEqual(log.count("serving"), 1, log)

    def test_a_second_daemon_is_refused(self):
        self.appshot("ps")
        self.appshot("daemon", status=6)
        self.assertIn("a daemon serves this root already", self.stderr)

    def test_it_stops_when_told_and_instances_go_on(self):
        self.appshot("daemon", "status", status=3)
        self.appshot("run", "-d", "--name", "web", "sleep")
        self.appshot("daemon", "stop")
        self.appshot("daemon", "status", status=3)
        self.assertEqual(self.instance("web")["state"], "running")

    def test_the_socket_is_private(self):
        self.appshot("ps")
        mode = (self.root / "run/appshot.sock").stat().st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_a_broken_setting_is_told_at_the_start(self):
        config = self.root / "config/appshot"
        config.mkdir(parents=True)
        (config / "appshot.toml").write_text("[daemon]\nloglevel = 'info'\n")
        self.env["XDG_CONFIG_HOME"] = str(self.root / "config")
        self.appshot("ps", status=1)
        self.assertIn("appshot.toml:2: unknown setting daemon.loglevel", self.stderr)

    def test_a_locked_registry_is_an_error_not_a_hang(self):
        self.appshot("ps")
        other = sqlite3.connect(self.root / "lib/registry.db")
        other.execute("BEGIN EXCLUSIVE")
        self.appshot("run", "-d", "sleep", status=1)
        self.assertIn("the registry is locked by another process", self.stderr)
        other.rollback()
        other.close()
        self.appshot("run", "-d", "sleep")

    def test_timeout_ends_the_wait(self):
        self.appshot("run", "-d", "--name", "web", "sleep")
        self.appshot("logs", "-f", "--timeout", "0.1", "web", status=1)
        self.assertIn("deadline", self.stderr)

    def test_metrics_and_health_speak_http(self):
        self.appshot("run", "-d", "sleep")
        self.assertIn('appshot_instances{state="running"} 1', self.http("GET /metrics"))
        self.assertIn('"status":"ok"', self.http("GET /healthz"))
        self.assertIn("404 Not Found", self.http("GET /v1/nonsense"))

    def test_a_follower_that_leaves_is_noticed(self):
        self.appshot("ps")
        with self.follow_events() as events:
            self.appshot("run", "-d", "--name", "web", "sleep")
            events.event("launched", "web")
        threads = f"/proc/{self.daemon_pid()}/task"
        handle = os.pidfd_open(self.daemon_pid())
        # Each request is answered by a thread of its own; the follower's ends with it.
        for _ in range(1000):
            if len(os.listdir(threads)) <= 3:
                break
            select.select([handle], [], [], 0.01)
        os.close(handle)
        self.assertLessEqual(len(os.listdir(threads)), 3)

    def http(self, request):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DEADLINE_S)
            connection.connect(str(self.root / "run/appshot.sock"))
            connection.sendall(f"{request} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        return answer.decode()


if __name__ == "__main__":
    unittest.main()
