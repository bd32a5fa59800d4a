#!/usr/bin/env python3
"""Runs a command for each of some sources, unless it has passed before: with the same command, the
same file and the same files of ours that it includes.

usage: check_each.py --name NAME [--jobs N] [--also FILE]… FILE… -- COMMAND… {} …

What has passed is remembered in build/checked/NAME. Exit status 1 when the command fails for any.
"""

import argparse
import concurrent.futures
import hashlib
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
# As the compilers are told (cmake/library.cmake); then the folder of the including file.
INCLUDE_FOLDERS = (REPOSITORY / "src", REPOSITORY / "build/generated")
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Told by clang-tidy for every file, about headers of others.
NOISE = re.compile(r"^\d+ warnings?( and \d+ errors?)? generated\.$|^Suppressed |^Use -header-filter")


def parse_arguments():
    if "--" not in sys.argv:
        sys.exit(__doc__)
    split = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--also", action="append", default=[])
    parser.add_argument("files", nargs="*")
    return parser.parse_args(sys.argv[1:split]), sys.argv[split + 1 :]


class Inputs:
    def __init__(self):
        self.content = {}
        self.includes = {}

    def read(self, path):
        if path not in self.content:
            self.content[path] = path.read_bytes()
        return self.content[path]

    def included_by(self, path):
        if path not in self.includes:
            found = []
            for name in INCLUDE.findall(self.read(path)):
                for folder in (*INCLUDE_FOLDERS, path.parent):
                    target = folder / name.decode()
                    if target.is_file():
                        found.append(target)
                        break
            self.includes[path] = found
        return self.includes[path]

    def all_of(self, path):
        reached, todo = {path}, [path]
        while todo:
            for target in self.included_by(todo.pop()):
                if target not in reached:
                    reached.add(target)
                    todo.append(target)
        return sorted(reached)

    def hash_of(self, path, base):
        digest = base.copy()
        for part in self.all_of(path):
            digest.update(str(part.relative_to(REPOSITORY)).encode() + b"\0")
            digest.update(hashlib.sha256(self.read(part)).digest())
        return digest.hexdigest()


def run(command, file):
    done = subprocess.run([part.replace("{}", file) for part in command], cwd=REPOSITORY,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    lines = [line for line in done.stdout.splitlines() if not NOISE.match(line)]
    return done.returncode, "\n".join(lines)


def main():
    options, command = parse_arguments()
    version = subprocess.run([command[0], "--version"], stdout=subprocess.PIPE, check=True).stdout
    base = hashlib.sha256(repr(command).encode() + version)
    for name in options.also:
        base.update((REPOSITORY / name).read_bytes())
    stamps = REPOSITORY / "build/checked" / options.name
    stamps.mkdir(parents=True, exist_ok=True)
    inputs, todo = Inputs(), {}
    for file in options.files:
        stamp = stamps / file.replace("/", "+")
        state = inputs.hash_of(REPOSITORY / file, base)
        if not stamp.exists() or stamp.read_text() != state:
            todo[file] = (stamp, state)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(run, command, file): file for file in todo}
        for future in concurrent.futures.as_completed(running):
            status, text = future.result()
            stamp, state = todo[running[future]]
            if status == 0:
                stamp.write_text(state)
            else:
                failed += 1
                print(f"{running[future]}:\n{text}", flush=True)
    print(f"{len(todo)} of {len(options.files)} looked at, {failed} failed; the others are as they passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
