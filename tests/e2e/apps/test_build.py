"""A build that is stopped in the middle, again and again, and finished after: it makes what it makes without.
The real harness."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from going_on import HERE, GoingOn
from real_fixture import enter_own_world

SOURCES = HERE.parents[1] / "subjects"
STOPS = 10
MAKEFILE = """
OBJECTS := $(patsubst %.c,%.o,$(wildcard *.c))
all: $(OBJECTS)
\t@cat $(sort $(OBJECTS)) | sha256sum > sum
%.o: %.c
\t@$(CC) -O2 -D_GNU_SOURCE -w -c -o $@ $<
\t@echo answered $$(ls *.o | wc -l)
"""


def setUpModule():
    enter_own_world()


class Build(GoingOn):
    def test_make(self):
        with tempfile.TemporaryDirectory(prefix="appshot-e2e-") as folder:
            for source in [*SOURCES.glob("*.c"), *SOURCES.glob("*.h")]:
                shutil.copy(source, folder)
            pathlib.Path(folder, "Makefile").write_text(MAKEFILE)
            objects = len(list(pathlib.Path(folder).glob("*.c")))
            expected = self.made_without_us(folder)
            # What is in the instance's private layer is seen from inside only.
            self.launch("make", "sh", "-c", f"make -j2 -C {folder} && echo made $(cat {folder}/sum); echo answered {objects + 1}; exec sleep 1000")
            stops = 0
            while stops < STOPS and not self.made():
                self.stop_and_restore()
                stops += 1
            self.assertGreater(stops, STOPS / 2, f"it was too fast: {objects} objects")
            while not self.made():
                self.assert_goes_on()
            self.assertEqual(self.made(), expected)
            self.appshot("rm", "-f", self.aid)

    def made(self):
        said = re.search(r"^made (\w+)", self.appshot("logs", self.aid), re.M)
        return said and said[1]

    @staticmethod
    def made_without_us(folder):
        subprocess.run(["make", "-s", "-j2", "-C", folder], check=True, stdout=subprocess.DEVNULL)
        objects = sorted(name for name in os.listdir(folder) if name.endswith(".o"))
        made = hashlib.sha256()
        for name in objects:
            made.update(pathlib.Path(folder, name).read_bytes())
            os.unlink(os.path.join(folder, name))
        os.unlink(os.path.join(folder, "sum"))
        return made.hexdigest()


if __name__ == "__main__":
    sys.exit(unittest.main())
