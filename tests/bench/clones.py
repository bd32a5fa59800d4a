"""Clones of templates that are kept warm, and of instances as they run."""

import contextlib
import glob
import http.client
import json
import os
import pathlib
import socket
import struct
import subprocess
import time

from measure import DEADLINE_S, Row, median, ratio, timed_ms, true_ms, until, warm_memory
from running import Busy

TURNS = 5
SMALL_TURNS = 20
SETTLE_S = 0.1  # what is made ready for the next clone is ready then
LARGE_MIB, LARGE_COUNT = 1024, 10
MANY = 100
PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
SYSTEM_PYTHON = "/usr/bin/python3"
HTTP_PORT = 8000
NUMPY_HTTP = f"""
import http.server, numpy, socketserver
held = numpy.random.default_rng(1).random((500, 500))
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(held[1, 2]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
socketserver.TCPServer.allow_reuse_address = True
server = socketserver.TCPServer(("", {HTTP_PORT}), Answer)
print("ready", flush=True)
server.serve_forever()
"""


class UnixConnection(http.client.HTTPConnection):
    """To the daemon, past the command line."""

    def __init__(self, path):
        super().__init__("appshot", timeout=DEADLINE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def asked_ms(node, document):
    connection = UnixConnection(str(node.root / "run" / "appshot.sock"))
    begin = time.perf_counter()
    connection.request("POST", "/v1/clones", json.dumps(document), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - begin) * 1e3
    if answer.status != 200:
        raise RuntimeError(body.decode())
    connection.close()
    return took


def available_bytes():
    text = pathlib.Path("/proc/meminfo").read_text(encoding="ascii")
    return int(text.split("MemAvailable:")[1].split()[0]) << 10


@contextlib.contextmanager
def warm_template(node, of):
    template = node.run("template", of, "--warm").strip()
    time.sleep(SETTLE_S)
    yield template
    node.run("template-rm", template)


def small(node, _):
    node.launch("small", "/bin/sleep", "100000")
    commands, inside, trues = [], [], []
    with warm_template(node, "small") as template:
        for number in range(SMALL_TURNS):
            trues.append(true_ms())
            commands.append(node.timed("clone", template, "--name", f"small-{number}"))
            time.sleep(SETTLE_S)
            inside.append(asked_ms(node, {"from": template, "name": f"other-{number}"}))
            time.sleep(SETTLE_S)
            node.run("rm", "-f", f"small-{number}", f"other-{number}")
    node.run("rm", "-f", "small")
    yield Row("trivial program: one warm clone", median(commands), "ms", 5)
    yield Row("trivial program: one warm clone, in /bin/true", ratio(commands, trues), "x")
    yield Row("trivial program: one warm clone, from the request to the answer", median(inside), "ms", 3)


def large(node, programs):
    warm_memory()
    node.launch("large", programs / "fill_memory", LARGE_MIB, ready="ready")
    times, shares = [], []
    with warm_template(node, "large") as template:
        for _ in range(TURNS):
            before = available_bytes()
            times.append(node.timed("clone", template, "-n", str(LARGE_COUNT), "--name", "large-{n}"))
            shares.append(100 * (before - available_bytes()) / LARGE_COUNT / (LARGE_MIB << 20))
            node.run("rm", "-f", *[f"large-{n + 1}" for n in range(LARGE_COUNT)])
            time.sleep(SETTLE_S)
    node.run("rm", "-f", "large")
    yield Row(f"1 GiB: {LARGE_COUNT} warm clones", median(times), "ms", 60)
    yield Row("1 GiB: more memory for each, in its own", median(shares), "%", 1)


def get(address):
    with socket.create_connection((address, HTTP_PORT), DEADLINE_S) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        if b" 200 " not in connection.recv(4096).split(b"\r\n")[0]:
            raise RuntimeError("not answered")


def many(node, _):
    node.launch("numpy", "--", SYSTEM_PYTHON, "-c", NUMPY_HTTP, ready="ready")
    alls, each = [], []
    with warm_template(node, "numpy") as template:
        for _ in range(TURNS):
            before = available_bytes()
            begin = time.perf_counter()
            made = json.loads(node.run("clone", template, "-n", str(MANY), "--name", "numpy-{n}", "--json"))
            made_in = time.perf_counter() - begin
            each.append((before - available_bytes()) / MANY / (1 << 20))
            begin = time.perf_counter()
            for instance in made:
                get(instance["address"])
            alls.append((made_in + time.perf_counter() - begin) * 1e3)
            node.run("rm", "-f", *[instance["aid"] for instance in made])
            time.sleep(SETTLE_S)
    node.run("rm", "-f", "numpy")
    yield Row(f"python with numpy: {MANY} warm clones, each asked once", median(alls), "ms", 600)
    yield Row("python with numpy: memory of each before it is asked", median(each), "MiB", 1)


def as_it_runs(node, programs):
    """Not yet a template: how long it stands still, and until its clone runs."""
    busy = Busy(node, programs, 0)
    times, seen, copies = [], [], []
    for _ in range(TURNS):
        snapshot = node.run("snapshot", "--full", busy.name).strip()
        pages = node.json("inspect", snapshot)["dir"] + "/pages"
        warm_memory()
        copies.append(timed_ms("/bin/cp", pages, node.root / "copy"))
        os.unlink(node.root / "copy")
        node.run("snapshot-rm", snapshot)
        warm_memory()
        busy.pause()
        times.append(node.timed("clone", busy.name, "--name", "as-it-runs"))
        seen.append(busy.pause())
        node.run("rm", "-f", "as-it-runs")
    busy.end()
    yield Row("clone of a running 1 GiB: the original stands still", median(seen), "ms", 10)
    yield Row("clone of a running 1 GiB: it runs, in cp", ratio(times, copies), "x", 1.2)


class Postgres:
    """As little of its protocol as a question takes."""
    port = 5432

    def __init__(self):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]

    def environment(self, node):
        """Its cluster, with some rows in it."""
        data = "/var/lib/appshot-bench"
        begin = (f"install -d -o postgres -g postgres -m 700 {data} && exec setpriv --reuid=postgres --regid=postgres "
                 f"--clear-groups sh -c '{self.bin}/initdb -N -A trust -D {data} >/dev/null && echo host all all all "
                 f"trust >> {data}/pg_hba.conf'")
        node.run("env", "create", "cluster")
        node.run("env", "install", "cluster", "--", "sh", "-c", begin)
        return ["--env", "cluster", "--user", "postgres", "-w", "/", "--", f"{self.bin}/postgres", "-D", data, "-k", "/tmp",
                "-c", "shared_buffers=128MB", "-c", "listen_addresses=*", "-c", "huge_pages=off"]

    @staticmethod
    def message(kind, body):
        return kind + struct.pack("!i", len(body) + 4) + body

    def ask(self, address):
        with socket.create_connection((address, self.port), DEADLINE_S) as connection, connection.makefile("rb") as read:
            words = b"user\0postgres\0database\0postgres\0\0"
            connection.sendall(self.message(b"", struct.pack("!i", 196608) + words))
            self.until_ready(read)
            connection.sendall(self.message(b"Q", b"select 42\0"))
            if b"42" not in self.until_ready(read):
                raise RuntimeError("PostgreSQL gives another answer")

    @staticmethod
    def until_ready(read):
        said = b""
        while (kind := read.read(1)) != b"Z":
            if kind in (b"", b"E"):
                raise ConnectionRefusedError("PostgreSQL is not ready")
            said += read.read(struct.unpack("!i", read.read(4))[0] - 4)
        read.read(struct.unpack("!i", read.read(4))[0] - 4)
        return said


class Web:
    """A server that answers HTTP, of a program without files of its own."""

    def __init__(self, *command):
        self.command = command

    def environment(self, _):
        return ["--", *self.command]

    @staticmethod
    def ask(address):
        get(address)


class Java(Web):
    def environment(self, node):
        folder = node.root / "java"
        folder.mkdir()
        subprocess.run(["javac", "-d", folder, PROGRAMS / "Answers.java"], check=True)
        return ["--", "java", "-Xmx128m", "-cp", str(folder), "Answers", str(HTTP_PORT)]


NODE_HTTP = f"require('http').createServer((_, answer) => answer.end('42')).listen({HTTP_PORT})"
SERVERS = {"PostgreSQL": (Postgres, 40), "JVM server": (Java, 0),
           "python with numpy": (lambda: Web(SYSTEM_PYTHON, "-c", NUMPY_HTTP), 0),
           "node": (lambda: Web("node", "-e", NODE_HTTP), 0)}


def answered_ms(node, server, name, *command):
    """From the command until somebody who asks at once has been answered."""
    begin = time.perf_counter()
    node.run(*command)
    address = node.json("inspect", name)["address"]

    def answers():
        try:
            server.ask(address)
        except ConnectionError:
            return False
        return True
    until(answers, f"{name} answers")
    return (time.perf_counter() - begin) * 1e3


def servers(node, _):
    """Against starting afresh."""
    for name, (make, reach) in SERVERS.items():
        server = make()
        words = server.environment(node)
        fresh, cloned = [], []
        node.run("run", "-d", "--name", "original", *words)
        address = node.json("inspect", "original")["address"]
        until(lambda address=address, server=server: answered(server, address), "the original")
        with warm_template(node, "original") as template:
            for turn in range(TURNS):
                fresh.append(answered_ms(node, server, "fresh", "run", "-d", "--name", "fresh", *words))
                cloned.append(answered_ms(node, server, f"clone-{turn}", "clone", template, "--name", f"clone-{turn}"))
                node.run("rm", "-f", "fresh", f"clone-{turn}")
                time.sleep(SETTLE_S)
        node.run("rm", "-f", "original")
        yield Row(f"{name}: a warm clone has answered", median(cloned), "ms", reach)
        yield Row(f"{name}: a warm clone, in starting it afresh", ratio(cloned, fresh), "x")


def answered(server, address):
    try:
        server.ask(address)
    except ConnectionError:
        return False
    return True


CASES = {"clone": small, "clones-large": large, "clones-numpy": many, "clone-running": as_it_runs,
         "clone-servers": servers}
