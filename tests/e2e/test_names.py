"""Names inside an instance, where the host asks a server on its own loopback. The real harness."""

import ctypes
import pathlib
import select
import socket
import struct
import tempfile
import threading
import unittest

from node_fixture import Follower
from real_fixture import MS_REC, RealNode, enter_own_world

MS_BIND = 0x1000
DOCKERS = "127.0.0.11"
SHORT, LONG = "short.test", "long.test"
MANY = 200  # addresses: more than a datagram of names holds

# Says what the name of its argument leads to, and again whenever it is told to.
ASKING = ("import signal,socket,sys\n"
          "def ask(*_):\n"
          " try: found=sorted({a[4][0] for a in socket.getaddrinfo(sys.argv[1],80,socket.AF_INET)})\n"
          " except socket.gaierror as e: found=[str(e)]\n"
          " print(len(found),found[0],flush=True)\n"
          "signal.signal(signal.SIGUSR1,ask)\nask()\n"
          "while True: signal.pause()\n")


def setUpModule():
    enter_own_world()


class NameServer:
    """Answers over UDP and TCP: one address for a short name, many for a long one, which a datagram cannot hold."""

    def __init__(self, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.datagrams = socket.socket(family, socket.SOCK_DGRAM)
        self.datagrams.bind((address, 53))
        self.listener = socket.create_server((address, 53), family=family)
        self.stop = threading.Event()
        self.asked = {"udp": 0, "tcp": 0}
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stop.is_set():
            ready, _, _ = select.select([self.datagrams, self.listener], [], [], 0.1)
            if self.datagrams in ready:
                question, who = self.datagrams.recvfrom(4096)
                self.asked["udp"] += 1
                self.datagrams.sendto(self.answer(question, 512), who)
            if self.listener in ready:
                connection, _ = self.listener.accept()
                with connection, connection.makefile("rb") as bytes_of:
                    connection.settimeout(10)
                    question = bytes_of.read(struct.unpack("!H", bytes_of.read(2))[0])
                    self.asked["tcp"] += 1
                    answer = self.answer(question, 65535)
                    connection.sendall(struct.pack("!H", len(answer)) + answer)

    @staticmethod
    def answer(question, room):
        """RFC 1035: the header, the question, addresses for its name; or that it does not fit (TC)."""
        end, labels = 12, []
        while question[end]:
            labels.append(question[end + 1:end + 1 + question[end]].decode())
            end += 1 + question[end]
        asked = question[12:end + 5]
        is_v4 = struct.unpack("!H", question[end + 1:end + 3])[0] == 1
        name = ".".join(labels)
        count = {SHORT: 1, LONG: MANY}.get(name, 0) if is_v4 else 0
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + bytes([10, 1, i // 250, 1 + i % 250])
                           for i in range(count))
        code = 0 if name in (SHORT, LONG) else 3
        flags = 0x8180 | code
        if 12 + len(asked) + len(records) > room:
            flags, count, records = flags | 0x0200, 0, b""
        return question[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + asked + records

    def close(self):
        self.stop.set()
        self.thread.join()
        self.datagrams.close()
        self.listener.close()


class Names(RealNode):
    def setUp(self):
        super().setUp()
        self.servers = []
        self.resolv_conf = tempfile.NamedTemporaryFile("w", prefix="resolv-")
        self.addCleanup(self.resolv_conf.close)
        libc = ctypes.CDLL(None, use_errno=True)
        target = str(pathlib.Path("/etc/resolv.conf").resolve()).encode()
        if libc.mount(self.resolv_conf.name.encode(), target, None, MS_BIND | MS_REC, None) != 0:
            raise OSError(ctypes.get_errno(), "a resolv.conf for the test")
        self.addCleanup(libc.umount2, target, 2)  # MNT_DETACH

    def ask_at(self, *addresses, serving=None):
        """What the host's resolv.conf names from now on, and servers there."""
        for server in self.servers:
            server.close()
        self.resolv_conf.seek(0)
        self.resolv_conf.truncate()
        self.resolv_conf.write("search nowhere.test\n" + "".join(f"nameserver {a}\n" for a in addresses))
        self.resolv_conf.flush()
        self.servers = [NameServer(address) for address in (serving or addresses)]
        for server in self.servers:
            self.addCleanup(server.close)

    def expect(self, log, name):
        self.assertEqual(log.line(), {SHORT: "1 10.1.0.1", LONG: f"{MANY} 10.1.0.1"}[name])

    def ask_again(self, aid, name):
        with Follower(self, "logs", "-f", aid) as log:
            lines = len(self.appshot("logs", aid).splitlines())
            self.appshot("kill", "-s", "USR1", aid)
            for _ in range(lines):
                log.line()
            self.expect(log, name)

    def run_asking(self, name, aid=None):
        aid = aid or self.aid
        self.appshot("run", "-d", "--name", aid, "--", "python3", "-c", ASKING, name)
        with Follower(self, "logs", "-f", aid) as log:
            self.expect(log, name)

    def test_they_are_found_through_stops_of_everybody(self):
        self.ask_at(DOCKERS)
        for name in (SHORT, LONG):
            with self.subTest(name=name):
                aid = f"{self.aid}-{name[0]}"
                self.run_asking(name, aid)
                self.appshot("restore", self.appshot("snapshot", "--stop", aid))
                self.ask_again(aid, name)
                self.appshot("daemon", "stop")
                self.json("ps")
                self.ask_again(aid, name)
                self.kill_daemon()
                self.json("ps")
                self.ask_again(aid, name)
        self.assertGreaterEqual(self.servers[0].asked["tcp"], 4)

    def test_what_the_host_asks_later_is_asked(self):
        # One of IPv6, one that is not there before it, one elsewhere.
        self.ask_at(DOCKERS)
        self.run_asking(SHORT)
        for addresses in (("::1",), ("127.0.0.12", "127.0.0.13"), ("127.0.0.1",)):
            with self.subTest(addresses=addresses):
                self.ask_at(*addresses, serving=addresses[-1:])
                self.ask_again(self.aid, SHORT)
                self.assertGreater(self.servers[0].asked["udp"], 0)

    def test_the_node_is_its_server_and_the_rest_is_the_hosts(self):
        self.ask_at(DOCKERS)
        self.run_asking(SHORT)
        inside = self.appshot("exec", self.aid, "cat", "/etc/resolv.conf").splitlines()
        address = self.json("inspect", self.aid)["address"]
        self.assertEqual(inside[1:], ["search nowhere.test"])
        self.assertTrue(inside[0].startswith("nameserver " + ".".join(address.split(".")[:2])), inside)

    def test_a_server_at_every_address_is_not_in_the_way(self):
        self.ask_at("127.0.0.1", serving=["0.0.0.0"])
        self.run_asking(LONG)

    def test_two_nodes_do_not_meet(self):
        self.ask_at(DOCKERS)
        self.run_asking(SHORT)
        other = tempfile.TemporaryDirectory(prefix="appshot-e2e-")
        self.addCleanup(other.cleanup)
        env, self.env = self.env, dict(self.env, APPSHOT_ROOT=other.name)
        try:
            self.run_asking(LONG, self.aid + "-2")
            self.ask_again(self.aid + "-2", LONG)
            self.env, env = env, self.env
            self.ask_again(self.aid, SHORT)
            self.appshot("rm", "-f", self.aid)
            self.appshot("daemon", "stop")
            self.env, env = env, self.env
            self.ask_again(self.aid + "-2", LONG)
            self.appshot("rm", "-f", self.aid + "-2")
            self.appshot("daemon", "stop")
        finally:
            self.env = dict(self.env, APPSHOT_ROOT=str(self.root))

    def test_a_server_elsewhere_is_asked_by_the_instance_itself(self):
        self.ask_at("10.255.255.53", DOCKERS, serving=[DOCKERS])
        self.assertEqual(self.appshot("run", "--rm", "--", "cat", "/etc/resolv.conf"),
                         pathlib.Path(self.resolv_conf.name).read_text().strip())


if __name__ == "__main__":
    unittest.main()
