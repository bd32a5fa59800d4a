"""The virtual address of an instance: who reaches it, what keeps it, what it answers. The real harness."""

import errno
import socket
import subprocess
import sys
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world, until

# Answers each connection with the caller's address, over IPv4 and IPv6.
SERVER = ("import socket\n"
          "s=socket.create_server(('::',int({port})),family=socket.AF_INET6,dualstack_ipv6=True)\n"
          "print('listens',flush=True)\n"
          "while True:\n"
          " c,a=s.accept();c.sendall(a[0].replace('::ffff:','').encode());c.close()\n")
QUICK_S = 0.5


def setUpModule():
    enter_own_world()


def said_by(address, port, timeout=10):
    with socket.create_connection((address, port), timeout=timeout) as connection:
        return connection.makefile().read()


class Endpoints(RealNode):
    def serve(self, aid, port=80, *options):
        self.appshot("run", "-d", "--name", aid, *options, "--", "python3", "-c", SERVER.format(port=port))
        with Follower(self, "logs", "-f", aid) as log:
            self.assertEqual(log.line(), "listens")
        return self.json("inspect", aid)["address"]

    def failure(self, address, port=80):
        with self.assertRaises(OSError) as caught:
            said_by(address, port, QUICK_S)
        return caught.exception.errno

    def fails(self, number, address, port=80):
        self.assertEqual(self.failure(address, port), number)

    def test_it_is_reached_from_the_host_and_by_others(self):
        address = self.serve(self.aid)
        node = said_by(address, 80)
        self.assertEqual(node.rsplit(".", 1)[0], address.rsplit(".", 1)[0])
        v6 = "fd61:7073:686f::" + address
        self.assertEqual(said_by(v6, 80), str(socket.inet_ntop(
            socket.AF_INET6, socket.inet_pton(socket.AF_INET6, "fd61:7073:686f::" + node))))
        asked = self.appshot("run", "--rm", "--", "python3", "-c",
                             "import socket,sys\n"
                             "c=socket.create_connection((sys.argv[1],80),timeout=10)\n"
                             "print(c.getsockname()[0], c.makefile().read())", address)
        own, seen = asked.split()
        self.assertEqual(own, seen)  # in its own name, not the node's
        self.assertNotIn(own, (address, node))

    def test_it_is_kept_by_a_restore_and_silent_until_then(self):
        address = self.serve(self.aid)
        for verbs in (("snapshot", "--stop", "--name", "one"), ("restore", "one")), (("sleep",), ("wake",)):
            end, begin = verbs
            self.appshot(*end, self.aid)
            self.fails(None, address)  # it times out
            self.kill_daemon()
            self.fails(None, address)
            self.appshot(*begin, *([] if "one" in begin else [self.aid]))
            self.assertEqual(self.json("inspect", self.aid)["address"], address)
            said_by(address, 80)

    def test_the_dead_answer_as_dead(self):
        address = self.serve(self.aid)
        self.appshot("snapshot", "--stop", "--name", "one", self.aid)
        self.fails(None, address)
        self.appshot("snapshot-rm", "one")
        self.fails(errno.EHOSTUNREACH, address)
        address = self.serve(self.aid + "-2")
        self.appshot("stop", self.aid + "-2")
        # At first there is nobody there, then nothing.
        until(lambda: self.failure(address) == errno.EHOSTUNREACH, "it has ended")
        self.appshot("rm", self.aid, self.aid + "-2")
        self.fails(errno.EHOSTUNREACH, address)

    def test_an_address_is_of_one_instance(self):
        address = self.serve(self.aid)
        self.appshot("snapshot", "--stop", "--name", "one", self.aid)
        copy = self.aid + "-copy"
        self.appshot("restore", "one", "--as", copy)
        self.assertEqual(self.json("inspect", copy)["address"], address)
        self.appshot("restore", "one", status=6)
        self.assertIn(f"its address {address} is now that of {copy}", self.stderr)
        said_by(address, 80)
        third = self.aid + "-third"
        self.appshot("restore", "one", "--as", third)
        self.assertNotEqual(self.json("inspect", third)["address"], address)
        said_by(self.json("inspect", third)["address"], 80)

    def free_port(self):
        with socket.create_server(("", 0)) as server:
            return server.getsockname()[1]

    def test_a_published_port_answers_at_every_address(self):
        port = self.free_port()
        self.serve(self.aid, 80, "-p", f"{port}:80")
        self.assertEqual(self.instance(self.aid)["ports"], [f"{port}:80"])
        node = said_by("127.0.0.1", port)
        for at in ("127.0.0.9", node, "::1", "fd61:7073:686f::" + node):
            said_by(at, port)
        # Others, and the instance itself, find it at the host's addresses.
        ask = f"import socket;print(socket.create_connection(('{node}',{port}),timeout=10).makefile().read())"
        self.assertEqual(self.appshot("run", "--rm", "--", "python3", "-c", ask), node)
        self.assertEqual(self.appshot("exec", self.aid, "python3", "-c", ask), node)
        # The host's own loopback stays its own.
        private = ("import socket,sys\ntry: socket.create_connection(('127.0.0.1',%d),timeout=1)\n"
                   "except OSError as e: print(e.errno)" % port)
        self.assertEqual(self.appshot("run", "--rm", "--", "python3", "-c", private), str(errno.ECONNREFUSED))

    def test_published_ports_are_kept(self):
        port = self.free_port()
        address = self.serve(self.aid, 80, "-p", f"127.0.0.1:{port}:80")
        self.kill_daemon()
        said_by("127.0.0.1", port)
        self.fails(errno.ECONNREFUSED, "127.0.0.2", port)
        self.assertEqual(self.json("ports"), [{"aid": self.aid, "port": f"127.0.0.1:{port}:80",
                                               "address": address, "state": "up"}])
        said_by("127.0.0.1", port)
        self.appshot("snapshot", "--stop", "--name", "one", self.aid)
        self.assertEqual(self.json("ports")[0]["state"], "asleep")
        self.fails(None, "127.0.0.1", port)
        self.appshot("rm", self.aid)
        self.fails(errno.ECONNREFUSED, "127.0.0.1", port)
        self.assertEqual(self.json("ports"), [])
        self.appshot("restore", "one")
        said_by("127.0.0.1", port)
        endpoint, = self.json("endpoints")
        self.assertEqual((endpoint["address"], endpoint["state"]), (address, "up"))
        self.assertGreater(endpoint["to_instance_bytes"], 0)
        self.assertIn(f"127.0.0.1:{port}", self.appshot("ports"))
        self.assertEqual(self.appshot("endpoints", "-q"), address)

    def test_who_has_a_port_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            self.appshot("run", "-d", "-p", f"{port}:80", "--", "sleep", "100", status=6)
            self.assertIn(f"port {port} is taken by process", self.stderr)
            self.assertIn("(python", self.stderr)
        self.serve(self.aid, 80, "-p", f"{port}:80")
        self.appshot("run", "-d", "-p", f"127.0.0.1:{port}:80", "--", "sleep", "100", status=6)
        self.assertIn(f"port {port} is published by {self.aid}", self.stderr)
        with self.assertRaises(OSError):
            socket.create_server(("127.0.0.1", port))
        self.appshot("run", "-d", "-p", f"10.99.99.99:{port + 1}:80", "--", "sleep", "100", status=2)
        self.appshot("run", "-d", "-p", "80", "--", "sleep", "100", status=2)
        self.assertEqual([i["aid"] for i in self.json("ps", "-a")], [self.aid])

    def test_datagrams_come_by_published_ports(self):
        port = self.free_port()
        echo = ("import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.bind(('',53))\n"
                "print('listens',flush=True)\nwhile True:\n d,a=s.recvfrom(999);s.sendto(d.upper(),a)\n")
        self.appshot("run", "-d", "--name", self.aid, "-p", f"{port}:53/udp", "--", "python3", "-c", echo)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "listens")
        for _ in range(2):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(10)
                client.connect(("127.0.0.1", port))
                client.send(b"abc")
                self.assertEqual(client.recv(9), b"ABC")
            self.appshot("restore", self.appshot("snapshot", "--stop", self.aid))

    def test_nothing_is_left_when_the_last_has_gone(self):
        def seen():
            return [subprocess.run(words, capture_output=True, text=True, check=True).stdout for words in (
                ["ip", "-br", "link"], ["ip", "route"], ["ip", "-6", "route"], ["nft", "list", "ruleset"])]
        loopback, *_ = seen()[0].splitlines()
        before = [loopback + "\n", "", "", ""]
        self.serve(self.aid)
        self.appshot("daemon", "stop")
        self.assertNotEqual(seen(), before)
        self.appshot("rm", "-f", self.aid)
        self.appshot("daemon", "stop")
        try:
            until(lambda: seen() == before, "nothing is left")
        except TimeoutError:
            self.assertEqual(seen(), before)

    def test_the_world_is_spoken_to_in_the_name_of_the_host(self):
        script = ("ip netns add world && ip link add outer type veth peer name inner netns world && "
                  "ip addr add 10.77.0.1/24 dev outer && ip link set outer up && "
                  "ip -n world addr add 10.77.0.2/24 dev inner && ip -n world link set inner up && "
                  "ip -n world link set lo up && ip route add default via 10.77.0.2")
        subprocess.run(["sh", "-c", "mkdir -p /run/netns; mount -t tmpfs none /run/netns; " + script], check=True)
        self.addCleanup(subprocess.run, ["sh", "-c", "ip netns del world; umount /run/netns"], check=True)
        with subprocess.Popen(["ip", "netns", "exec", "world", sys.executable, "-c", SERVER.format(port=80)],
                              stdout=subprocess.PIPE, text=True) as world:
            self.addCleanup(world.kill)
            self.assertEqual(world.stdout.readline(), "listens\n")
            asked = self.appshot("run", "--rm", "--", "python3", "-c",
                                 "import socket;print(socket.create_connection(('10.77.0.2',80),"
                                 "timeout=10).makefile().read())")
            self.assertEqual(asked, "10.77.0.1")
            # What is for nobody does not go there.
            self.serve(self.aid)
            free = ".".join(self.json("inspect", self.aid)["address"].split(".")[:2]) + ".1.200"
            self.fails(errno.EHOSTUNREACH, free)
            world.kill()


if __name__ == "__main__":
    unittest.main()
