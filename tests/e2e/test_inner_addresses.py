"""Instances made from one snapshot have one address inside, and each another outside. The real harness."""

import errno
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world, until

SERVER = pathlib.Path(__file__).with_name("own_address_server.py")
MANY_BYTES = 16 << 20
PATTERN = bytes((i * 7 + (i >> 8)) & 0xff for i in range(1 << 16)) * (MANY_BYTES >> 16)
CLONES = 3


def setUpModule():
    enter_own_world()


def v6_of(address):
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, "fd61:7073:686f::" + address))


def both(address):
    return address, v6_of(address)


def asked(address, *words, port=80):
    with socket.create_connection((address, port), timeout=20) as connection:
        connection.sendall(" ".join(map(str, words)).encode() + b"\n")
        return json.loads(connection.makefile().readline())


def answered(address, port=53):
    """By what name a datagram's sender is known there."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((address, port))
        client.send(b"x" * 3000)
        return client.recv(99).decode()


def refused_at(address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((address, 54))
        client.send(b"x")
        try:
            return client.recv(1)
        except OSError as failed:
            return failed.errno


class InnerAddresses(RealNode):
    def serve(self, aid, *options, around=()):
        self.appshot("run", "-d", "--name", aid, *options, "--", *around, "python3", str(SERVER))
        with Follower(self, "logs", "-f", aid) as log:
            word, *addresses = log.line().split()
        self.assertEqual(word, "listens")
        self.assertEqual(addresses, list(both(self.address(aid))))
        return self.address(aid)

    def address(self, aid):
        return self.json("inspect", aid)["address"]

    def inner_address(self, aid):
        return self.json("inspect", aid)["inner_address"]

    def node_address(self):
        return ".".join(self.address(self.aid).split(".")[:3]) + ".1"

    def restore_clones(self, snapshot):
        """{aid: address}, beside who has the address that all of them have inside."""
        clones = [f"{self.aid}-{i}" for i in range(CLONES)]
        for clone in clones:
            self.appshot("restore", snapshot, "--as", clone)
        return {clone: self.address(clone) for clone in clones}

    def assert_is_reached(self, address, inner):
        for outside, inside in zip(both(address), both(inner)):
            own, peer = asked(outside, "names")
            self.assertEqual(own, inside)
            self.assertEqual(answered(outside), peer)
            self.assertEqual(refused_at(outside), errno.ECONNREFUSED)
            self.assertEqual(asked(outside, "refused", peer, 54), "ECONNREFUSED")

    def assert_carries(self, address):
        """Much, there and back at the same time, and every byte in its place."""
        with socket.create_connection((address, 80), timeout=20) as connection:
            connection.sendall(b"echo %d\n" % MANY_BYTES)
            sending = threading.Thread(target=connection.sendall, args=[PATTERN])
            sending.start()
            came = 0
            while came < MANY_BYTES:
                got = connection.recv(1 << 18)
                self.assertTrue(got)
                self.assertTrue(got == PATTERN[came:came + len(got)], f"other bytes at {came}")
                came += len(got)
            sending.join()

    # ---- one node ----

    def test_each_is_reached_at_its_own_and_believes_to_have_the_first(self):
        first = self.serve(self.aid)
        snapshot = self.appshot("snapshot", self.aid)
        clones = self.restore_clones(snapshot)
        addresses = [first, *clones.values()]
        self.assertEqual(len(set(addresses)), CLONES + 1)
        for address in addresses:
            self.assert_is_reached(address, first)
            self.assert_carries(address)
        self.assert_carries(v6_of(addresses[-1]))
        self.assertIsNone(self.inner_address(self.aid))
        for clone in clones:
            self.assertEqual(self.inner_address(clone), first)
            told = [(rid["virtual"], rid["system"]) for rid in self.json("rids", clone)["rids"]
                    if rid["type"] == "address"]
            self.assertEqual(told, list(zip(both(first), both(clones[clone]))))
        self.assertEqual(sorted(self.appshot("endpoints", "-q").split()), sorted(addresses))

    def test_they_reach_each_other_and_themselves(self):
        first = self.serve(self.aid)
        one, two, _ = self.restore_clones(self.appshot("snapshot", self.aid)).values()
        for asking, address in ((one, two), (two, one), (one, one)):
            answer = asked(asking, "ask", address)
            self.assertEqual(answer, {"here": [first, address], "there": [first, asking]})
        # What it takes for its own is its own, though another is known by that, who has a name for such.
        self.assertEqual(asked(one, "ask", first), {"here": [first, first], "there": [first, first]})
        namesake = self.node_address().rsplit(".", 1)[0] + ".0"
        self.assertEqual(asked(first, "ask", one), {"here": [first, one], "there": [first, namesake]})
        self.assertEqual(asked(one, "ask", namesake), {"here": [first, namesake], "there": [first, one]})
        for asking, address in ((one, two), (one, namesake), (first, one)):
            self.assertEqual(asked(asking, "refused", address, 54), "ECONNREFUSED")

    def test_nothing_of_it_is_seen_inside(self):
        def seen(aid):
            words = (["ip", "-o", "address"], ["ip", "-o", "link"], ["ip", "route", "show", "table", "all"],
                     ["ip", "-6", "route", "show", "table", "all"], ["tc", "qdisc"], ["nft", "list", "ruleset"])
            told = "\n".join(self.appshot("exec", "--user", "0", aid, *each) for each in words)
            # Which number the other end has on the host, anybody may see.
            return sorted(re.sub(r"@if\d+", "@if", told).splitlines())
        first = self.serve(self.aid, "--cap-add", "NET_ADMIN")
        before = seen(self.aid)
        self.assertTrue(any(first + "/32 scope global eth0" in line for line in before), before)
        for clone in self.restore_clones(self.appshot("snapshot", self.aid)):
            self.assertEqual(seen(clone), before)

    def test_so_is_one_with_users_of_its_own(self):
        first = self.serve(self.aid, "--userns")
        for address in self.restore_clones(self.appshot("snapshot", self.aid)).values():
            self.assert_is_reached(address, first)

    def test_one_made_from_one_of_them_believes_the_same(self):
        first = self.serve(self.aid)
        clone = next(iter(self.restore_clones(self.appshot("snapshot", self.aid))))
        again = self.aid + "-again"
        self.appshot("restore", self.appshot("snapshot", clone), "--as", again)
        self.assertNotIn(self.address(again), (first, self.address(clone)))
        self.assertEqual(self.inner_address(again), first)
        self.assert_is_reached(self.address(again), first)

    def test_clones_of_a_template_believe_the_same(self):
        first = self.serve(self.aid)
        for warm in ([], ["--warm"]):
            template = self.appshot("template", self.aid, *warm)
            port = self.free_port()
            name = f"{self.aid}-{len(warm)}"
            clones = self.appshot("clone", template, "-q", "-n", "2", "--name", name + "-{n}").split()
            clones += self.appshot("clone", template, "-q", "-p", f"{port}:80", "--name", name + "-port").split()
            clones += self.appshot("clone", clones[0], "-q", "--name", name + "-deep").split()
            addresses = [self.address(clone) for clone in clones]
            self.assertEqual(len({first, *addresses}), 5)
            for clone, address in zip(clones, addresses):
                self.assertEqual(self.inner_address(clone), first)
                self.assert_is_reached(address, first)
            self.assert_carries(addresses[-1])
            self.assertEqual(asked("127.0.0.1", "names", port=port), [first, self.node_address()])
            self.assertEqual(asked(addresses[0], "ask", addresses[3]),
                             {"here": [first, addresses[3]], "there": [first, addresses[0]]})
            self.appshot("rm", "-f", *clones)
            self.appshot("template-rm", template)

    def test_it_stays_through_sleep_and_restores_under_its_name(self):
        first = self.serve(self.aid)
        clones = self.restore_clones(self.appshot("snapshot", self.aid))
        clone, address = next(iter(clones.items()))
        with socket.create_connection((address, 80), timeout=20) as connection:
            connection.sendall(b"echo 4\na")
            self.assertEqual(connection.recv(1), b"a")
            for byte, (end, begin) in zip((b"b", b"c"), (
                    (["sleep", clone], lambda _: self.appshot("wake", clone)),
                    (["snapshot", "--stop", clone], lambda out: self.appshot("restore", out)))):
                begin(self.appshot(*end))
                self.assertEqual(self.address(clone), address)
                self.assertEqual(self.inner_address(clone), first)
                self.assert_is_reached(address, first)
                connection.sendall(byte)  # the same connection
                self.assertEqual(connection.recv(1), byte)
        # As long as nobody else has got it, it is the same also after it was removed.
        snapshot = self.appshot("snapshot", "--stop", clone)
        self.appshot("rm", "-f", self.aid, *clones)
        self.appshot("restore", snapshot)
        self.assertEqual(self.address(clone), address)
        self.assert_is_reached(address, first)

    def test_it_outlives_harness_and_daemon(self):
        first = self.serve(self.aid)
        original = self.aid
        clone = next(iter(self.restore_clones(self.appshot("snapshot", self.aid))))
        self.aid = clone  # whose harness is awaited
        address = self.address(clone)
        harness = self.instance(clone)["harness_pid"]
        self.kill_and_wait(harness)
        self.assert_is_reached(address, first)
        self.await_another_harness(harness)
        self.assert_is_reached(address, first)
        self.kill_daemon()
        self.assert_is_reached(address, first)
        for _ in range(2):
            self.assertEqual(self.inner_address(clone), first)
            self.appshot("restore", self.appshot("snapshot", "--stop", clone))
            self.assert_is_reached(address, first)
        self.assert_is_reached(self.address(original), first)

    def test_nothing_is_left_of_it(self):
        self.serve(self.aid)
        snapshot = self.appshot("snapshot", self.aid)
        before = self.traces()
        for end in (["rm", "-f"], ["stop"]):
            clones = self.restore_clones(snapshot)
            self.appshot(*end, *clones)
            if end == ["stop"]:
                self.appshot("rm", *clones)
            self.assert_traces(before)
        for fault in ("restore.ready:EIO", "restore.translate:EPERM"):
            self.use_fault(fault)
            self.appshot("restore", snapshot, "--as", self.aid + "-0", status=1)
            self.assertIsNone(self.instance(self.aid + "-0"))
        # Under the name of the one that is gone nothing is translated.
        first = self.address(self.aid)
        self.appshot("rm", "-f", self.aid)
        self.appshot("restore", snapshot)
        self.assert_is_reached(first, first)
        self.use_fault(None)
        self.assert_traces(before)

    # ---- the world, other ranges, other nodes ----

    def make_world(self):
        script = ("ip netns add world && ip link add outer type veth peer name inner netns world && "
                  "ip addr add 10.77.0.1/24 dev outer && ip link set outer up && "
                  "ip -n world addr add 10.77.0.2/24 dev inner && ip -n world addr add 10.77.0.3/24 dev inner && "
                  "ip -n world link set inner up && ip -n world link set lo up && "
                  "ip route add 10.77.0.3 dev outer mtu lock 1000")
        subprocess.run(["sh", "-c", "mkdir -p /run/netns; mount -t tmpfs none /run/netns; " + script], check=True)
        self.addCleanup(subprocess.run, ["sh", "-c", "ip netns del world; umount /run/netns"], check=True)
        server = ("import socket\ns=socket.create_server(('',80))\nprint('listens',flush=True)\n"
                  "while True:\n c,a=s.accept();c.recv(99);c.sendall(('\"%s\"\\n'%a[0]).encode());c.close()\n")
        world = subprocess.Popen(["ip", "netns", "exec", "world", sys.executable, "-c", server],
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(world.stdout.close)
        self.addCleanup(world.wait)
        self.addCleanup(world.kill)
        self.assertEqual(world.stdout.readline(), "listens\n")

    def test_the_world_and_how_much_its_paths_carry(self):
        self.make_world()
        first = self.serve(self.aid)
        clones = self.restore_clones(self.appshot("snapshot", self.aid))
        for address in (first, *clones.values()):
            self.assertEqual(asked(address, "ask", "10.77.0.2"),
                             {"here": [first, "10.77.0.2"], "there": "10.77.0.1"})
            self.assertEqual(asked(address, "refused", "10.77.0.2", 54), "ECONNREFUSED")
            self.assertEqual(asked(address, "path", "10.77.0.3", 54, 1400), 1000)

    def test_it_tells_others_how_much_its_own_paths_carry(self):
        # Behind it is a room of its own with a narrow door.
        room = """ip netns add room; ip link add out mtu 1000 type veth peer name in netns room
            ip addr add 10.60.0.1/24 dev out; ip link set out up
            ip -n room addr add 10.60.0.2/24 dev in; ip -n room link set in up; ip -n room link set lo up
            ip -n room route add default via 10.60.0.1; echo 1 > /proc/sys/net/ipv4/ip_forward
            nft 'table ip room {
                chain into { type nat hook prerouting priority -100; iifname eth0 udp dport 99 dnat to 10.60.0.2; }
            }'
            exec "$@" """
        self.serve(self.aid, "--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", around=["sh", "-c", room, "sh"])
        clones = self.restore_clones(self.appshot("snapshot", self.aid))
        for address in clones.values():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
                client.connect((address, 99))

                def is_told():
                    try:
                        client.send(bytes(1400))
                    except OSError as failed:
                        return failed.errno == errno.EMSGSIZE
                until(is_told, "it is too much")
                self.assertEqual(client.getsockopt(socket.IPPROTO_IP, 14), 1000)  # IP_MTU

    def use_range(self, network):
        """For the next daemon."""
        self.appshot("daemon", "stop")
        folder = self.root / "config" / "appshot"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "appshot.toml").write_text(f'[network]\nrange = "{network}"\n')
        self.env["XDG_CONFIG_HOME"] = str(folder.parent)

    def free_port(self):
        with socket.create_server(("", 0)) as server:
            return server.getsockname()[1]

    def test_published_ports_lead_to_who_has_another_inside(self):
        tcp, udp = self.free_port(), self.free_port()
        first = self.serve(self.aid, "-p", f"{tcp}:80", "-p", f"{udp}:53/udp")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("rm", self.aid)
        self.use_range("10.9.8.0/24")
        self.appshot("restore", snapshot)
        address = self.address(self.aid)
        self.assertTrue(address.startswith("10.9.8."), address)
        self.assertEqual(self.inner_address(self.aid), first)
        self.assert_is_reached(address, first)
        node = self.node_address()
        for at in ("127.0.0.1", "127.0.0.9", node, "::1", v6_of(node)):
            self.assertEqual(asked(at, "names", port=tcp), [v6_of(first) if ":" in at else first,
                                                            v6_of(node) if ":" in at else node])
            self.assertEqual(answered(at, port=udp), v6_of(node) if ":" in at else node)
        # By itself, too.
        ask = ("import socket;c=socket.create_connection(('%s',%d),timeout=10);c.sendall(b'names\\n');"
               "print(c.makefile().readline())" % (node, tcp))
        self.assertEqual(json.loads(self.appshot("exec", self.aid, "python3", "-c", ask)), [first, node])

    def test_it_is_kept_on_another_node(self):
        first = self.serve(self.aid)
        file = str(self.root / "exported")
        self.appshot("export", self.appshot("snapshot", self.aid), file)
        here = self.env["APPSHOT_ROOT"]
        self.env["APPSHOT_ROOT"] = str(self.root / "another")
        os.mkdir(self.env["APPSHOT_ROOT"])
        self.appshot("restore", self.appshot("import", file))
        address = self.address(self.aid)
        self.assertNotEqual(address.split(".")[2], first.split(".")[2])
        self.assertEqual(self.inner_address(self.aid), first)
        self.assert_is_reached(address, first)
        self.assert_carries(address)
        again = self.aid + "-again"
        self.appshot("restore", self.appshot("snapshot", self.aid), "--as", again)
        self.assert_is_reached(self.address(again), first)
        self.appshot("rm", "-f", self.aid, again)
        self.appshot("daemon", "stop")
        self.env["APPSHOT_ROOT"] = here
        self.assert_is_reached(first, first)

    def test_one_that_comes_from_elsewhere_takes_nobodys_address(self):
        first = self.serve(self.aid)
        with socket.create_connection((first, 80), timeout=20) as connection:
            connection.sendall(b"echo 2\na")
            self.assertEqual(connection.recv(1), b"a")
            snapshot = self.appshot("snapshot", "--stop", self.aid)
            file = str(self.root / "exported")
            self.appshot("export", snapshot, file)
            copy = self.aid + "-copy"
            self.appshot("restore", self.appshot("import", file), "--as", copy)
            self.assertNotEqual(self.address(copy), first)
            self.assert_is_reached(self.address(copy), first)
            self.appshot("restore", snapshot)
            connection.sendall(b"b")
            self.assertEqual(connection.recv(1), b"b")


if __name__ == "__main__":
    unittest.main()
