#!/usr/bin/env python3
"""Runs every part of `./dev test`, each with a heading and its time, and ends with one line that
sums them: N passed, N failed, N skipped. `--soak MINUTES` runs the parts that gain from time.

`./dev` calls this in a network namespace of its own. All parts share a temporary folder as
APPSHOT_ROOT; this process is the subreaper of all they start, and nothing is left when it ends.
"""

import argparse
import glob
import os
import pathlib
import shutil
import sys
import tempfile
import time

import test_counts as counts
from test_process import become_subreaper, end_descendants, run_command

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
BUILD = REPOSITORY / "build"
BIN = BUILD / "bin"
FUZZERS = [REPOSITORY / "build-fuzz" / "bin" / name for name in ("manifest_fuzz", "rules_fuzz", "archive_fuzz")]
E2E = REPOSITORY / "tests" / "e2e"
SUBJECTS_RUNNER = E2E / "subjects.py"
SANITIZED_DAEMON = REPOSITORY / "build-sanitize" / "bin" / "appshotd"
# Those that ask much of the daemon in little time.
SANITIZED_SCRIPTS = ("test_cli", "test_recovery", "test_recovery_real")
SOAK_SCRIPTS = {"test_churn": {"APPSHOT_CHURN_SNAPSHOTS": "200"},
                "test_lineage": {"APPSHOT_TEST_SNAPSHOTS": "50", "APPSHOT_TEST_MIB": "1024", "APPSHOT_TEST_SECONDS": "120"},
                "test_outside_connections": {"APPSHOT_OUTSIDE_CYCLES": "100", "APPSHOT_OUTSIDE_CONNECTIONS": "200"},
                "test_leaks": {"APPSHOT_LEAK_CYCLES": "500"},
                "test_clones": {"APPSHOT_TEST_CLONES": "1000"}}
FUZZ_SECONDS = 20
BUILD_SECONDS_MAX = 2400
PART_SECONDS_MAX = 600
SOAK_SECONDS_MAX = 3600


class Run:
    """Everything the parts share: the scratch folder, the environment, the sums."""

    def __init__(self, scratch, only):
        self.scratch = scratch
        self.only = only
        self.total = counts.Counts()
        self.failed_parts = []
        root = scratch / "root"
        root.mkdir(mode=0o700)
        self.env = dict(os.environ, APPSHOT_ROOT=str(root), APPSHOT_BIN=str(BIN))

    def part(self, name, body, needs=()):
        """Runs one part unless it is not wanted or not there; adds up what it counted."""
        if self.only and not any(word in name for word in self.only):
            return
        missing = [str(path) for path in needs if not os.path.exists(path)]
        if missing:
            print(f"\n== {name}: not there yet ({', '.join(missing)})", flush=True)
            return
        print(f"\n== {name}", flush=True)
        begin = time.monotonic()
        try:
            result = body()
        finally:
            end_descendants()
        seconds = time.monotonic() - begin
        verdict = "FAILED" if result.failed else "ok"
        print(f"== {name}: {result} in {seconds:.1f} s: {verdict}", flush=True)
        self.total += result
        if result.failed:
            self.failed_parts.append(name)

    def command(self, words, seconds=PART_SECONDS_MAX, env=None, cwd=REPOSITORY, quiet=False):
        """Exit status and output; what it prints is passed on, at once or when it fails."""
        return run_command([str(word) for word in words], dict(self.env, **(env or {})), cwd,
                           seconds, quiet)

    def one(self, words, **options):
        """A command that is one test: passed or failed."""
        status, _ = self.command(words, **options)
        return counts.Counts(passed=int(status == 0), failed=int(status != 0))


def build(run, preset):
    return run.one(["./dev", "internal-build", preset], seconds=BUILD_SECONDS_MAX, quiet=True)


def unit_tests(run, folder):
    results = run.scratch / f"unit-{folder.name}"
    results.mkdir()
    status, _ = run.command(
        ["ctest", "--test-dir", folder, "-j", "2", "--output-on-failure", "--no-tests=error",
         "--timeout", "300"],
        env={"GTEST_OUTPUT": f"json:{results}/", "UBSAN_OPTIONS": "print_stacktrace=1"}, quiet=True)
    return counts.of_gtest_folder(results, status)


def e2e_tests(run, script, env=None, seconds=PART_SECONDS_MAX):
    _, output = run.command([sys.executable, "-m", "unittest", "-v", script.stem],
                            seconds, cwd=script.parent, env=env)
    return counts.of_unittest(output)


def e2e_tests_sanitized(run, script):
    """With a sanitized appshotd. What its sanitizers have to say comes in files, each a failure."""
    reports = run.scratch / f"reports-{script.stem}"
    reports.mkdir()
    log = f"log_path={reports}/report"
    result = e2e_tests(run, script, {"APPSHOT_DAEMON": str(SANITIZED_DAEMON), "ASAN_OPTIONS": log,
                                     "UBSAN_OPTIONS": f"{log}:print_stacktrace=1"})
    for report in sorted(reports.iterdir()):
        print(report.read_text(errors="replace"), flush=True)
        result.failed += 1
    return result


def subjects(run, extra=(), seconds=PART_SECONDS_MAX):
    status, output = run.command(
        [sys.executable, SUBJECTS_RUNNER, "--bin", BIN, "--subjects", BUILD / "subjects", *extra],
        seconds=seconds)
    return counts.of_closing_line(output, status)


def fuzz(run, fuzzer, seconds):
    """New inputs are kept in a scratch folder, findings in the build folder."""
    corpus = run.scratch / f"corpus-{fuzzer.name}"
    corpus.mkdir()
    seeds = run.scratch / f"seeds-{fuzzer.name}"
    seeds.mkdir()
    findings = fuzzer.parent.parent / "findings"
    findings.mkdir(exist_ok=True)
    status, _ = run.command([fuzzer, f"--write-seeds={seeds}"], quiet=True)
    if status != 0:
        return counts.Counts(failed=1)
    result = run.one([fuzzer, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=4096",
                      "-max_len=65536", "-print_final_stats=1", "-verbosity=1",
                      f"-artifact_prefix={findings}/", corpus, seeds],
                     seconds=seconds + 120, quiet=True)
    print(f"   {len(os.listdir(corpus))} inputs that reach something new, in {seconds} s")
    if result.failed:
        print(f"   the input is in {findings}")
    return result


def fuzz_parts(run, seconds):
    for fuzzer in FUZZERS:
        run.part(f"fuzz {fuzzer.stem}", lambda fuzzer=fuzzer: fuzz(run, fuzzer, seconds), [fuzzer])


def test_parts(run):
    run.part("build release", lambda: build(run, "release"))
    run.part("unit tests", lambda: unit_tests(run, BUILD))
    run.part("build sanitize", lambda: build(run, "sanitize"))
    run.part("unit tests, sanitized", lambda: unit_tests(run, REPOSITORY / "build-sanitize"))
    for name in sorted(glob.glob(str(E2E / "**" / "test_*.py"), recursive=True)):
        script = pathlib.Path(name)
        run.part(f"e2e {script.stem}", lambda script=script: e2e_tests(run, script), [BIN])
    for name in SANITIZED_SCRIPTS:
        script = E2E / f"{name}.py"
        run.part(f"e2e {name}, sanitized daemon",
                 lambda script=script: e2e_tests_sanitized(run, script), [SANITIZED_DAEMON])
    run.part("subjects", lambda: subjects(run), [SUBJECTS_RUNNER, BUILD / "subjects"])
    run.part("subjects, restored lazily", lambda: subjects(run, ["--lazy"]),
             [SUBJECTS_RUNNER, BUILD / "subjects"])
    run.part("subjects, in an environment", lambda: subjects(run, ["--environment"]),
             [SUBJECTS_RUNNER, BUILD / "subjects"])
    run.part("subjects, with users of their own", lambda: subjects(run, ["--userns"]),
             [SUBJECTS_RUNNER, BUILD / "subjects"])
    run.part("subjects, as clones of warm templates", lambda: subjects(run, ["--clones", "warm"]),
             [SUBJECTS_RUNNER, BUILD / "subjects"])
    run.part("subjects, twice in a row", lambda: subjects(run, ["--cycles", "2"]),
             [SUBJECTS_RUNNER, BUILD / "subjects"])
    for script in ("demo.sh", "redis.sh", "databases.sh"):
        demo = REPOSITORY / "tests" / "demo" / script
        run.part(f"demo {script}", lambda demo=demo: run.one([demo, BIN], quiet=True), [demo, BIN / "appshot"])
    demo = REPOSITORY / "tests" / "demo" / "environments.sh"
    run.part("demo environments.sh", lambda: run.one([demo, BIN, BUILD / "demo-packages"], quiet=True),
             [demo, BIN / "appshot", BUILD / "demo-packages"])
    run.part("build fuzz", lambda: build(run, "fuzz"), [REPOSITORY / "tests" / "fuzz"])
    fuzz_parts(run, FUZZ_SECONDS)


def soak_parts(run, minutes):
    for name, env in SOAK_SCRIPTS.items():
        run.part(f"e2e {name}, long",
                 lambda name=name, env=env: e2e_tests(run, E2E / f"{name}.py", env, SOAK_SECONDS_MAX), [BIN])
    fuzz_parts(run, minutes * 60)
    repeat = max(1, minutes // 3)
    run.part("subjects, as clones that are read", lambda: subjects(run, ["--clones", "cold"]), [SUBJECTS_RUNNER])
    run.part("subjects", lambda: subjects(run, ["--cycles", "3", "--repeat", str(repeat)],
                                          seconds=minutes * 60 + 3600), [SUBJECTS_RUNNER])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--soak", type=int, metavar="MINUTES")
    parser.add_argument("only", nargs="*", help="parts whose name contains one of these")
    options = parser.parse_args()
    become_subreaper()
    begin = time.monotonic()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="appshot-test-"))
    run = Run(scratch, options.only)
    try:
        if options.soak:
            soak_parts(run, options.soak)
        else:
            test_parts(run)
    finally:
        end_descendants()
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"\n== all in {time.monotonic() - begin:.0f} s")
    for name in run.failed_parts:
        print(f"== FAILED: {name}")
    print(run.total, flush=True)
    return 1 if run.total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
