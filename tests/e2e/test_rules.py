"""Rules lead paths of an instance elsewhere: for each instance to its own place, under the name that
the application asks for. The real harness.
"""

import os
import pathlib
import unittest

from real_fixture import COUNTER, RealNode, enter_own_world, until

REDIRECTION = """
REDIR PATH "/user/app/config" TO "/usr/app/<INSTANCE>/config" CREATE
SET ENV "APP_CONFIG" = "/user/app/config of <INSTANCE> on <NODE>"
"""


def setUpModule():
    enter_own_world()


class Rules(RealNode):
    def rules(self, text):
        path = self.root / "rules"
        path.write_text(text)
        return str(path)

    def launch(self, text, *more):
        self.appshot("run", "-d", "--name", self.aid, "--rules", self.rules(text), *more, "--", *COUNTER)

    def inside(self, script, status=0):
        return self.appshot("exec", self.aid, "sh", "-c", script, status=status)

    def once(self, text, script, status=0, *more):
        return self.appshot("run", "--rm", "--rules", self.rules(text), *more, "--", "sh", "-c", script, status=status)


class Redirecting(Rules):
    def test_each_instance_finds_its_own_place_under_the_public_name(self):
        for number in (1, 2):
            self.aid = f"{self.tag}-{number}"
            self.launch(REDIRECTION)
            self.inside(f"echo {number} > /user/app/config/f")
        for number in (1, 2):
            self.aid = f"{self.tag}-{number}"
            self.assertEqual(self.inside(f"cat /user/app/config/f /usr/app/{self.aid}/config/f"), f"{number}\n{number}")
            self.assertEqual(self.inside("echo $APP_CONFIG"), f"/user/app/config of {self.aid} on {os.uname().nodename}")
        self.assertFalse(pathlib.Path("/user").exists())

    def test_names_that_are_read_back_are_the_public_ones(self):
        self.launch(REDIRECTION)
        self.inside("mkdir -p /user/app/config/d; echo x > /user/app/config/d/f; ln -s ../f /user/app/config/d/up")
        checks = {
            "cd /user/app/config/d && pwd -P": "/user/app/config/d",
            "cd /user/app/config/d && readlink /proc/self/cwd": "/user/app/config/d",
            "exec 5< /user/app/config/d/f; readlink /proc/self/fd/5": "/user/app/config/d/f",
            "cd /user/app/config/d && cd .. && pwd -P": "/user/app/config",
            "cd /user/app/config && cd .. && pwd -P": "/user/app",
            "cd /user/app/config/d && cat ../d/../../config/d/f": "x",
            "realpath /user/app/../app/config/d/f": "/user/app/config/d/f",
            "ln -s /user/app/config /tmp/to-config; cat /tmp/to-config/d/f": "x",
            "ln /user/app/config/d/f /user/app/config/g; cat /user/app/config/g": "x",
            "printf '#!/user/app/config/i\\n' > /user/app/config/s; cp /bin/echo /user/app/config/i; "
            "chmod +x /user/app/config/s; /user/app/config/s": "/user/app/config/s",
        }
        for script, answer in checks.items():
            with self.subTest(script):
                self.assertEqual(self.inside(script), answer)

    def test_the_calls_that_take_paths_apart_do_as_on_a_host(self):
        program = r"""
import ctypes, os, select, socket, struct
base = "/user/app/config"
os.makedirs(base + "/d")
at = os.open(base, os.O_PATH | os.O_DIRECTORY)
fd = os.open("d/f", os.O_CREAT | os.O_RDWR, dir_fd=at)
assert os.stat("d/f", dir_fd=at).st_ino == os.fstat(fd).st_ino
assert os.stat(base + "/d/f").st_ino == os.fstat(fd).st_ino
libc = ctypes.CDLL(None, use_errno=True)
how = struct.pack("QQQ", os.O_RDONLY, 0, 0x08)  # RESOLVE_BENEATH
got = libc.syscall(437, at, b"d/f", how, len(how))
assert got >= 0, ctypes.get_errno()
assert libc.syscall(437, at, b"../config/d/f", how, len(how)) < 0
watch = libc.inotify_init1(0)
assert libc.inotify_add_watch(watch, (base + "/d").encode(), 0x100) > 0
open(base + "/d/new", "w").close()
assert select.select([watch], [], [], 10)[0] and b"new" in os.read(watch, 4096)
server = socket.socket(socket.AF_UNIX); server.bind(base + "/s"); server.listen()
client = socket.socket(socket.AF_UNIX); client.connect(base + "/s")
assert client.getpeername() == base + "/s"
os.rename(base + "/d", base + "/e")
print(os.readlink("/proc/self/fd/%d" % fd))
"""
        self.launch(REDIRECTION)
        done = self.appshot("exec", "-i", self.aid, "python3", "-", stdin=program)
        self.assertEqual(done, "/user/app/config/e/f")

    def test_it_goes_on_after_a_restore_with_its_files_open(self):
        text = 'REDIR PATH "/data" TO "/own/<APPL-ID>" CREATE\n'
        script = ("exec 5>> /data/log; cd /data; echo began >&5; "
                  "while read line; do echo $line $(pwd -P) >&5; echo told; done")
        path = self.rules(text)
        self.appshot("run", "-d", "-i", "--name", self.aid, "--rules", path, "--", "sh", "-c",
                     script.replace("while read line", "while sleep 0.05 && line=x"))
        until(lambda: self.appshot("logs", self.aid), "a line")
        for _ in range(2):
            snapshot = self.appshot("snapshot", "--stop", self.aid)
            self.appshot("restore", snapshot)
            before = len(self.inside("cat /data/log").splitlines())
            until(lambda before=before: len(self.inside("cat /data/log").splitlines()) > before, "more lines")
        self.assertEqual(set(self.inside("cat /data/log").splitlines()[1:]), {"x /data"})
        self.assertEqual(self.inside("ls /own"), self.aid)

    def test_read_only_and_within_one_another(self):
        text = ('REDIR PATH "/a" TO "/one" CREATE\nREDIR PATH "/a/b" TO "/two" CREATE READONLY\n'
                f'EXCEPT PATH "{self.root}/pub"\nREDIR PATH "{self.root}" TO "/three" CREATE\n')
        (self.root / "pub").mkdir()
        (self.root / "pub/x").write_text("host\n")
        self.launch(text)
        self.inside("echo 1 > /a/x")
        self.assertIn("Read-only", self.appshot("exec", self.aid, "sh", "-c", "touch /a/b/x 2>&1", status=1))
        self.assertEqual(self.inside("ls /one /two"), "/one:\nb\nx\n\n/two:")
        self.assertEqual(self.inside(f"cat {self.root}/pub/x; ls {self.root}; ls /three"), "host\npub\npub")
        self.inside(f"echo inside > {self.root}/pub/y")
        self.assertEqual((self.root / "pub/y").read_text(), "inside\n")


class Copying(Rules):
    def test_a_copy_begins_with_what_lies_at_the_path(self):
        host = self.root / "app"
        (host / "d").mkdir(parents=True)
        (host / "d/f").write_text("of the host\n")
        os.link(host / "d/f", host / "g")
        os.chown(host / "d", 1234, 0)
        (host / "conf").write_text("a = 1\n")
        (host / "conf").chmod(0o640)
        text = (f'REDIR PATH "{host}/d" TO "/own/<INSTANCE>/deep" COPY\n'
                f'REDIR PATH "{host}/conf" TO "/own/<INSTANCE>/conf" COPY\n')
        self.launch(text)
        self.assertEqual(self.inside(f"cat {host}/d/f {host}/conf; stat -c %u /own/{self.aid}/deep; stat -c %a {host}/conf"),
                         "of the host\na = 1\n1234\n640")
        self.inside(f"echo changed > {host}/d/f; echo b >> {host}/conf; rm /own/{self.aid}/deep/none 2>&1 || :")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)  # what is there is not copied again
        self.assertEqual(self.inside(f"cat {host}/d/f {host}/conf; ls /own/{self.aid}"),
                         "changed\na = 1\nb\nconf\ndeep")
        self.assertEqual((host / "d/f").read_text(), "of the host\n")

    def test_what_a_crash_has_left_of_a_copy_is_none(self):
        host = self.root / "app"
        (host / "d").mkdir(parents=True)
        (host / "d/f").write_text("of the host\n")
        (host / "conf").write_text("a = 1\n")
        os.setxattr(host / "conf", "user.note", b"n")
        own = f"/own/{self.aid}"
        self.appshot("env", "create", "env")
        self.appshot("env", "install", "env", "--", "sh", "-c",
                     f"mkdir -p {own}/deep.appshot-copy/root; echo half > {own}/deep.appshot-copy/root/f;"
                     f" echo half > {own}/conf.appshot-copy")
        self.launch(f'REDIR PATH "{host}/d" TO "/own/<INSTANCE>/deep" COPY\n'
                    f'REDIR PATH "{host}/conf" TO "/own/<INSTANCE>/conf" COPY\n', "--env", "env")
        self.assertEqual(self.inside(f"cat {host}/d/f {host}/conf; ls {own}"), "of the host\na = 1\nconf\ndeep")
        note = "import os; print(os.getxattr('%s/conf', 'user.note'))"
        self.assertEqual(self.appshot("exec", self.aid, "python3", "-c", note % own), "b'n'")


class Linking(Rules):
    LINKS = ('LINK "/etc/app-current" TO "/srv/<INSTANCE>"\n'
             'LINK "/etc/app-made" TO "/srv/made/<INSTANCE>" CREATE\n')

    def test_a_dynamic_link_is_one_path_for_the_application(self):
        self.launch(self.LINKS)
        self.assertEqual(self.inside("cd /etc/app-made && echo x > f && pwd -P"), "/etc/app-made")
        self.assertEqual(self.inside(f"cat /srv/made/{self.aid}/f"), "x")

    def test_what_it_leads_to_may_come_later_and_is_resolved_anew(self):
        self.launch(self.LINKS)
        self.inside("cat /etc/app-current/f", status=1)
        self.inside(f"mkdir /srv/{self.aid} && echo late > /srv/{self.aid}/f")
        self.assertEqual(self.inside("cat /etc/app-current/f"), "late")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        self.assertEqual(self.inside("cd /etc/app-current && pwd -P && cat f"), "/etc/app-current\nlate")
        self.appshot("stop", self.aid)
        first = self.aid
        self.aid = f"{first}-other"
        self.appshot("restore", snapshot, "--as", self.aid)
        self.inside("cat /etc/app-current/f", status=1)
        self.assertEqual(self.inside("readlink /etc/app-current"), f"/srv/{self.aid}")


class Refusing(Rules):
    def test_a_mistake_is_shown_with_its_line(self):
        self.appshot("run", "--rules", self.rules('REDIR PATH "/a" TO "/usr/<APPLID>/b"\n'), "--", "true", status=2)
        self.assertIn("rules:1:27: <APPLID> is not defined; did you mean <APPL-ID>?", self.stderr)
        self.assertIn("\n" + " " * 28 + "^", self.stderr)
        self.assertEqual(self.json("ps", "-a"), [])

    def test_a_target_that_is_not_there_is_named_with_its_rule(self):
        self.appshot("run", "--rules", self.rules('\nREDIR PATH "/a" TO "/nowhere"\n'), "--", "true", status=125)
        self.assertIn("rules:2:1", self.stderr)
        self.assertIn("add CREATE", self.stderr)

    def test_a_name_that_would_lead_out_is_refused(self):
        text = 'DEFINE <WHO> AS PROPERTY env:WHO\nREDIR PATH "/a" TO "/own/<WHO>" CREATE\n'
        self.appshot("run", "-e", "WHO=../../etc", "--rules", self.rules(text), "--", "true", status=2)
        self.assertIn("../../etc", self.stderr)

    def test_links_on_the_way_lead_nowhere_outside(self):
        """What a rule leads to is found inside, whatever links the files of the instance hold."""
        self.appshot("env", "create", "e")
        self.appshot("env", "install", "e", "--", "sh", "-c",
                     "ln -s ../../../../../../.. /opt/up && ln -s /proc/1/root /opt/root && ln -s /etc /opt/etc")
        outside = self.root / "outside"
        outside.mkdir()
        for where, status in ((f"/opt/up{outside}", 0), (f"/opt/root{outside}", 125), ("/opt/etc", 0)):
            text = f'REDIR PATH "/a" TO "{where}"\n'
            self.appshot("run", "--rm", "--env", "e", "--rules", self.rules(text), "--", "touch", "/a/appshot-x",
                         status=status)
        self.assertEqual(list(outside.iterdir()), [])  # the instance's own view of it was changed
        self.assertFalse(pathlib.Path("/etc/appshot-x").exists())

    def test_who_shares_the_hosts_files_has_no_rules(self):
        self.appshot("run", "--share", "fs", "--rules", self.rules(REDIRECTION), "--", "true", status=2)


class Keeping(Rules):
    def test_rules_of_an_environment_hold_for_what_is_started_afterwards(self):
        self.appshot("env", "create", "e")
        self.appshot("run", "-d", "--name", self.aid, "--env", "e", "--", *COUNTER)
        self.appshot("env", "rules", "e", "--set", self.rules(REDIRECTION))
        self.assertEqual(self.appshot("env", "rules", "e"), REDIRECTION.strip("\n"))
        self.inside("ls /user", status=2)
        self.assertEqual(self.appshot("run", "--rm", "--env", "e", "--", "sh", "-c", "ls -d /user/app/config"),
                         "/user/app/config")
        self.appshot("env", "rules", "e", "--set", self.rules("nonsense"), status=2)
        self.assertEqual(self.appshot("env", "rules", "e"), REDIRECTION.strip("\n"))

    def test_an_environments_override_everybodys_and_a_launchs_both(self):
        def rule(where):
            return f'REDIR PATH "/a" TO "/{where}" CREATE\n'
        self.appshot("env", "create", "e")
        self.appshot("env", "rules", "--everybody", "--set", self.rules(rule("everybody")))
        where = lambda *how: self.appshot("run", "--rm", *how, "--", "sh", "-c", "touch /a/x; ls -d /*/x")
        self.assertIn("/everybody/x", where())
        self.appshot("env", "rules", "e", "--set", self.rules(rule("environment")))
        self.assertIn("/environment/x", where("--env", "e"))
        self.assertIn("/launch/x", where("--env", "e", "--rules", self.rules(rule("launch"))))

    def test_resolve_tells_where_a_path_goes_and_by_which_rule(self):
        self.appshot("env", "create", "e")
        self.appshot("env", "install", "e", "--", "sh", "-c", "echo x > /opt/appshot-x; rm /etc/hostname")
        self.appshot("env", "rules", "e", "--set", self.rules(REDIRECTION))
        layer = self.json("env", "ls")[0]["layers"][0]["id"]
        for path, leads_to, found in (("/user/app/config/a/../b", None, None),
                                      ("/user/app/config/a", "/usr/app/<INSTANCE>/config/a", "nowhere"),
                                      ("/opt//appshot-x/", "/opt/appshot-x", "layer"),
                                      ("/etc/hostname", "/etc/hostname", "removed"),
                                      ("/bin/sh", "/bin/sh", "host"), ("/none", "/none", "nowhere")):
            if leads_to is None:
                self.appshot("env", "resolve", "e", path, status=2)
                continue
            told = self.json("env", "resolve", "e", path)
            self.assertEqual((told["leads_to"], told["found"]), (leads_to, found))
            self.assertEqual(told["layer"], layer if found in ("layer", "removed") else None)
        self.assertIn("by e:2:1: REDIR PATH", self.appshot("env", "resolve", "e", "/user/app/config/a"))
        self.appshot("run", "-d", "--name", self.aid, "--env", "e", "--", *COUNTER)
        self.assertEqual(self.json("env", "resolve", "e", "/user/app/config/a", "--as", self.aid)["leads_to"],
                         f"/usr/app/{self.aid}/config/a")

    def test_an_editor_changes_them(self):
        self.appshot("env", "create", "e")
        self.env["VISUAL"] = "sh -c 'echo \"LINK \\\"/a\\\" TO \\\"/b\\\"\" >> \"$0\"'"
        self.appshot("env", "rules", "e", "--edit")
        self.assertEqual(self.appshot("env", "rules", "e"), 'LINK "/a" TO "/b"')
        self.env["VISUAL"] = "sh -c 'echo nonsense > \"$0\"'"
        self.appshot("env", "rules", "e", "--edit", status=2)
        kept = pathlib.Path(self.stderr.split("what you wrote is in ")[1].split(":")[0])
        self.assertEqual(kept.read_text(), "nonsense\n")
        kept.unlink()
        self.env["VISUAL"] = "false"
        self.appshot("env", "rules", "e", "--edit", status=1)
        self.assertEqual(self.appshot("env", "rules", "e"), 'LINK "/a" TO "/b"')


if __name__ == "__main__":
    unittest.main()
