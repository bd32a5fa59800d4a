"""Real servers under load, the client beside them in the instance: every answer is right, and no connection is
made anew. The real harness."""

import subprocess
import sys
import tempfile
import unittest

from going_on import HERE, GoingOn
from real_fixture import enter_own_world


def setUpModule():
    enter_own_world()


class Servers(GoingOn):
    def answers_on(self, server, *build):
        with tempfile.TemporaryDirectory(prefix="appshot-e2e-") as folder:
            if build:
                environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder, "CGO_ENABLED": "0"}
                subprocess.run([word.replace("FOLDER", folder).replace("HERE", str(HERE)) for word in build],
                               check=True, capture_output=True, env=environment)
            self.launch(server, "python3", HERE / "load.py", server, folder)
            self.assert_survives()
            self.appshot("rm", "-f", self.aid)

    def test_redis(self):
        self.answers_on("redis")

    def test_nginx(self):
        self.answers_on("nginx")

    def test_python(self):
        self.answers_on("python")

    def test_numpy_with_threads(self):
        self.answers_on("numpy")

    def test_node(self):
        self.answers_on("node")

    def test_java(self):
        self.answers_on("java", "javac", "-d", "FOLDER", "HERE/Sums.java")

    def test_go_linked_statically(self):
        self.answers_on("go", "go", "build", "-o", "FOLDER/sums", "HERE/sums.go")

    def test_rust(self):
        self.answers_on("rust", "rustc", "-O", "-o", "FOLDER/sums", "HERE/sums.rs")


if __name__ == "__main__":
    sys.exit(unittest.main())
