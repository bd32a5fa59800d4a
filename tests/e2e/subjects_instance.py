"""One subject inside an instance: followed through its output, snapshotted and restored at each of its steps."""

import concurrent.futures
import json
import os
import re
import subprocess

from subjects_process import Deadline, Lines, TAG_VARIABLE

COMMAND_SECONDS = 60
CLONE_SECONDS = 120
REFUSED = 4
ENDED_STATES = ("stopped", "failed")


ENVIRONMENT = "subjects"
CLONES = 3  # of each snapshot


class Failed(Exception):
    """The subject does not pass, and why."""


class Skipped(Exception):
    """The subject says that it cannot be set up here."""


class Appshot:
    """The appshot of one build, with a state folder of its own."""

    def __init__(self, bin_folder, root, tag, lazy=False):
        self.program = os.path.join(bin_folder, "appshot")
        self.root = root
        self.tag = tag
        self.env = dict(os.environ, APPSHOT_ROOT=root, **{TAG_VARIABLE: tag})
        self.restore_options = []
        if lazy:  # what nobody asks for stays missing until the next snapshot
            self.restore_options = ["--lazy"]
            self.env["APPSHOT_FAULT"] = "memory.stream:EAGAIN"
        self.run_options = []
        self.warm = False  # clones are made of warm templates

    def use_environment(self):
        """One with a layer, in which the subjects' library lies: the rest of their files is the host's."""
        library = os.path.realpath("/lib/x86_64-linux-gnu/libc.so.6")
        self.command("env", "create", ENVIRONMENT)
        self.command("env", "install", ENVIRONMENT, "--", "sh", "-c",
                     f"cp -a {library} {library}.new && mv {library}.new {library}")
        self.run_options = ["--env", ENVIRONMENT]

    def command(self, *arguments, status=0, seconds=COMMAND_SECONDS):
        """Runs one command to its end; any other exit status than the expected one is a failure."""
        try:
            done = subprocess.run([self.program, *arguments], env=self.env, stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as expired:
            said = (expired.stderr or b"").decode(errors="replace")
            raise Failed(f"appshot {' '.join(arguments)} took more than {seconds} s\n{said}") from None
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if done.returncode != status:
            raise Failed(f"appshot {' '.join(arguments)} ended with {done.returncode}, expected {status}\n{out}{err}")
        return out, err

    def try_command(self, *arguments):
        """For diagnosis and tidying: whatever it says."""
        try:
            done = subprocess.run([self.program, *arguments], env=self.env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)
            return done.stdout.decode(errors="replace")
        except (subprocess.TimeoutExpired, OSError) as error:
            return f"({error})\n"

    def instance(self, aid):
        document = json.loads(self.command("ps", "-a", "--json")[0])
        for record in document:
            if record["aid"] == aid:
                return record
        raise Failed(f"ps -a does not list {aid}")


class InstanceRun:
    """One subject's life in one instance. `output` and `transcript` are for the report."""

    def __init__(self, appshot, aid, program, cycles, options=()):
        self.appshot = appshot
        self.aid = aid
        self.program = program
        self.cycles = cycles
        self.options = options
        self.steps = []
        self.snapshots = 0
        self.said = []  # every line of the subject, once
        self.expectations = []

    def run(self, seconds):
        """Returns what to tell of a pass; raises Failed or Skipped."""
        arguments = ["run", "-d", "--name", self.aid, "-e", f"SUBJECT_CYCLES={self.cycles}", "-e",
                     f"{TAG_VARIABLE}={self.appshot.tag}", "-e", "TMPDIR=/tmp"]
        self.appshot.command(*arguments, *self.appshot.run_options, *self.options, "--", self.program)
        return self.follow(Deadline(seconds))

    def follow(self, deadline):
        """To its end; it is removed then, whatever became of it."""
        try:
            while self._follow_once(deadline):
                pass
            return self._verdict()
        except TimeoutError as late:
            raise Failed(f"{late}, after {self._progress()}") from None
        finally:
            self.appshot.try_command("rm", "-f", self.aid)

    def _follow_once(self, deadline):
        """Reads the log until its stream ends; tells whether the application goes on."""
        self._read_log(["logs", "-f", self.aid], deadline)
        if deadline.left() == 0:
            raise TimeoutError("did not end")
        if self.appshot.instance(self.aid)["state"] not in ENDED_STATES:
            return True
        self._read_log(["logs", self.aid], deadline)  # what came between the stream's end and the application's
        return False

    def _read_log(self, arguments, deadline):
        log = Lines([self.appshot.program, *arguments], self.appshot.env)
        read = 0
        try:
            while (line := log.next(deadline)) is not None:
                read += 1
                if read <= len(self.said) and self.said[read - 1] == line:
                    continue  # told before this stream began
                if line.startswith("step ") and line in self.said:
                    raise Failed(f"printed twice: {line}")
                self.said.append(line)
                self._heard(line)
        finally:
            log.close()

    def _heard(self, line):
        if line.startswith("step "):
            self.steps.append(line[5:])
            for _ in range(self.cycles):
                self._snapshot_and_restore()
        elif line.startswith("expect "):
            _, kind, value = line.split(" ", 2)
            if not self.expectations or "words" in self.expectations[-1]:
                self.expectations.append({})
            self.expectations[-1][kind] = value
        elif line == "hold":
            self._check_refused()

    def _snapshot_and_restore(self):
        """First a snapshot of which the application must notice nothing, then one that ends it."""
        name = f"{self.aid}-{self.snapshots}"
        self.snapshots += 1
        self.appshot.command("snapshot", self.aid, "--name", f"{name}-live")
        self.appshot.command("snapshot-rm", f"{name}-live")
        out, _ = self.appshot.command("snapshot", self.aid, "--stop", "--name", name)
        snapshot = out.split()[-1] if out.split() else name
        self.appshot.command("restore", *self.appshot.restore_options, snapshot)
        self.appshot.command("snapshot-rm", snapshot)

    def _progress(self):
        return f"{self.snapshots} snapshots, steps: {', '.join(self.steps) or 'none'}"

    def _check_refused(self):
        """Refused with and without --stop, saying what and where; the application is then told to go on."""
        for more in ([], ["--stop"]):
            _, said = self.appshot.command("snapshot", self.aid, *more, status=REFUSED)
            self._check_obstacles(said, "snapshot " + " ".join(more))
        self.appshot.command("kill", "-s", "TERM", self.aid)

    def _check_obstacles(self, said, command):
        for wanted in self.expectations:
            patterns = [rf"\b{kind} {value}\b" for kind, value in wanted.items() if kind != "words"]
            patterns.append("|".join(re.escape(word) for word in wanted["words"].split("|")))
            if not any(all(re.search(p, line, re.IGNORECASE) for p in patterns) for line in said.splitlines()):
                raise Failed(f"no line of what {command} says names {wanted}:\n{said}")

    def _verdict(self):
        record = self.appshot.instance(self.aid)
        status, killed_by = record.get("exit_status"), record.get("exit_signal")
        for line in self.said:
            if line.startswith("skip: ") and status == 77:
                raise Skipped(line[6:])
        if killed_by:
            raise Failed(f"killed by signal {killed_by} after {self._progress()}")
        if status != 0:
            raise Failed(f"exit status {status} after {self._progress()}")
        if "ok" not in self.said:
            raise Failed(f"ended without ok after {self._progress()}")
        return f"{len(self.steps)} steps, {self.snapshots} snapshots"


class ClonedRun(InstanceRun):
    """At each step it ends in a snapshot, and clones of that go on in its place. The first of them is cloned again at
    the next step, so that those of a subject with two steps are clones of a clone; the others are snapshotted and
    restored."""

    def __init__(self, appshot, aid, program, options=(), is_first=True):
        super().__init__(appshot, aid, program, 1, options)
        self.is_first = is_first
        self.clones = 0

    def _snapshot_and_restore(self):
        if self.is_first:
            self._clone()
        else:
            super()._snapshot_and_restore()

    def _clone(self):
        source = self._snapshot()
        self.clones += CLONES
        pattern = f"{self.aid}-{{n}}"
        try:
            self.appshot.command("clone", *self.appshot.restore_options, source, "-n", str(CLONES), "--name", pattern)
        finally:
            self.appshot.try_command("template-rm" if self.appshot.warm else "snapshot-rm", source)
        runs = [ClonedRun(self.appshot, pattern.format(n=number), self.program, self.options, number == 1)
                for number in range(1, CLONES + 1)]
        with concurrent.futures.ThreadPoolExecutor(CLONES) as pool:
            outcomes = [pool.submit(run.follow, Deadline(CLONE_SECONDS)) for run in runs]
        for run, outcome in zip(runs, outcomes):
            if error := outcome.exception():
                raise error if isinstance(error, Skipped) else Failed(f"clone {run.aid}: {error}\n" + "\n".join(run.said))

    def _snapshot(self):
        """Its end: what the clones are to be made of."""
        name = f"{self.aid}-{self.snapshots}"
        self.snapshots += 1
        self.appshot.command("snapshot", self.aid, "--stop", "--name", name)
        if not self.appshot.warm:
            return name
        self.appshot.command("template", name, "--name", f"{name}-warm", "--warm")
        self.appshot.command("snapshot-rm", name)
        return f"{name}-warm"

    def _verdict(self):
        if self.clones == 0:
            return super()._verdict()
        return f"{len(self.steps)} steps, {self.clones} clones"
