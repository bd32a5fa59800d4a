"""Hooks: programs of an instance that are run before its snapshots and after its restores and clones.

The real harness.
"""

import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world

# Tells what the file holds whenever its generation has changed.
TELLS = """
mkdir -p /etc/appshot/hooks
{hooks}
chmod +x /etc/appshot/hooks/*
echo launched > /tmp/told
echo ready
last=$(cat /run/appshot/generation)
while :; do
  now=$(cat /run/appshot/generation)
  [ "$now" = "$last" ] || {{ echo "generation $now: $(cat /tmp/told)"; last=$now; }}
  sleep 0.01
done
"""


def setUpModule():
    enter_own_world()


def hook(name, script):
    return f"cat > /etc/appshot/hooks/{name} <<'END'\n#!/bin/sh\n{script}\nEND\n"


class Hooks(RealNode):
    def launch(self, **hooks):
        script = "".join(hook(name.replace("_", "-"), text) for name, text in hooks.items())
        self.appshot("run", "-d", "--name", self.aid, "--", "sh", "-c", TELLS.format(hooks=script))
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "ready")

    def hook_events(self, aid):
        return [event for event in self.json("events") if event["kind"] == "hook" and event["aid"] == aid]

    def assert_says(self, aid, *lines):
        with Follower(self, "logs", "-f", aid) as log:
            for line in lines:
                self.assertEqual(log.line(), line)

    def test_what_follows_a_clone_or_restore_is_done_before_the_program_goes_on(self):
        told = 'sleep 0.2; echo "$APPSHOT_EVENT of $APPSHOT_AID" > /tmp/told; echo done'
        self.launch(after_clone=told, after_restore=told)
        template = self.appshot("template", self.aid, "--warm")
        names = [f"{self.tag}-{number}" for number in (1, 2)]
        self.appshot("clone", template, "-n", "2", "--name", f"{self.tag}-{{n}}")
        for name in names:
            self.assert_says(name, f"generation 2: after-clone of {name}")
            (event,) = self.hook_events(name)
            self.assertIn("the hook after-clone ended with status 0: done", event["text"])
            self.assertEqual(event["details"]["output"], "done\n")
            self.assertGreaterEqual(event["details"]["took_ms"], 200)
        self.appshot("sleep", names[0])
        self.appshot("wake", names[0])
        self.assert_says(names[0], f"generation 2: after-clone of {names[0]}",
                         f"generation 3: after-restore of {names[0]}")
        self.assertEqual(self.hook_events(self.aid), [])

    def test_who_does_not_want_a_snapshot_is_heard(self):
        self.launch(before_snapshot='echo no room; touch /tmp/asked; test "$(cat /tmp/told)" != launched')
        for words in (("snapshot", self.aid), ("snapshot", "--stop", self.aid), ("sleep", self.aid),
                      ("template", self.aid), ("clone", self.aid)):
            self.appshot(*words, status=4)
            self.assertIn("the hook before-snapshot ended with status 1: no room", self.stderr)
        self.assertEqual(self.instance(self.aid)["state"], "running")
        self.assertEqual(len(self.hook_events(self.aid)), 5)
        self.assertEqual(self.json("snapshots"), [])
        self.appshot("exec", self.aid, "sh", "-c", "echo willing > /tmp/told")
        self.appshot("snapshot", self.aid)

    def test_one_that_fails_afterwards_is_told(self):
        self.launch(after_clone="echo broken >&2; kill -9 $$")
        self.appshot("clone", self.aid, "--name", f"{self.tag}-1")
        self.assert_says(f"{self.tag}-1", "generation 2: launched")
        (event,) = self.hook_events(f"{self.tag}-1")
        self.assertIn("was killed by signal 9 (Killed): broken", event["text"])
        self.assertFalse(event["details"]["well"])

    def test_one_that_cannot_be_run(self):
        self.launch(after_clone="")
        self.appshot("exec", self.aid, "sh", "-c", "cd /etc/appshot/hooks; rm after-clone; mkdir after-clone")
        self.appshot("clone", self.aid, "--name", f"{self.tag}-1")
        (event,) = self.hook_events(f"{self.tag}-1")
        self.assertIn("could not be run", event["text"])
        self.assertEqual(self.instance(f"{self.tag}-1")["state"], "running")

    def test_time_is_limited_and_so_is_what_is_kept_of_it(self):
        # Its children are killed with it; what it writes without end does not stop it.
        self.launch(after_clone="tail -f /dev/null & yes")
        self.appshot("clone", self.aid, "--name", f"{self.tag}-1")
        (event,) = self.hook_events(f"{self.tag}-1")
        self.assertIn("was not done in 10 s and was killed: y", event["text"])
        self.assertEqual(len(event["details"]["output"]), 4096)
        self.assert_says(f"{self.tag}-1", "generation 2: launched")
        self.assertEqual(self.appshot("exec", f"{self.tag}-1", "sh", "-c", "cat /proc/[0-9]*/comm | grep -c -x -e yes -e tail || true"),
                         "0")


if __name__ == "__main__":
    unittest.main()
