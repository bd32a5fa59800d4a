"""How many tests passed, failed and were skipped, as each kind of runner tells it."""

import dataclasses
import json
import re


@dataclasses.dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed,
                      self.skipped + other.skipped)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def of_gtest_folder(folder, ctest_status):
    """From the JSON that each GoogleTest program leaves; one that crashed leaves none."""
    total = Counts()
    for path in sorted(folder.glob("*.json")):
        for suite in json.loads(path.read_text())["testsuites"]:
            for test in suite["testsuite"]:
                if test.get("failures"):
                    total.failed += 1
                elif test["result"] == "SKIPPED" or test["status"] == "NOTRUN":
                    total.skipped += 1
                else:
                    total.passed += 1
    if ctest_status != 0 and total.failed == 0:
        total.failed = 1
    return total


def of_unittest(output):
    """From the last lines of Python's unittest."""
    ran = re.findall(r"^Ran (\d+) tests? in ", output, re.MULTILINE)
    verdict = re.findall(r"^(OK|FAILED)(?: \((.*)\))?$", output, re.MULTILINE)
    if not ran or not verdict:
        return Counts(failed=1)
    numbers = {key: int(value) for key, value in re.findall(r"([a-z ]+)=(\d+)", verdict[-1][1])}
    numbers = {key.strip(): value for key, value in numbers.items()}
    failed = sum(numbers.get(key, 0) for key in ("failures", "errors", "unexpected successes"))
    skipped = numbers.get("skipped", 0) + numbers.get("expected failures", 0)
    if verdict[-1][0] == "FAILED":
        failed = max(failed, 1)
    return Counts(max(0, int(ran[-1]) - failed - skipped), failed, skipped)


def of_closing_line(output, status):
    """From our own closing line, "N passed, N failed, N skipped"."""
    found = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped", output, re.MULTILINE)
    if not found:
        return Counts(failed=1)
    result = Counts(*(int(number) for number in found[-1]))
    if status != 0 and result.failed == 0:
        result.failed = 1
    return result
