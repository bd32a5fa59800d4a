"""What a template would do with each resource of a snapshot: `inspect` tells it, by itself and with
rules. The real harness.
"""

import pathlib
import unittest

from real_fixture import RealNode, enter_own_world, until

PROGRAM = pathlib.Path(__file__).with_name("holding.py")
NAMED, OBJECT = "its name is unique on a system", "an object of the application"
LAYER, IN_MEMORY = "in the private layer", "in a file system in memory"


def setUpModule():
    enter_own_world()


class Classes(RealNode):
    def hold(self, *options):
        self.appshot("run", "-d", "--name", self.aid, *options, "-v", f"{PROGRAM.parent}:/program:ro", "--",
                     "python3", "-B", "/program/" + PROGRAM.name)
        until(lambda: "holds" in self.appshot("logs", self.aid), "it holds all")

    def rules(self, text):
        path = self.root / "rules"
        path.write_text(text)
        return str(path)

    def records(self, snapshot):
        return self.json("inspect", snapshot)["records"]

    def verdict(self, records, kind, name=None, **where):
        """Class and criterion of all such records, which have the same."""
        found = {(r["class"], r["by"]) for r in records
                 if r["type"] == kind and name in (None, r["name"])
                 and all(r.get(key) == value for key, value in where.items())}
        self.assertEqual(len(found), 1, f"{kind} {name}: {found}")
        return found.pop()

    def check_all(self, records, expected):
        for (kind, name), verdict in expected.items():
            with self.subTest(kind=kind, name=name):
                self.assertEqual(self.verdict(records, kind, name), verdict)


class ByThemselves(Classes):
    EXPECTED = {
        ("process", "python3"): ("virtualise", NAMED),
        ("thread", None): ("virtualise", NAMED),
        ("memory", "heap"): ("cow", "can be modified"),
        ("memory", "stack"): ("cow", "can be modified"),
        ("memory", "vdso"): ("share", "the kernel's"),
        ("memory", "/dev/shm/counter"): ("duplicate", IN_MEMORY),
        ("device file", "/dev/null"): ("share", "holds no state"),
        ("device file", "/dev/urandom"): ("share", "holds no state"),
        ("stream", "stdout"): ("multiplex", "the harness has its other end"),
        ("regular file", "/srv/holding/log"): ("cow", LAYER),
        ("lock", "/srv/holding/log"): ("duplicate", OBJECT),
        ("named pipe", "/srv/holding/fifo"): ("duplicate", OBJECT),
        ("pipe", None): ("duplicate", OBJECT),
        ("unix socket", None): ("duplicate", OBJECT),
        ("tcp socket", None): ("duplicate", OBJECT),
        ("udp socket", None): ("duplicate", OBJECT),
        ("port", "tcp 8000"): ("virtualise", NAMED),
        ("port", "udp 5353"): ("virtualise", NAMED),
        ("published port", "9000:8000"): ("allocate", "unique outside"),
        ("virtual address", None): ("allocate", "unique on the network"),
        ("memfd", "holding"): ("duplicate", OBJECT),
        ("shared memory", None): ("duplicate", OBJECT),
        ("regular file", "/dev/shm/counter"): ("duplicate", IN_MEMORY),
        ("sysv shm", None): ("duplicate", OBJECT),
        ("sysv shm id", None): ("virtualise", NAMED),
        ("sysv sem", None): ("duplicate", OBJECT),
        ("sysv queue", None): ("duplicate", OBJECT),
        ("posix shm name", "/counter"): ("virtualise", NAMED),
        ("eventfd", None): ("duplicate", OBJECT),
        ("timerfd", None): ("duplicate", OBJECT),
        ("signalfd", None): ("duplicate", OBJECT),
        ("inotify", None): ("duplicate", OBJECT),
        ("epoll", None): ("duplicate", OBJECT),
        ("interval timer", "ITIMER_REAL"): ("duplicate", OBJECT),
        ("terminal", None): ("duplicate", OBJECT),
        ("process file", None): ("virtualise", NAMED),
        ("private file", "/srv/holding/log"): ("cow", LAYER),
        ("private file", "/dev/shm/counter"): ("duplicate", IN_MEMORY),
        ("host name", None): ("virtualise", NAMED),
        ("clocks", None): ("virtualise", NAMED),
        ("application id", None): ("allocate", "unique on the network"),
        ("public path", "/program"): ("share", "the host's (run -v)"),
    }

    def test_every_resource_of_a_snapshot_and_of_a_sleeper_has_a_class(self):
        self.hold("-p", "9000:8000")
        snapshot = self.appshot("snapshot", self.aid)
        records = self.records(snapshot)
        self.check_all(records, self.EXPECTED)
        for record in records:
            self.assertIn(record["class"], ("share", "cow", "duplicate", "virtualise", "multiplex", "allocate"))
            self.assertTrue(record["by"], record)
            self.assertIsInstance(record["size"], int)

        sizes = {(r["type"], r["name"]): r["size"] for r in records}
        self.assertEqual(sizes["regular file", "/srv/holding/log"], 100)
        self.assertEqual([r["size"] for r in records if r["by"] == "has no name any more"], [5000])
        self.assertIn(3, [r["size"] for r in records if r["type"] == "pipe"])
        self.assertIn(5, [r["size"] for r in records if r["type"] == "unix socket"])
        text = [r for r in records if r["type"] == "memory" and "/libc.so" in r["name"]]
        self.assertEqual({r["class"] for r in text}, {"share", "cow"})
        self.assertGreater(max(r["size"] for r in text if r["class"] == "share"), 1 << 20)

        self.appshot("sleep", self.aid)
        self.check_all(self.records(self.aid), {("regular file", "/srv/holding/log"): ("cow", LAYER),
                                                ("port", "tcp 8000"): ("virtualise", NAMED)})

    def test_the_table_has_them_too(self):
        self.hold()
        running = self.appshot("inspect", self.aid).split("\n\n")[1].splitlines()
        self.assertEqual(running[0].split(), ["TYPE", "NAME", "PROCESS", "FD", "DETAIL"])
        snapshot = self.appshot("snapshot", self.aid)
        table = self.appshot("inspect", snapshot).split("\n\n")[1].splitlines()
        self.assertEqual(table[0].split(), ["TYPE", "NAME", "PROCESS", "FD", "CLASS", "SIZE", "BY"])
        self.assertLessEqual(max(map(len, table)), 120)
        [log] = [line for line in table if line.startswith("regular file") and "/srv/holding/log" in line]
        self.assertRegex(log, r"^regular file +\S*/srv/holding/log +2 +\d+ +cow +100 B +in the private layer$")

    def test_what_is_shared_with_the_host_is_shared_by_clones(self):
        self.hold("--share", "uts", "--share", "time")
        records = self.records(self.appshot("snapshot", self.aid))
        self.check_all(records, {("host name", None): ("share", "the host's"), ("clocks", None): ("share", "the host's"),
                                 ("shared part", "uts"): ("share", "the host's (--share uts)")})


class BesideOneAnother(Classes):
    def test_two_that_are_made_of_one_snapshot_have_what_is_told(self):
        public = self.root / "public"
        public.mkdir()
        self.hold("-v", f"{public}:/public")
        snapshot = self.appshot("snapshot", self.aid)
        self.check_all(self.records(snapshot), {("private file", "/srv/holding/log"): ("cow", LAYER),
                                                ("private file", "/dev/shm/counter"): ("duplicate", IN_MEMORY),
                                                ("sysv shm id", None): ("virtualise", NAMED),
                                                ("port", "tcp 8000"): ("virtualise", NAMED),
                                                ("public path", "/public"): ("share", "the host's (run -v)")})
        second = self.aid + "-2"
        self.appshot("restore", snapshot, "--as", second)
        self.appshot("exec", self.aid, "sh", "-ec", "echo x >> /srv/holding/log; echo x > /dev/shm/counter; ipcrm -M 0x51;"
                                                    " echo common > /public/f")
        connect = "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 8000))'"
        look = f"stat -c %s /srv/holding/log /dev/shm/counter; ipcs -m | grep -c 0x00000051; cat /public/f; {connect}"
        self.assertEqual(self.appshot("exec", second, "sh", "-c", look), "100\n4096\n1\ncommon")
        self.assertEqual(self.appshot("exec", self.aid, "sh", "-c", look), "102\n2\n0\ncommon")


class ByRules(Classes):
    def test_rules_decide_and_are_named(self):
        self.hold("-p", "9000:8000", "--rules", self.rules("""
RESOURCE memory DO duplicate
RESOURCE file PATH "/srv/**" DO refuse
RESOURCE file PATH "/srv/holding/**" ON read,write,create DO duplicate
RESOURCE shm KEY 0x51 DO virtualise
RESOURCE port PORT 8000-8010 DO multiplex
  RESOURCE pipe DO duplicate
"""))
        snapshot = self.appshot("snapshot", self.aid)
        records = self.records(snapshot)
        self.check_all(records, {
            ("memory", "heap"): ("duplicate", f"rule {self.root}/rules:2:1"),
            ("regular file", "/srv/holding/log"): ("cow", f"rule {self.root}/rules:4:1 (duplicate): the same in effect"),
            ("private file", "/srv/holding/log"): ("cow", f"rule {self.root}/rules:4:1 (duplicate): the same in effect"),
            ("private file", "/srv"): ("cow", LAYER),
            ("sysv shm", None): ("duplicate", f"rule {self.root}/rules:5:1 (virtualise): the same in effect"),
            ("published port", "9000:8000"): ("multiplex", f"rule {self.root}/rules:6:1"),
            ("port", "udp 5353"): ("virtualise", NAMED),
            ("pipe", None): ("duplicate", f"rule {self.root}/rules:7:3"),
        })
        table = self.appshot("inspect", snapshot).split("\n\n")[1].splitlines()
        self.assertLessEqual(max(map(len, table)), 120)

    def test_they_are_kept_by_a_restore_and_followed_by_public_paths(self):
        public = self.root / "public"
        public.mkdir()
        self.hold("--rules", self.rules(f'EXCEPT PATH "{public}"\nRESOURCE terminal DO duplicate\n'))
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        again = self.records(self.appshot("snapshot", self.aid))
        self.assertEqual(self.verdict(again, "terminal"), ("duplicate", f"rule {self.root}/rules:2:1"))
        self.assertEqual(self.verdict(again, "public path", str(public)),
                         ("share", f"the host's ({self.root}/rules:1:1)"))


if __name__ == "__main__":
    unittest.main()
