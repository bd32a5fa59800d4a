#!/usr/bin/env python3
"""Holds the includes of src/ to the layers that the appshot_library(…) lines declare, and to the
invariants of ARCHITECTURE.md. Every source includes its own header first. Exit status 1 when any of
that is broken.
"""

import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "src"
CMAKE_FILES = ("CMakeLists.txt", "CMakeLists-node.cmake")
# Built by a file of their own: cmake/stub.cmake.
OTHER_LIBRARIES = {"restorer_stub": set()}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
ANY_INCLUDE = re.compile(r'^\s*#\s*include\s+("[^"]+"|<[^>]+>)', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
PTRACE = re.compile(r"(?<![\w.])(?:::)?ptrace\s*\(")
SYSCALL = re.compile(r"(?<!\w)(?:::\s*syscall\s*\(|syscall\s*\(\s*(?:SYS|__NR)_)")

# Where a system call is made as such outside of os/, and why. Anywhere else: use the C library's
# function, or give it a name in os/.
RAW_SYSCALLS = {
    "isolation/denied_calls_test.cc": "what becomes of calls by their numbers is what it tests",
    "resources/scheduling/scheduling.cc": "sched_getattr and ioprio_get: likewise; the length that "
    "sched_getaffinity returns is lost by the C library",
    "restore/zone.cc": "futex: the stub at the other end uses the same words",
}



def declared_layers():
    """{folder: folders it may include}, following dependencies of dependencies."""
    direct = {name: set(deps) for name, deps in OTHER_LIBRARIES.items()}
    for name in CMAKE_FILES:
        path = SOURCE / name
        if not path.exists():
            continue
        text = re.sub(r"#[^\n]*", "", path.read_text())
        for folder, deps in re.findall(r"appshot_library\(\s*([\w/]+)([^)]*)\)", text):
            direct.setdefault(folder, set()).update(deps.split())
    allowed = {}

    def reach(folder):
        if folder not in allowed:
            allowed[folder] = {folder}
            for dep in direct[folder]:
                if dep in direct:
                    allowed[folder] |= reach(dep)
        return allowed[folder]

    for folder in direct:
        reach(folder)
    return allowed


def library_of(path, libraries):
    """The innermost folder with a library of its own."""
    parts = path.split("/")[:-1]
    while parts:
        if "/".join(parts) in libraries:
            return "/".join(parts)
        parts.pop()
    return None


def code_of(text):
    return STRING.sub('""', COMMENT.sub("", text))


class Checker:
    def __init__(self):
        self.allowed = declared_layers()
        self.errors = []
        self.raw_syscalls = set()

    def check_file(self, path):
        name = path.relative_to(SOURCE).as_posix()
        text = path.read_text()
        library = library_of(name, self.allowed)
        if library is None:
            self.errors.append(f"{name}: its folder is in no appshot_library(…)")
            return
        for number, line in enumerate(text.splitlines(), 1):
            found = INCLUDE.match(line)
            if found:
                self.check_include(f"{name}:{number}", name, library, found.group(1))
        own = path.with_suffix(".h")
        if path.suffix == ".cc" and own.exists():
            first = ANY_INCLUDE.search(text)
            if not first or first.group(1) != f'"{own.relative_to(SOURCE).as_posix()}"':
                self.errors.append(f"{name}: its own header must be what it includes first")
        code = code_of(text)
        if PTRACE.search(code) and not name.startswith("trace/"):
            self.errors.append(f"{name}: calls ptrace; only trace/ does")
        if SYSCALL.search(code) and not name.startswith("os/"):
            self.raw_syscalls.add(name)
            if name not in RAW_SYSCALLS:
                self.errors.append(f"{name}: makes a raw system call (see RAW_SYSCALLS here)")

    def check_include(self, where, name, library, included):
        if name.startswith("restorer_stub/") and included != "stub_abi.h":
            self.errors.append(f"{where}: the stub includes nothing but stub_abi.h")
            return
        if name.startswith("restorer_stub/"):
            return
        target = library_of(included, self.allowed)
        if target is None:
            self.errors.append(f'{where}: "{included}" is not below src/')
        elif target not in self.allowed[library]:
            self.errors.append(f'{where}: {library} must not include "{included}"')
        elif library == "resources" and target == "resources":
            self.check_resources(where, name, included)

    def check_resources(self, where, name, included):
        """Kinds of resources know nothing of one another; files directly in resources/ bind them."""
        here, there = name.split("/")[1:-1], included.split("/")[1:-1]
        if here and there and here != there:
            self.errors.append(f'{where}: {"/".join(here)} must not include "{included}"')


def main():
    checker = Checker()
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix in (".h", ".cc", ".c"):
            checker.check_file(path)
    for name in sorted(RAW_SYSCALLS.keys() - checker.raw_syscalls):
        checker.errors.append(f"{name}: makes no raw system call; take it out of RAW_SYSCALLS")
    for error in checker.errors:
        print(f"error: {error}")
    return 1 if checker.errors else 0


if __name__ == "__main__":
    sys.exit(main())
