"""PostgreSQL while pgbench runs: no transaction fails, and the books balance after each restore. The real harness."""

import glob
import pathlib
import subprocess
import sys
import tempfile
import unittest

from going_on import HERE, GoingOn
from node_fixture import until
from real_fixture import RealNode, enter_own_world

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]


def setUpModule():
    enter_own_world()


class Database(GoingOn):
    def test_postgresql(self):
        with tempfile.TemporaryDirectory(prefix="appshot-e2e-") as folder:
            self.launch("postgresql", "python3", HERE / "database.py", folder)
            self.assert_survives()
            self.appshot("rm", "-f", self.aid)


class InAnEnvironment(RealNode):
    """A cluster that is installed with its environment; its files come back with each snapshot."""

    DATA = "/var/lib/appshot-cluster"

    def sql(self, text):
        return self.appshot("exec", "--user", "postgres", self.aid, f"{BIN}/psql", "-h", "/tmp", "-Atc", text, "postgres")

    def assert_clean(self):
        """Rows and indexes agree while it runs, and every page with its checksum when it is down."""
        self.appshot("exec", "--user", "postgres", self.aid, f"{BIN}/pg_amcheck", "-h", "/tmp", "--install-missing",
                     "--heapallindexed", "postgres")
        self.appshot("exec", "--user", "postgres", self.aid, f"{BIN}/pg_ctl", "-D", self.DATA, "-m", "fast", "stop")
        told = self.appshot("exec", "--user", "postgres", self.aid, f"{BIN}/pg_checksums", "--check", "-D", self.DATA)
        self.assertIn("Bad checksums:  0", told)
        self.appshot("stop", self.aid)

    def test_rows_and_files_are_those_of_the_snapshot(self):
        self.appshot("env", "create", "cluster")
        self.appshot("env", "install", "cluster", "--", "sh", "-c",
                     f"install -d -o postgres -g postgres -m 700 {self.DATA} && setpriv --reuid=postgres --regid=postgres "
                     f"--clear-groups {BIN}/initdb -k -N -A trust -D {self.DATA}")
        # It outlives its server, whose files are looked at then.
        self.appshot("run", "-d", "--name", self.aid, "--env", "cluster", "--user", "postgres", "-w", "/", "--", "sh", "-c",
                     f"{BIN}/postgres -D {self.DATA} -k /tmp & while :; do sleep 1; done")
        until(lambda: subprocess.run(self.command("exec", self.aid, f"{BIN}/pg_isready", "-q", "-h", "/tmp"),
                                     env=self.env, check=False).returncode == 0, "the server")
        self.sql("create table t (n int primary key, said text)")
        taken = {}
        for rows in (1000, 3000):
            self.sql(f"insert into t select n, md5(n::text) from generate_series((select count(*) from t) + 1, {rows}) n")
            if rows == 3000:
                self.sql("delete from t where n <= 500")
            taken[self.appshot("snapshot", self.aid)] = (self.sql("select count(*), sum(n) from t"))
        self.sql("drop table t")
        self.appshot("stop", self.aid)
        self.assertEqual(list(taken.values()), ["1000|500500", "2500|4376250"])
        for snapshot, rows in [*taken.items(), *list(taken.items())[:1]]:
            self.appshot("restore", snapshot)
            self.assertEqual(self.sql("select count(*), sum(n) from t"), rows)
            self.sql("insert into t select n, md5(n::text) from generate_series(10001, 12000) n")
            self.assert_clean()
        self.assertFalse(pathlib.Path(self.DATA).exists())


if __name__ == "__main__":
    sys.exit(unittest.main())
