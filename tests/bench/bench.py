#!/usr/bin/env python3
"""./dev bench: runs the benchmarks and prints a table; `bench.py CASE …` runs some of them.

--markdown prints the table as docs/performance.md holds it.
"""

import argparse
import pathlib
import sys

import calls
import clones
import environments
import lazy
import network
import running
import snapshots
from measure import Node

CASES = {**snapshots.CASES, **running.CASES, **lazy.CASES, **calls.CASES, **network.CASES,
         **environments.CASES, **clones.CASES}


def show_plain(row):
    reach = f"reach {row.reach:g}" if row.reach else ""
    print(f"{row.case:<58} {row.value:9.2f} {row.unit:<4} {reach:<11} {row.verdict}", flush=True)


def show_markdown(row):
    reach = f"≤ {row.reach:g} {row.unit}" if row.reach else ""
    print(f"| {row.case} | {row.value:.2f} {row.unit} | {reach} | {row.verdict} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], metavar="CASE",
                        help=", ".join(CASES))
    options = parser.parse_args()
    show = show_markdown if options.markdown else show_plain
    if options.markdown:
        print("| case | median | reach | reached |\n| --- | --- | --- | --- |")
    missed = 0
    for name in options.cases or CASES:
        with Node(options.bin.resolve()) as node:
            for row in CASES[name](node, options.bin.resolve().parent / "bench"):
                show(row)
                missed += row.verdict == "NO"
    if missed:
        print(f"\n{missed} not reached (the machine's other work counts, too)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
