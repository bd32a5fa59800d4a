"""Rules are evaluated for each clone anew: what a program has open by a fixed path is opened again at
the place that the path leads to in that clone. The real harness.
"""

import subprocess
import unittest

from node_fixture import Follower, until
from real_fixture import RealNode, enter_own_world

# Writes where it was told at its start, through descriptors and its working folder alone.
WRITER = """
import os, time
os.makedirs("/data/in", exist_ok=True)
os.chdir("/data/in")
log = os.open("/data/log", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
head = os.open("/data/head", os.O_RDWR | os.O_CREAT, 0o600)
os.write(log, b"began\\n")
os.write(head, b"0123456789")
os.lseek(head, 4, os.SEEK_SET)
print("ready", flush=True)
while not os.path.exists("go"): time.sleep(0.02)
os.write(log, b"went on\\n")
os.write(head, b"x")
print("done", os.getcwd(), os.lseek(head, 0, os.SEEK_CUR), flush=True)
time.sleep(1000)
"""

# Has a file of the host mapped and locked, under a path that is a rule's own, and may watch a folder.
MAPPER = """
import ctypes, fcntl, mmap, os, time
f = open("PLACE/conf", "r+b")
fcntl.lockf(f, fcntl.LOCK_EX)
shared = mmap.mmap(f.fileno(), 4096)
shared[0:5] = b"first"
if WATCHES:
    libc = ctypes.CDLL(None)
    libc.inotify_add_watch(libc.inotify_init1(0), b"PLACE/d", 0x100)
print("ready", flush=True)
while not os.listdir("PLACE/d"): time.sleep(0.02)
(name,) = os.listdir("PLACE/d")
before = shared[0:10]
shared[0:5] = name.encode()[:5]
print("saw", name, before, flush=True)
time.sleep(1000)
"""


def program_at(place, watches=False):
    return MAPPER.replace("PLACE", str(place)).replace("WATCHES", str(watches))


def setUpModule():
    enter_own_world()


class OpenFiles(RealNode):
    def launch(self, rules, program=WRITER, *options):
        path = self.root / "rules"
        path.write_text(rules)
        self.appshot("run", "-d", "--name", self.aid, "--rules", str(path), *options, "--", "python3", "-c", program)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "ready")

    def clone(self, source, *options, **more):
        return self.appshot("clone", source, "-q", *options, "--name", f"{self.tag}-c-{{n}}", **more).split()

    def failing(self, *words):
        done = subprocess.run(self.command(*words), env=self.env, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr

    def inside(self, aid, script, status=0):
        return self.appshot("exec", aid, "sh", "-c", script, status=status)

    def go_on(self, aid):
        self.inside(aid, "touch /data/in/go")
        until(lambda: "done" in self.appshot("logs", aid), "it has gone on")
        self.assertIn("done /data/in 5", self.appshot("logs", aid))

    def check_clones(self, rules, log, head, *options):
        self.launch(rules)
        template = self.appshot("template", self.aid, *options)
        clones = self.clone(template, "-n", "3")
        for aid in clones:
            self.go_on(aid)
        for aid in clones:
            self.assertEqual(self.inside(aid, "cat /data/log"), log)
            self.assertEqual(self.inside(aid, "tr '\\0' . < /data/head"), head)
            self.assertEqual(self.inside(aid, f"cat /own/{aid}/log; stat -c %a /own/{aid}/log /own/{aid}/head"),
                             f"{log}\n640\n600")
            self.assertEqual(self.inside(aid, f"cat /own/{self.aid}/log"), "began")
        self.assertEqual(self.inside(self.aid, "cat /data/log"), "began")

    def test_a_copy_has_what_the_template_had(self):
        rules = 'REDIR PATH "/data" TO "/own/<INSTANCE>" COPY\n'
        self.check_clones(rules, "began\nwent on", "0123x56789")

    def test_what_is_created_is_empty_and_has_the_same_offset(self):
        rules = 'REDIR PATH "/data" TO "/own/<INSTANCE>" CREATE\n'
        self.check_clones(rules, "went on", "....x")

    def test_a_link_leads_each_clone_of_a_warm_template_to_its_own(self):
        self.check_clones('LINK "/data" TO "/own/<INSTANCE>" CREATE\n', "went on", "....x", "--warm")

    def test_a_restore_under_another_aid_is_one_of_another(self):
        self.launch('REDIR PATH "/data" TO "/own/<INSTANCE>" COPY\n')
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        other = f"{self.aid}-other"
        self.appshot("restore", snapshot, "--as", other)
        self.go_on(other)
        self.assertEqual(self.inside(other, f"cat /own/{other}/log"), "began\nwent on")
        self.assertEqual(self.inside(other, f"cat /own/{self.aid}/log"), "began")

    def test_what_is_mapped_and_locked_is_so_in_the_copy(self):
        host = self.root / "app"
        (host / "d").mkdir(parents=True)
        (host / "conf").write_bytes(b"content of it".ljust(4096))
        self.launch(f'REDIR PATH "{host}/conf" TO "/own/<INSTANCE>/conf" COPY\n'
                    f'REDIR PATH "{host}/d" TO "/own/<INSTANCE>/d" COPY\n', program_at(host))
        template = self.appshot("template", self.aid)
        clones = self.clone(template, "-n", "2")
        names = dict(zip((*clones, self.aid), ("one--", "two--", "three")))
        locked = f"import fcntl; fcntl.lockf(open('{host}/conf', 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        for aid, name in names.items():
            self.assertIn("BlockingIOError", self.appshot("exec", aid, "sh", "-c", f'python3 -c "{locked}" 2>&1 || :'))
            self.inside(aid, f"touch {host}/d/{name}")
            until(lambda aid=aid: "saw" in self.appshot("logs", aid), "it has seen the new file")
            self.assertIn(f"saw {name} b'firstnt of'", self.appshot("logs", aid))
        for aid, name in names.items():
            self.assertEqual(self.inside(aid, f"head -c 10 {host}/conf; ls {host}/d"), f"{name}nt of{name}")
            self.assertEqual(self.inside(aid, f"head -c 10 /own/{aid}/conf"), f"{name}nt of")
        self.assertEqual((host / "conf").read_bytes()[:7], b"content")

    def test_a_watch_and_a_mapping_without_a_copy_are_refused_with_the_rule(self):
        program = program_at("/data", watches=True).replace(
            'f = open("/data/conf", "r+b")',
            'f = open("/data/conf", "w+b"); f.truncate(4096); os.mkdir("/data/d")')
        for rule, watches, words in (("COPY", True, "(inotify)"), ("CREATE", False, "add COPY to the rule")):
            with self.subTest(rule):
                self.launch(f'REDIR PATH "/data" TO "/own/<INSTANCE>" {rule}\n',
                            program.replace("if True", f"if {watches}"))
                snapshot = self.appshot("snapshot", "--stop", self.aid)
                told = self.failing("restore", snapshot, "--as", f"{self.aid}-other")
                self.assertIn(":1:1", told)
                self.assertIn(words, told)
                self.appshot("rm", "-f", self.aid)

    def test_what_is_missing_and_may_not_be_made_is_refused_with_the_rule(self):
        host = self.root / "host"
        (host / self.aid).mkdir(parents=True)
        self.launch(f'EXCEPT PATH "{host}"\nREDIR PATH "/data" TO "{host}/<INSTANCE>"\n')
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        other = f"{self.aid}-other"
        told = self.failing("restore", snapshot, "--as", other)
        self.assertIn("2:1", told)
        self.assertIn(f"{host}/{other} is not there", told)
        (host / other).mkdir()
        told = self.failing("restore", snapshot, "--as", other)
        self.assertIn("2:1", told)
        self.assertIn(f"the program has /data/head open, which leads to {host}/{other}/head", told)
        self.assertIn("add COPY or CREATE", told)
        (host / other / "head").write_bytes(b"abcdefghij")
        (host / other / "log").write_text("other\n")
        (host / other / "in").mkdir()
        self.appshot("restore", snapshot, "--as", other)
        self.go_on(other)
        self.assertEqual((host / other / "head").read_text(), "abcdxfghij")
        self.assertEqual((host / self.aid / "head").read_text(), "0123456789")


THREE_LINES = """
DEFINE <APP> AS PROPERTY instance
DEFINE <TIER> AS PROPERTY env:TIER
REDIR PATH "/usr/app/data" TO "/usr/app/<APP>/data" COPY
SET ENV "HOME" = "/usr/app/<APP>"
SET ENV "WHERE" = "<APP> is <TIER>"
"""


class ARealProgram(RealNode):
    """A redis that knows one place for its data, and writes down there what it is told."""

    def ask(self, aid, *words):
        address = self.instance(aid)["address"]
        return subprocess.run(["redis-cli", "-h", address, *words], capture_output=True, text=True, check=True,
                              timeout=20).stdout.strip()

    def answers(self):
        try:
            return self.ask(self.aid, "PING") == "PONG"
        except subprocess.CalledProcessError:
            return False

    def test_each_clone_has_its_data_at_the_one_place_that_it_knows(self):
        rules = self.root / "rules"
        rules.write_text(THREE_LINES)
        self.appshot("run", "-d", "--name", self.aid, "--rules", str(rules), "-e", "TIER=bronze", "--", "sh", "-c",
                     "mkdir -p /usr/app/data; exec redis-server --dir /usr/app/data --appendonly yes --appendfsync always"
                     " --save '' --protected-mode no --enable-debug-command yes")
        until(self.answers, "redis")
        self.ask(self.aid, "SET", "whose", "the original's")
        template = self.appshot("template", self.aid, "--warm")
        clones = self.appshot("clone", template, "-q", "-n", "3", "-e", "TIER=gold", "--name", f"{self.tag}-{{n}}").split()
        for aid in clones:
            self.assertEqual(self.ask(aid, "GET", "whose"), "the original's")
            self.assertEqual(self.ask(aid, "SET", "whose", f"of {aid}"), "OK")
        for aid in (self.aid, *clones):
            words = "the original's" if aid == self.aid else f"of {aid}"
            self.assertEqual(self.ask(aid, "GET", "whose"), words)
            inside = self.appshot("exec", aid, "sh", "-c", "cd /usr/app; grep -rlaF \"$1\" . | sort -u; echo $HOME; echo $WHERE",
                                  "sh", words).splitlines()
            # In its own place, by either name, and nowhere else.
            self.assertTrue(all(name.startswith(("./data/", f"./{aid}/data/")) for name in inside[:-2]), inside)
            self.assertGreaterEqual(len(inside), 4, inside)
            self.assertEqual(inside[-2:], [f"/usr/app/{aid}", f"{aid} is {'bronze' if aid == self.aid else 'gold'}"])
        # It is read back from there.
        self.appshot("sleep", clones[0])
        self.appshot("wake", clones[0])
        self.assertEqual(self.ask(clones[0], "DEBUG", "LOADAOF"), "OK")
        self.assertEqual(self.ask(clones[0], "GET", "whose"), f"of {clones[0]}")


if __name__ == "__main__":
    unittest.main()
