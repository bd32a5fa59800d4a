"""What ordinary operations of a program cost inside an instance, compared with outside."""

import subprocess

from measure import Row, median

TURNS = 9
# Two runs of the same program outside differ by as much.
NOISE = 1.05


def parse(text):
    return {name: float(ns) for name, ns in (line.split() for line in text.splitlines())}


def calls(node, programs):
    program = str(programs / "call_cost")
    outside, inside = [], []
    for _ in range(TURNS):
        outside.append(parse(subprocess.run([program], capture_output=True, text=True,
                                            check=True).stdout))
        inside.append(parse(node.run("run", "--rm", program)))
    for name in outside[0]:
        both = [(o[name], i[name]) for o, i in zip(outside, inside)]
        yield Row(f"{name}: outside", median([o for o, _ in both]), "ns")
        yield Row(f"{name}: inside, in outside", median([i / o for o, i in both]), "x", NOISE)


CASES = {"calls": calls}
