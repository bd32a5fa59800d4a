#!/usr/bin/env python3
"""Runs the subjects (tests/subjects): natively first, as the oracle, then in an instance that is snapshotted and
restored at every step.

    subjects.py --bin BUILD/bin --subjects BUILD/subjects [--native] [--cycles N] [--lazy] [--environment] [--userns]
                [--clones cold|warm] [-j N] [--only GLOB] [--list]
"""

import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import subjects_process as processes
from huge_pages import huge_pages
from subjects_instance import Appshot, ClonedRun, Failed, InstanceRun, Skipped
from subjects_process import Deadline, Lines, TAG_VARIABLE

WITH_LOOPBACK = str(pathlib.Path(__file__).resolve().parents[2] / "dev.d" / "with_loopback")
NATIVE_SECONDS = 60
SKIPPED_STATUS = 77
# Subjects that take all the processor time they can get: run one at a time, after the others.
GREEDY = "churn*"
# The host's files are seen there through two overlays.
NOT_IN_ENVIRONMENTS = [("proc_exec_deleted*", "copies its program with copy_file_range, to another file system there"),
                       ("refuse_mounts*", "mounts an overlay, and none can lie upon two others")]
# What an instance may do with users of its own is less: over the machine, and over what is mounted in it and its
# processes' ids, only the machine's root has rights.
RIGHTS = "takes a right that only the machine's root has"
SHARED = "processes that share descriptors, folders or memory, and live in a user namespace: refused by name"
NOT_WITH_OWN_USERS = [
    *[(name, RIGHTS) for name in ("cred_threads_caps*", "file_in_dev*", "mount_*", "refuse_lost_mounts*",
                                  "refuse_mount*", "refuse_nested_ids*", "space_time*", "space_user", "space_user.*",
                                  "tcp_established*", "unix_credentials*", "unix_options*")],
    *[(name, SHARED) for name in ("pty_shared*", "thread_clone_apart*", "thread_clone_beside*",
                                  "thread_clone_namespaces*", "thread_clone_siblings*", "thread_clone_tree*",
                                  "thread_namespaces*", "thread_shared_folders*")]]
NOT_AS_CLONES = [("space_net_closed*", "has a connection with somebody outside, which clones find closed")]
# So many of 2 MiB are set aside for these, in which several of them run at once.
NEEDS_HUGE_PAGES, HUGE_PAGES, HUGE_PAGES_OF_CLONES = "mem_hugetlb*", 48, 96
# Subjects run a second time with other options, under a name of their own.
VARIANTS = {"refuse_io_uring": [("allowed", ["--allow-io-uring"])], "file_dev_tty": [("terminal", ["-t"])]}

# What these do takes more than the programs of an instance may: namespaces and mounts without a user
# namespace, devices, capabilities. All others do with what every program has.
PRIVILEGED = (
    "cred_caps", "cred_threads_caps", "file_in_dev", "mount_*", "net_devices", "net_filters",
    "proc_namespaces", "refuse_bpf_map", "refuse_fanotify", "refuse_ipc_namespaces",
    "refuse_lost_mounts", "refuse_mount*", "refuse_namespaces", "refuse_nested_ids", "refuse_networks",
    "refuse_perf_event", "refuse_unshared_threads", "refuse_userfaultfd", "space_ipc*", "space_net*",
    "space_pid*", "space_time", "space_uts", "tcp_established", "thread_clone_beside",
    "thread_clone_namespaces", "thread_namespaces", "thread_shared_folders", "unix_credentials",
    "unix_options")


def is_privileged(name):
    return any(fnmatch.fnmatch(name, glob) for glob in PRIVILEGED)


class Case:
    def __init__(self, name, program, options=(), native=True):
        self.name = name
        self.program = program
        self.options = [*options, *(["--privileged"] if is_privileged(name.split("+")[0]) else [])]
        self.native = native


class Outcome:
    def __init__(self, verdict, reason="", details=""):
        self.verdict = verdict  # passed, failed, skipped
        self.reason = reason
        self.details = details


def read_known(path):
    """Name (or glob) and reason of subjects that are not supported yet: `pipe_splice  why`."""
    known = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                text = line.split("#", 1)[0].strip()
                if text:
                    name, _, reason = text.partition(" ")
                    known.append((name, reason.strip() or "not supported yet"))
    return known


def find_cases(options):
    cases = []
    for name in sorted(os.listdir(options.subjects)):
        program = os.path.join(os.path.abspath(options.subjects), name)
        if not os.path.isfile(program) or not os.access(program, os.X_OK):
            continue
        cases.append(Case(name, program))
        for label, extra in VARIANTS.get(name, []):
            cases.append(Case(f"{name}+{label}", program, extra, native=False))
    if options.only:
        cases = [case for case in cases if any(fnmatch.fnmatch(case.name, glob) for glob in options.only)]
    return cases


class Run:
    """All that the cases of one invocation share."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.tag = f"t{os.getpid()}"
        self.native_tmp = os.path.join(folder, "tmp")
        os.mkdir(self.native_tmp)
        os.chmod(folder, 0o755)
        os.chmod(self.native_tmp, 0o1777)
        self.root = os.path.join(folder, "root")
        os.mkdir(self.root, 0o700)
        self.appshot = None if options.native else Appshot(os.path.abspath(options.bin), self.root, self.tag,
                                                                options.lazy)
        if options.environment:
            self.appshot.use_environment()
        if self.appshot:
            self.appshot.warm = options.clones == "warm"
        if options.userns:
            self.appshot.run_options.append("--userns")
        self.known = read_known(options.known)
        self.print_lock = threading.Lock()
        self.marks = [f"{TAG_VARIABLE}={self.tag}", f"APPSHOT_ROOT={self.root}"]

    # ---- one case ----

    def run_natively(self, case):
        mark = f"{self.tag}-{case.name}-{threading.get_ident()}"
        env = dict(os.environ, TMPDIR=self.native_tmp, **{TAG_VARIABLE: mark})
        env.pop("SUBJECT_CYCLES", None)
        deadline = Deadline(NATIVE_SECONDS)
        # Instances come and go in ours, which some subjects would hear of.
        subject = Lines(["unshare", "--net", WITH_LOOPBACK, case.program], env, stdin=subprocess.PIPE)
        try:
            while (line := subject.next(deadline)) is not None:
                if line == "hold":
                    subject.end_input()
            status = subject.wait(deadline)
        except (TimeoutError, subprocess.TimeoutExpired):
            return Outcome("failed", f"natively: not done in {NATIVE_SECONDS} s", subject.text)
        finally:
            subject.close()
            strays = processes.wait_until_gone([f"{TAG_VARIABLE}={mark}"], Deadline(5))
            processes.kill_tagged([f"{TAG_VARIABLE}={mark}"])
        lines = subject.text.splitlines()
        if status == SKIPPED_STATUS:
            return Outcome("skipped", next((line[6:] for line in lines if line.startswith("skip: ")), "no reason given"))
        if status != 0 or "ok" not in lines:
            return Outcome("failed", f"natively: exit status {status}", subject.text)
        if strays:
            return Outcome("failed", f"natively: processes left: {strays}", subject.text)
        return Outcome("passed", "natively")

    def run_in_instance(self, case, number):
        aid = f"{self.tag}-{number}-{case.name}".replace("_", "-").replace(".", "-").replace("+", "-")
        run = (ClonedRun(self.appshot, aid, case.program, case.options) if self.options.clones else
               InstanceRun(self.appshot, aid, case.program, self.options.cycles, case.options))
        try:
            return Outcome("passed", run.run(seconds=120 + 30 * self.options.cycles))
        except Skipped as skipped:
            return Outcome("skipped", str(skipped))
        except Failed as failed:
            reason, _, details = str(failed).partition("\n")
            events = [line for line in self.appshot.try_command("events").splitlines() if aid in line]
            details += "--- output\n" + "\n".join(run.said) + "\n--- events\n" + "\n".join(events)
            return Outcome("failed", reason, details)

    def run_case(self, case, number):
        begin = time.monotonic()
        outcome = self.run_natively(case) if case.native else Outcome("passed")
        if outcome.verdict == "passed" and not self.options.native:
            known = (self.known + (NOT_IN_ENVIRONMENTS if self.options.environment else []) +
                     (NOT_WITH_OWN_USERS if self.options.userns else []) +
                     (NOT_AS_CLONES if self.options.clones else []))
            reason = next((why for name, why in known if fnmatch.fnmatch(case.name, name)), None)
            outcome = Outcome("skipped", f"known: {reason}") if reason else self.run_in_instance(case, number)
        self.report(case, outcome, time.monotonic() - begin)
        return outcome

    def report(self, case, outcome, seconds):
        word = {"passed": "pass", "failed": "FAIL", "skipped": "skip"}[outcome.verdict]
        with self.print_lock:
            print(f"{word}  {case.name}  ({seconds:.1f} s)  {outcome.reason}", flush=True)
            for line in outcome.details.splitlines() if outcome.verdict == "failed" else []:
                print(f"      {line}", flush=True)

    # ---- the end ----

    def finish(self):
        """Stops the daemon and returns what the run has left behind, as lines."""
        left = []
        if self.appshot:
            try:
                self.appshot.command("daemon", "stop")
            except Failed as failed:
                left.append(f"the daemon does not stop: {failed}")
        for pid, command in processes.wait_until_gone(self.marks, Deadline(15)):
            left.append(f"process {pid}: {command}")
        left += [f"mount {point}" for point in processes.mounts_under(self.root)]
        left += [f"control group {path}" for path in processes.cgroups_named(self.tag)]
        left += [f"file {name}" for name in os.listdir(self.native_tmp)]
        processes.kill_tagged(self.marks)
        processes.reap_orphans()
        return left


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--bin", help="folder with the appshot programs")
    parser.add_argument("--subjects", required=True, help="folder with the built subjects")
    parser.add_argument("--native", action="store_true", help="natively only")
    parser.add_argument("--lazy", action="store_true", help="restores leave all memory to come when it is touched")
    parser.add_argument("--environment", action="store_true", help="in an environment with files of its own")
    parser.add_argument("--userns", action="store_true", help="in instances with users of their own")
    parser.add_argument("--clones", choices=("cold", "warm"), help="clones go on in place of the subject; read from its"
                        " snapshot, or forked from a warm template")
    parser.add_argument("--cycles", type=int, default=1, help="restores at each step (churn: in all)")
    parser.add_argument("--repeat", type=int, default=1, help="run every subject that often")
    parser.add_argument("-j", "--jobs", type=int, default=4)
    parser.add_argument("--only", action="append", metavar="GLOB")
    parser.add_argument("--known", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "subjects_known.txt"))
    parser.add_argument("--keep", action="store_true", help="keep the run's folder")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if not options.bin and not options.native and not options.list:
        parser.error("--bin is needed, except with --native")
    return options


def run_cases(run, cases, options):
    wanted = [case for _ in range(options.repeat) for case in cases if case.native or not options.native]
    wanted.sort(key=lambda case: fnmatch.fnmatch(case.name, GREEDY))
    greedy = sum(fnmatch.fnmatch(case.name, GREEDY) for case in wanted)
    numbered = list(zip(wanted, range(len(wanted))))
    polite = len(wanted) - greedy
    outcomes = []
    for part, jobs in ((numbered[:polite], options.jobs), (numbered[polite:], 1)):
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            outcomes += pool.map(lambda pair: run.run_case(*pair), part)
    return outcomes


def main():
    options = parse_arguments()
    cases = find_cases(options)
    if options.list:
        print("\n".join(case.name for case in cases))
        return 0
    if not cases:
        print("no such subject", file=sys.stderr)
        return 2
    processes.become_subreaper()
    folder = tempfile.mkdtemp(prefix="appshot-subjects-")
    run = Run(options, folder)
    outcomes = []
    needed = HUGE_PAGES_OF_CLONES if options.clones else HUGE_PAGES
    set_aside = needed if any(fnmatch.fnmatch(case.name, NEEDS_HUGE_PAGES) for case in cases) else 0
    try:
        with huge_pages(set_aside):
            outcomes = run_cases(run, cases, options)
    finally:
        left = run.finish()
        if not options.keep and not processes.mounts_under(folder):
            shutil.rmtree(folder, ignore_errors=True)
    for line in left:
        print(f"FAIL  left behind: {line}")
    count = {verdict: sum(outcome.verdict == verdict for outcome in outcomes) for verdict in ("passed", "failed", "skipped")}
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped"
          + (f", {len(left)} left behind" if left else ""))
    return 1 if count["failed"] or left else 0


if __name__ == "__main__":
    sys.exit(main())
