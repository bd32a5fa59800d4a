"""What the way to an instance costs: requests to a redis in one, compared with the host's own loopback
and with a plain virtual cable to another namespace."""

import os
import shutil
import socket
import subprocess

from measure import Row, median, ratio, until

TURNS = 5
REQUESTS = 300_000
PORT = 6399
# Four fifths of what loopback carries.
REACH = 1.25
# Two plain ways of the same kind differ by as much.
NOISE = 1.1
SERVER = ["redis-server", "--protected-mode", "no", "--save", "", "--port"]


def answers(address, port):
    try:
        socket.create_connection((address, port), timeout=1).close()
        return True
    except OSError:
        return False


def ns_per_request(address, port):
    text = subprocess.run(["redis-benchmark", "-h", address, "-p", str(port), "-P", "16", "-t", "get",
                           "-n", str(REQUESTS), "--csv"], capture_output=True, text=True, check=True).stdout
    return 1e9 / float(text.splitlines()[-1].split(",")[1].strip('"'))


def network(node, _):
    if not shutil.which("redis-server"):
        return
    name = f"bench{os.getpid()}"
    for words in (f"netns add {name}", f"link add {name}a type veth peer name {name}b netns {name}",
                  f"addr add 10.213.0.1/30 dev {name}a", f"link set {name}a up",
                  f"-n {name} addr add 10.213.0.2/30 dev {name}b", f"-n {name} link set {name}b up"):
        subprocess.run(["ip", *words.split()], check=True)
    servers = [subprocess.Popen([*before, *SERVER, str(PORT)], stdout=subprocess.DEVNULL)
               for before in ([], ["ip", "netns", "exec", name])]
    try:
        aid = node.run("run", "-d", *SERVER, str(PORT)).strip()
        address = node.json("inspect", aid)["address"]
        snapshot = node.run("snapshot", aid).strip()
        other = node.run("restore", snapshot, "--as", "other").strip()
        ways = {"loopback": "127.0.0.1", "plain": "10.213.0.2", "instance": address,
                "translated": node.json("inspect", other)["address"]}
        for to in ways.values():
            until(lambda to=to: answers(to, PORT), f"{to} answers")
        took = {way: [] for way in ways}
        for _ in range(TURNS):
            for way, to in ways.items():
                took[way].append(ns_per_request(to, PORT))
        yield Row("a pipelined request to redis: over the host's loopback", median(took["loopback"]), "ns")
        yield Row("to an instance, in loopback", ratio(took["instance"], took["loopback"]), "x", REACH)
        yield Row("to an instance, in a plain virtual cable", ratio(took["instance"], took["plain"]), "x", NOISE)
        yield Row("to one with another address inside, in one without",
                  ratio(took["translated"], took["instance"]), "x", NOISE)
    finally:
        for server in servers:
            server.kill()
            server.wait()
        subprocess.run(["ip", "netns", "del", name], check=True)


CASES = {"network": network}
