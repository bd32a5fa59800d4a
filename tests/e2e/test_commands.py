"""Every command and option as a user meets them: what they do, print and return. The real harness."""

import ctypes
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios

from node_fixture import BIN, DEADLINE_S, Node
from real_fixture import RealNode, enter_own_world, until

PR_CAPBSET_DROP, CAP_SYS_ADMIN = 24, 21
CTRL_P_CTRL_Q = b"\x10\x11"


def setUpModule():
    enter_own_world()


class Commands(RealNode):
    def run_shell(self, script, *options):
        self.appshot("run", "-d", "--name", self.aid, *options, "--", "sh", "-c", script)

    def await_log(self, text):
        until(lambda: text in self.appshot("logs", self.aid), f"{text!r} in its log")

    def await_end(self):
        until(lambda: self.instance(self.aid)["state"] == "stopped", "its end")
        return self.instance(self.aid)

    def foreground(self, *words, status=0, stdin=None):
        return self.appshot("run", "--rm", "--name", self.aid, *words, status=status, stdin=stdin)


class Running(Commands):
    def test_options_of_run(self):
        self.env["PASSED"] = "on"
        show = ["sh", "-c", "echo $A $PASSED; pwd; id -u; id -g; hostname; cat /run/appshot/aid"]
        self.assertEqual(
            self.foreground("-e", "A=b", "-e", "PASSED", "-w", "/usr", "--user", "65534:65534", *show),
            f"b on\n/usr\n65534\n65534\n{self.aid}\n{self.aid}")
        self.assertEqual(self.foreground("--hostname", "box", "hostname"), "box")
        self.appshot("run", "--hostname", "x" * 65, "hostname", status=2)
        self.assertEqual(self.foreground("-i", "cat", stdin="in\n"), "in")
        self.assertIsNone(self.instance(self.aid))

    def test_what_is_shared_is_the_hosts(self):
        for kind, name in (("net", "net"), ("ipc", "ipc"), ("uts", "uts"), ("time", "time")):
            link = ["readlink", f"/proc/self/ns/{name}"]
            host = os.readlink(f"/proc/self/ns/{name}")
            with self.subTest(kind):
                self.assertEqual(self.foreground("--share", kind, *link), host)
                self.assertNotEqual(self.foreground(*link), host)
        file = self.root / "written"
        self.foreground("sh", "-c", f"echo x > {file}")
        self.assertFalse(file.exists())
        self.foreground("--share", "fs", "sh", "-c", f"echo x > {file}")
        self.assertTrue(file.exists())

    def test_the_foreground_returns_what_a_shell_would(self):
        self.foreground("sh", "-c", "exit 7", status=7)
        self.foreground("sh", "-c", "kill -SEGV $$", status=128 + signal.SIGSEGV)
        self.foreground("no-such-program", status=127)
        self.assertIn("cannot run no-such-program: ", self.stderr)
        self.assertIsNone(self.instance(self.aid))
        self.foreground("/etc/passwd", status=126)
        self.foreground("-w", "/nonexistent", "true", status=127)
        self.appshot("exec", "nothing", "true", status=125)
        self.assertIn("hint:", self.stderr)

    def test_a_program_has_a_terminal_of_the_users_size(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        script = "tty; stty size; read line; echo got-$line; stty size; exit 9"
        run = self.start("run", "-it", "--name", self.aid, "sh", "-c", script, stdin=theirs,
                         stdout=theirs, stderr=theirs)
        screen = b""

        def await_text(text):
            nonlocal screen
            while text not in screen:
                self.assertTrue(select.select([ours], [], [], DEADLINE_S)[0], screen)
                screen += os.read(ours, 65536)
        await_text(b"33 77")
        self.assertIn(b"/dev/pts/", screen)
        os.write(ours, CTRL_P_CTRL_Q)
        self.assertEqual(run.wait(DEADLINE_S), 0)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 88, 0, 0))
        attach = self.start("attach", self.aid, stdin=theirs, stdout=theirs, stderr=theirs)
        os.write(ours, b"hello\n")
        await_text(b"got-hello")
        await_text(b"44 88")
        self.assertEqual(attach.wait(DEADLINE_S), 9)

    def test_exec_has_the_instances_surroundings_and_its_own_options(self):
        self.run_shell("sleep 1000", "-e", "A=b", "-w", "/usr")
        self.assertEqual(self.appshot("exec", self.aid, "sh", "-c", "echo $A; pwd"), "b\n/usr")
        self.assertEqual(self.appshot("exec", "-e", "A=c", "-w", "/", "--user", "65534", self.aid,
                                      "sh", "-c", "echo $A; pwd; id -u"), "c\n/\n65534")
        self.assertEqual(self.appshot("exec", "-i", self.aid, "cat", stdin="in"), "in")
        self.appshot("exec", self.aid, "sh", "-c", "exit 5", status=5)
        self.appshot("exec", self.aid, "no-such-program", status=127)

    def test_output_that_is_no_text_is_kept_byte_for_byte(self):
        self.run_shell(r"printf 'caf\303\251 \377\376'; sleep 1000")
        self.await_log_bytes(b"caf\xc3\xa9 \xff\xfe")
        entry = json.loads(self.appshot("logs", "--json", self.aid).splitlines()[0])
        self.assertEqual(entry["d"], "café ÿþ")
        self.assertEqual(entry["b"], "Y2Fmw6kg//4=")

    def await_log_bytes(self, wanted):
        def read():
            done = subprocess.run(self.command("logs", self.aid), env=self.env, check=True,
                                  capture_output=True, timeout=DEADLINE_S)
            return done.stdout == wanted
        until(read, f"{wanted} in its log")

    def test_a_terminal_that_nobody_has_open_is_there_for_the_next(self):
        late = "sleep 0.2; exec >/dev/pts/0 2>&1; echo late; sleep 1000"
        self.run_shell(f"trap '' HUP; echo early; setsid -f sh -c '{late}'", "-t")
        self.await_log("late")
        self.assertIn("early", self.appshot("logs", self.aid))

    def test_what_is_kept_of_instances_is_not_seen_inside(self):
        self.run_shell("sleep 1000")
        (self.root / "given").write_text("a file of the user's")
        for folder in ("lib", "run"):
            self.assertEqual(self.appshot("exec", self.aid, "ls", str(self.root / folder)), "")
        self.assertEqual(self.appshot("exec", self.aid, "cat", str(self.root / "given")),
                         "a file of the user's")


class Ending(Commands):
    def test_kill_ends_all_of_it(self):
        self.run_shell("sleep 1000 & sleep 1000 & echo up; wait")
        self.await_log("up")
        self.appshot("kill", "-s", "KILL", self.aid)
        self.assertEqual(self.await_end()["exit_signal"], signal.SIGKILL)

    def test_other_signals_are_the_programs_own_or_one_processs(self):
        self.run_shell("trap 'echo usr1' USR1; sh -c 'trap \"\" USR1; sleep 1000' & "
                       "echo up; while :; do wait; done")
        self.await_log("up")
        self.appshot("kill", "-s", "USR1", self.aid)
        self.await_log("usr1")
        self.appshot("kill", "-s", "SIGUSR1", "--pid", "2", self.aid)
        self.appshot("kill", "--pid", "99", self.aid, status=3)
        self.assertIn("hint: appshot rids", self.stderr)
        self.appshot("kill", "-s", "KILL", "--pid", "-1", self.aid, status=2)
        self.assertEqual(self.instance(self.aid)["state"], "running")

    def test_processes_that_outlive_the_program_are_reached(self):
        self.run_shell("sleep 1000 & sleep 1000 & exit 3")
        until(lambda: self.instance(self.aid)["processes"] == 2, "the program's end")
        self.appshot("kill", self.aid)
        self.assertEqual(self.await_end()["exit_status"], 3)

    def test_an_instance_that_waits_for_its_first_attach_can_be_stopped(self):
        self.request("POST /v1/instances", {"name": self.aid, "argv": ["sleep", "1000"],
                                            "env": ["PATH=/usr/bin:/bin"], "hold_start": True})
        self.assertEqual(self.instance(self.aid)["state"], "held")
        self.appshot("kill", self.aid, status=6)
        self.appshot("stop", "--timeout", "5", self.aid)
        self.assertEqual(self.instance(self.aid)["state"], "stopped")

    def request(self, line, body):
        text = json.dumps(body)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DEADLINE_S)
            connection.connect(str(self.root / "run/appshot.sock"))
            connection.sendall(f"{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: "
                               f"{len(text)}\r\n\r\n{text}".encode())
            while connection.recv(65536):
                pass


class Keeping(Commands):
    def test_commands_wait_for_the_successor_of_a_harness(self):
        self.run_counter()
        for words in (("exec", self.aid, "true"), ("rids", self.aid), ("snapshot", self.aid),
                      ("kill", "-s", "CONT", self.aid), ("check", self.aid), ("stop", self.aid)):
            with self.subTest(words[0]):
                self.kill_and_wait(self.instance(self.aid)["harness_pid"])
                self.appshot(*words)

    def test_a_program_that_is_just_being_started_is_no_obstacle(self):
        """Between vfork and exec two processes have one memory."""
        self.run_shell("while :; do /bin/true; done")
        for _ in range(20):
            self.appshot("check", self.aid)

    def test_a_name_is_one_that_can_be_typed_and_listed(self):
        self.run_shell("echo up; sleep 1000")
        self.await_log("up")
        for name in ("two\nlines", "\x1b[31mred", "a/b", "..", "x" * 64):
            self.appshot("snapshot", "--name", name, self.aid, status=2)
            self.assertIn("a snapshot cannot have this name", self.stderr)
        self.appshot("snapshot", "--name", "good_1.0-a", self.aid)
        self.assertEqual([s["name"] for s in self.json("snapshots")], ["good_1.0-a"])
        self.appshot("snapshot", "--progress", "loud", self.aid, status=2)

    def test_what_takes_long_tells_how_far_it_is(self):
        self.appshot("run", "-d", "--name", self.aid, "python3", "-c",
                     "import signal; kept = bytearray(b'x') * (900 << 20); "
                     "print('filled', flush=True); signal.pause()")
        self.await_log("filled")
        snapshot = self.appshot("snapshot", "--stop", "--progress=plain", self.aid)
        self.assertRegex(self.stderr, rf"(?m)^{self.aid}: memory [0-9]+/[0-9]+$")
        self.appshot("restore", "--eager", "--progress=plain", snapshot)
        self.assertRegex(self.stderr, rf"(?m)^{snapshot}: memory [0-9]+/[0-9]+$")

    def test_an_imported_snapshot_knows_how_its_program_was_started(self):
        self.run_shell("read line; echo got-$line; sleep 1000", "-t", "-i", "-w", "/usr")
        options = self.instance(self.aid)["options"]
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        file = str(self.root / "file")
        self.appshot("export", snapshot, file)
        self.appshot("rm", self.aid)
        self.appshot("snapshot-rm", snapshot)
        self.appshot("restore", self.appshot("import", file))
        restored = self.instance(self.aid)["options"]
        for name in ("tty", "stdin", "cwd", "user", "share"):
            self.assertEqual(restored[name], options[name], name)

    def test_an_image_knows_its_parent(self):
        self.run_counter()
        first = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", first)
        second = self.appshot("snapshot", self.aid)
        file = str(self.root / "file")
        self.appshot("export", second, file)
        imported = self.appshot("import", file)
        self.assertEqual(self.json("inspect", imported)["parent"], first)

    def test_json_of_every_command_is_one_document(self):
        self.run_counter()
        snapshot = self.json("snapshot", self.aid)["id"]
        file = str(self.root / "file")
        self.appshot("export", snapshot, file)
        for words in (("ps", "-a"), ("inspect", self.aid), ("inspect", snapshot), ("rids", self.aid),
                      ("check", self.aid), ("check",), ("events",), ("why", self.aid), ("snapshots",),
                      ("import", file), ("restore", snapshot, "--as", self.aid + "-copy"),
                      ("system", "df"), ("daemon", "status"), ("inspect", self.aid, snapshot)):
            with self.subTest(words):
                self.json(*words)
        for line in self.appshot("logs", "--json", self.aid).splitlines():
            json.loads(line)
        self.appshot("kill", "-s", "KILL", self.aid + "-copy")

    def test_each_exit_status_has_its_cause_and_most_a_hint(self):
        self.run_counter()
        cases = {1: ("import", "/etc/passwd"), 2: ("restore",), 3: ("stop", "nothing"),
                 6: ("rm", self.aid)}
        for status, words in cases.items():
            with self.subTest(status):
                self.appshot(*words, status=status)
                self.assertRegex(self.stderr, r"^appshot: ")
        self.assertIn("hint: ", self.stderr)
        busy = f"{self.aid}-busy"
        self.appshot("run", "-d", "--name", busy, "sleep", "1000")
        holder = self.start("exec", "-i", busy, "cat", stdin=subprocess.PIPE)
        until(lambda: self.appshot_status("check", busy) == 4, "an obstacle")
        self.appshot("snapshot", busy, status=4)
        self.assertIn("hint: ", self.stderr)
        holder.stdin.close()
        self.assertEqual(holder.wait(DEADLINE_S), 0)
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        folder = self.root / "lib/snapshots" / snapshot
        subprocess.run([BIN / "edit_image", folder, "page_size=16384"], check=True)
        self.appshot("restore", snapshot, status=5)
        self.assertIn("16384", self.stderr)

    def appshot_status(self, *words):
        return subprocess.run(self.command(*words), env=self.env, capture_output=True, check=False,
                              timeout=DEADLINE_S).returncode


class Machine(Node):
    def test_check_tells_what_this_machine_has(self):
        self.appshot("check")
        found = self.json("check")
        self.assertTrue(found["able"])
        self.assertGreater(len(found["features"]), 20)
        for feature in found["features"]:
            self.assertTrue(feature["present"] or not feature["essential"], feature)

    def test_check_fails_where_something_essential_is_missing(self):
        def give_up():
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)
        done = subprocess.run(self.command("check"), env=self.env, capture_output=True, text=True,
                              preexec_fn=give_up, timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 5, done.stdout + done.stderr)
        self.assertIn("CAP_SYS_ADMIN: this process does not have it", done.stderr)
        self.assertIn("  hint: ", done.stderr)

    def test_completion_works_in_bash(self):
        self.appshot("run", "-d", "--name", "web", "sleep")
        script = ('eval "$(appshot completion bash)"; COMP_WORDS=(appshot "$@"); '
                  'COMP_CWORD=$#; _appshot; echo "${COMPREPLY[@]}"')

        def complete(*words):
            env = dict(self.env, PATH=f"{BIN}:{os.environ['PATH']}")
            return subprocess.run(["bash", "-c", script, "bash", *words], env=env, text=True,
                                  capture_output=True, check=True, timeout=DEADLINE_S).stdout.split()
        self.assertEqual(complete("snap"), ["snapshot", "snapshots", "snapshot-rm"])
        self.assertEqual(complete("stop", ""), ["web"])
        snapshot = self.appshot("snapshot", "web")
        self.assertEqual(complete("restore", ""), [snapshot])
        self.assertIn("--name", complete("run", "--n"))

    def test_commands_that_are_not_there_are_told_with_a_hint(self):
        for words in (("nonsense",), ("run",), ("restore",), ("ps", "--nonsense"), ("kill",)):
            with self.subTest(words):
                self.appshot(*words, status=2)
                self.assertIn("hint: appshot", self.stderr)
