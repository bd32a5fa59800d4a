"""PostgreSQL with pgbench, started inside an instance: "answered N" for each second of transactions, and at the
end whether the books balance.

    database.py FOLDER
"""

import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

PORT = "5499"
CLIENTS = "4"
START_SECONDS = 60
BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]


def as_postgres(*words, **options):
    return subprocess.Popen(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *words],
                            cwd="/", **options)


def run(*words, **options):
    process = as_postgres(*words, stdout=subprocess.PIPE, text=True, **options)
    output, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{words} ended with {process.returncode}")
    return output.strip()


def main(folder):
    pathlib.Path(folder).chmod(0o755)
    data = os.path.join(folder, "data")
    os.mkdir(data, 0o700)
    shutil.chown(data, "postgres", "postgres")
    run(f"{BIN}/initdb", "-D", data, "-A", "trust", "-N")
    with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
        server = as_postgres(f"{BIN}/postgres", "-D", data, "-k", data, "-p", PORT, stderr=log)
    here = ["-h", data, "-p", PORT]
    deadline = time.monotonic() + START_SECONDS
    while as_postgres(f"{BIN}/pg_isready", "-q", *here).wait() != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("PostgreSQL does not begin: " + pathlib.Path(folder, "log").read_text(encoding="utf-8"))
        time.sleep(0.1)
    run(f"{BIN}/pgbench", "-q", "-i", "-s", "2", *here, "postgres", stderr=subprocess.DEVNULL)
    load = as_postgres(f"{BIN}/pgbench", "-c", CLIENTS, "-j", "2", "-T", "100000", "-P", "1",
                       "-h", "127.0.0.1", "-p", PORT, "postgres", stderr=subprocess.PIPE, text=True)
    seconds = 0
    for line in load.stderr:
        if re.search(r"ERROR|aborted|failed: [1-9]", line):
            sys.exit(line)
        if not line.startswith("progress:"):
            continue
        seconds += 1
        balance = run(f"{BIN}/psql", *here, "-Atc",
                      "begin isolation level repeatable read; select (select sum(abalance) from pgbench_accounts) "
                      "= (select coalesce(sum(delta), 0) from pgbench_history), "
                      "(select sum(tbalance) from pgbench_tellers) = (select sum(bbalance) from pgbench_branches)",
                      "postgres")
        if balance.splitlines()[-1] != "t|t":
            sys.exit(f"the books do not balance: {balance}")
        print("answered", seconds, flush=True)
    sys.exit("pgbench has ended")


main(*sys.argv[1:])
