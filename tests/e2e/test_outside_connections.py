"""Connections with others go on through snapshots that end the application, and its restore. The real harness."""

import fcntl
import os
import pathlib
import selectors
import shutil
import socket
import struct
import threading
import time
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world, until

SERVER = pathlib.Path(__file__).with_name("echo_server.py")
CONNECTIONS = int(os.environ.get("APPSHOT_OUTSIDE_CONNECTIONS", "60"))
CYCLES = int(os.environ.get("APPSHOT_OUTSIDE_CYCLES", "10"))
ROUND_BYTES = 1 << 16
PATTERN = bytes((i * 7 + (i >> 8)) & 0xff for i in range(1 << 20))


def setUpModule():
    enter_own_world()


def unacknowledged(connection):
    """How many bytes its peer has not acknowledged (SIOCOUTQ)."""
    return struct.unpack("i", fcntl.ioctl(connection, 0x5411, b"\0" * 4))[0]


def tcp_state(connection):
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


class Traffic:
    """Connections on which bytes are sent all the time, and each is expected back in its place."""

    def __init__(self, address, count):
        self.selector = selectors.DefaultSelector()
        self.sent, self.came = [0] * count, [0] * count
        self.failure = None
        self.ends = False
        self.sockets = [socket.create_connection((address, 80), timeout=10) for _ in range(count)]
        for i, connection in enumerate(self.sockets):
            connection.setblocking(False)
            self.selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, i)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    @staticmethod
    def expected(at, length):
        at %= len(PATTERN)
        return (PATTERN[at:] + PATTERN)[:length]

    def run(self):
        try:
            while not self.ends:
                for key, events in self.selector.select(0.1):
                    self.serve(key.fileobj, key.data, events)
        except (OSError, AssertionError) as failed:
            self.failure = failed

    def serve(self, connection, i, events):
        if events & selectors.EVENT_READ:
            got = connection.recv(1 << 15)
            if not got:
                raise AssertionError(f"connection {i} was closed")
            if got != self.expected(self.came[i], len(got)):
                raise AssertionError(f"connection {i}: other bytes than were sent, at {self.came[i]}")
            self.came[i] += len(got)
        room = ROUND_BYTES - (self.sent[i] - self.came[i])
        if events & selectors.EVENT_WRITE and room > 0:
            self.sent[i] += connection.send(self.expected(self.sent[i], min(room, 1 << 13)))
        waits = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.sent[i] - self.came[i] < ROUND_BYTES else 0)
        self.selector.modify(connection, waits, i)

    def await_progress(self, test):
        """Every connection carries more, there and back, than could have been on its way."""
        before = list(self.came)
        until(lambda: self.failure or all(now > then + 2 * ROUND_BYTES for now, then in zip(self.came, before)),
              "every connection goes on")
        test.assertIsNone(self.failure)

    def close(self):
        self.ends = True
        self.thread.join()
        for connection in self.sockets:
            connection.close()


class OutsideConnections(RealNode):
    def serve(self, *options, arguments=(), around=()):
        self.appshot("run", "-d", "--name", self.aid, *options, "--", *around, "python3", str(SERVER), *arguments)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "listens")
        return self.json("inspect", self.aid)["address"]

    def stop_and_restore(self):
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        return snapshot

    def test_many_go_on_under_load(self):
        traffic = Traffic(self.serve(), CONNECTIONS)
        self.addCleanup(traffic.close)
        traffic.await_progress(self)
        for _ in range(CYCLES):
            self.appshot("snapshot-rm", self.stop_and_restore())
            traffic.await_progress(self)
            self.appshot("snapshot-rm", self.appshot("snapshot", self.aid))
            traffic.await_progress(self)

    def test_many_go_on_that_packet_filters_lead_into_a_room(self):
        # As container runtimes do: the server has a network of its own, to which its instance's translates.
        room = """ip netns add room; ip link add out type veth peer name in netns room
            ip addr add 10.60.0.1/24 dev out; ip link set out up
            ip -n room addr add 10.60.0.2/24 dev in; ip -n room link set in up; ip -n room link set lo up
            ip -n room route add default via 10.60.0.1; echo 1 > /proc/sys/net/ipv4/ip_forward
            nft 'table ip room {
                chain into { type nat hook prerouting priority -100; iifname eth0 tcp dport 80 dnat to 10.60.0.2; }
                chain pass { type filter hook forward priority 0; policy drop;
                    ct state established,related accept; iifname eth0 tcp dport 80 ct state new tcp flags syn accept; }
            }'
            exec ip netns exec room "$@" """
        traffic = Traffic(self.serve("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN",
                                     around=["sh", "-c", room, "sh"]), 20)
        self.addCleanup(traffic.close)
        traffic.await_progress(self)
        for _ in range(3):
            self.appshot("snapshot-rm", self.stop_and_restore())
            traffic.await_progress(self)
            self.appshot("snapshot-rm", self.appshot("snapshot", self.aid))
            traffic.await_progress(self)
            self.appshot("sleep", self.aid)
            self.appshot("wake", self.aid)
            traffic.await_progress(self)

    def test_they_go_on_after_sleep_and_a_restore_that_failed(self):
        traffic = Traffic(self.serve(), 5)
        self.addCleanup(traffic.close)
        traffic.await_progress(self)
        self.appshot("sleep", self.aid)
        self.appshot("wake", self.aid)
        traffic.await_progress(self)
        self.use_fault("restore.ready:EIO")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot, status=1)
        self.use_fault(None)
        self.appshot("restore", snapshot)
        traffic.await_progress(self)

    def test_what_has_not_been_read_or_sent_is_kept(self):
        # The client reads nothing at first, so that the server's queues fill; then it ends its side.
        for half in (False, True):
            with self.subTest(half_closed=half):
                if self.instance(self.aid):
                    self.appshot("rm", "-f", self.aid)
                address = self.serve()
                with socket.create_connection((address, 80), timeout=20) as client:
                    client.settimeout(1)
                    sent = 0
                    try:
                        while sent < 8 << 20:
                            sent += client.send(Traffic.expected(sent, 1 << 14))
                    except TimeoutError:
                        pass
                    self.assertGreater(sent, 1 << 17)
                    client.settimeout(20)
                    self.stop_and_restore()
                    if half:
                        client.shutdown(socket.SHUT_WR)
                        self.stop_and_restore()
                    came = 0
                    while came < sent:
                        got = client.recv(1 << 16)
                        self.assertEqual(got, Traffic.expected(came, len(got)))
                        self.assertTrue(got)
                        came += len(got)
                    if half:
                        self.assertEqual(client.recv(1), b"")

    def connect_waiting(self, address):
        """Clients that nobody accepts: silent, with a word, with its end, reset, and one that has sent what is taken."""
        clients = [socket.create_connection((address, 80), timeout=20) for _ in range(5)]
        for client in clients:
            self.addCleanup(client.close)
        for client in clients[1:4]:
            client.sendall(b"early")
        clients[2].shutdown(socket.SHUT_WR)
        until(lambda: not unacknowledged(clients[3]), "the word has arrived")
        clients[3].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        ports = [client.getsockname()[1] for client in clients]
        clients[3].close()
        clients[4].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 300000)
        clients[4].settimeout(0.3)
        sent = 0
        try:
            while sent < 8 << 20:
                sent += clients[4].send(Traffic.expected(sent, 1 << 14))
        except TimeoutError:
            pass
        clients[4].settimeout(20)
        return clients, ports, sent

    def expect_echo(self, client, expected):
        came = 0
        while came < expected:
            got = client.recv(1 << 16)
            self.assertTrue(got)
            self.assertEqual(got, Traffic.expected(came, len(got)))
            came += len(got)

    def test_who_has_been_answered_and_is_late_is_kept(self):
        address = self.serve()
        client = socket.socket()
        self.addCleanup(client.close)
        client.settimeout(20)
        # Its kernel then waits 200 ms before it says that it has heard of the answer.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        client.connect((address, 80))
        self.stop_and_restore()
        client.sendall(Traffic.expected(0, 100))
        self.expect_echo(client, 100)

    def test_who_waits_to_be_accepted_is_kept(self):
        address = self.serve(arguments=["late"])
        clients, ports, sent = self.connect_waiting(address)
        snapshot = self.appshot("snapshot", self.aid)  # nobody notices
        self.appshot("snapshot-rm", snapshot)
        self.stop_and_restore()
        clients[1].sendall(b" and late")
        late = socket.create_connection((address, 80), timeout=20)
        self.addCleanup(late.close)
        self.stop_and_restore()
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "listens")
            self.appshot("kill", "-s", "USR1", self.aid)
            for port in ports + [late.getsockname()[1]]:
                line = log.line()
                while not line.startswith("accepted"):
                    line = log.line()
                self.assertEqual(line, f"accepted {port}")
        clients[1].shutdown(socket.SHUT_WR)
        self.assertEqual(clients[1].makefile("rb").read(), b"early and late")
        self.assertEqual(clients[2].recv(99), b"early")
        self.assertEqual(clients[2].recv(99), b"")
        self.expect_echo(clients[4], sent)
        for client in (clients[0], late):
            client.sendall(b"x")
            self.assertEqual(client.recv(9), b"x")

    def test_who_waited_in_another_life_is_reset(self):
        address = self.serve(arguments=["late"])
        with socket.create_connection((address, 80), timeout=10) as client:
            client.sendall(b"early")
            until(lambda: not unacknowledged(client), "the word has arrived")
            snapshot = self.appshot("snapshot", self.aid)
        self.appshot("rm", "-f", self.aid)
        with self.follow_events() as events:
            self.assertEqual(self.json("restore", snapshot)["lost_connections"], 1)
            self.assertEqual(events.event("connections-lost")["details"], {"connections": 1})
        with Follower(self, "logs", "-f", self.aid) as log:
            self.appshot("kill", "-s", "USR1", self.aid)
            while not (line := log.line()).startswith("failed"):
                pass
            self.assertEqual(line, "failed 104")  # ECONNRESET
        with socket.create_connection((address, 80), timeout=10) as client:
            client.sendall(b"x")
            self.assertEqual(client.recv(9), b"x")

    def test_last_words_arrive(self):
        # What is still on its way when the program has closed its connection, and ended.
        words = 4 << 20
        script = ("import socket,sys\ns=socket.create_server(('',80))\nprint('listens',flush=True)\n"
                  "c,_=s.accept()\nc.setsockopt(socket.SOL_SOCKET,32,%d)\n"  # SO_SNDBUFFORCE
                  "c.sendall(b'x'*%d)\nc.close()\nprint('closed',flush=True)\n" % (words, words))
        for ends in (True, False):
            with self.subTest(ends=ends):
                aid = f"{self.aid}-{ends}"
                self.appshot("run", "-d", "--cap-add", "NET_ADMIN", "--name", aid, "--", "python3", "-c",
                             script + ("" if ends else "import time;time.sleep(100)\n"))
                with Follower(self, "logs", "-f", aid) as log:
                    self.assertEqual(log.line(), "listens")
                    with socket.create_connection((self.json("inspect", aid)["address"], 80), timeout=20) as client:
                        self.assertEqual(log.line(), "closed")
                        if ends:
                            until(lambda: self.instance(aid)["state"] == "stopped", "it ends")
                        else:
                            self.appshot("restore", self.appshot("snapshot", "--stop", aid))
                        came = 0
                        while got := client.recv(1 << 16):
                            self.assertEqual(got.strip(b"x"), b"")
                            came += len(got)
                        self.assertEqual(came, words)
                if not ends:
                    self.appshot("snapshot", "--stop", aid)

    def test_who_closed_first_answers_the_end_of_the_other(self):
        # The instance has closed, and waits (FIN_WAIT2, with nobody) through two snapshots for the end of its peer;
        # when that has come its port is kept from others (TIME_WAIT), through two more.
        script = ("import socket,sys\ns=socket.create_server(('',80))\nprint('listens',flush=True)\n"
                  "c,_=s.accept()\nc.close()\ns.close()\nprint('closed',flush=True)\n"
                  "import time;time.sleep(100)\n")
        self.appshot("run", "-d", "--name", self.aid, "--", "python3", "-c", script)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "listens")
            client = socket.create_connection((self.json("inspect", self.aid)["address"], 80), timeout=20)
            self.addCleanup(client.close)
            self.assertEqual(log.line(), "closed")
        self.assertEqual(client.recv(1), b"")

        def kept():
            """Of the instance's connections: their states, as /proc/net/tcp tells them."""
            lines = self.appshot("exec", self.aid, "cat", "/proc/net/tcp").splitlines()[1:]
            return [fields[3] for fields in map(str.split, lines) if fields[1].endswith(":0050")]
        # Its peer may take its time to acknowledge the end.
        until(lambda: kept() == ["05"], "the end it sent is acknowledged")
        for state in ("05", "06"):
            self.assertEqual(kept(), [state])
            for _ in range(2):
                self.stop_and_restore()
                self.assertEqual(kept(), [state])
            if state == "05":
                client.shutdown(socket.SHUT_WR)
                until(lambda: kept() == ["06"], "the end of its peer is heard")
                # It has been acknowledged.
                until(lambda: tcp_state(client) == 7, "the peer is done")  # TCP_CLOSE
        bind = "import socket;s=socket.socket();s.bind(('',80))"
        self.appshot("exec", self.aid, "python3", "-c", bind, status=1)
        self.assertIn("Address already in use", self.stderr)

    def test_one_of_another_life_is_reset(self):
        address = self.serve()
        with socket.create_connection((address, 80), timeout=10) as client:
            client.send(b"a")
            self.assertEqual(client.recv(9), b"a")
            snapshot = self.appshot("snapshot", self.aid)
            client.send(b"b")
            self.assertEqual(client.recv(9), b"b")
            self.appshot("rm", "-f", self.aid)
            with self.follow_events() as events:
                self.appshot("restore", snapshot)
                self.assertIn("1 connection with others could not be kept", self.stderr)
                self.assertEqual(events.event("connections-lost")["details"], {"connections": 1})
            with Follower(self, "logs", "-f", self.aid) as log:
                while not (line := log.line()).startswith("failed"):
                    pass
                self.assertEqual(line, "failed 104")  # ECONNRESET
        with socket.create_connection((address, 80), timeout=10) as client:
            client.send(b"c")
            self.assertEqual(client.recv(9), b"c")

    @unittest.skipUnless(shutil.which("redis-server"), "no redis-server")
    def test_redis_keeps_a_client_through_ten_seconds(self):
        self.appshot("run", "-d", "--name", self.aid, "-p", "127.0.0.1:16379:6379", "--", "redis-server",
                     "--protected-mode", "no", "--save", "")
        def connected():
            try:
                return socket.create_connection(("127.0.0.1", 16379), timeout=40)
            except OSError:
                return None
        client = until(connected, "redis listens")
        self.addCleanup(client.close)
        lines = client.makefile("rb")
        def ask(*words):
            client.sendall(b"".join([b"*%d\r\n" % len(words)] +
                                    [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]))
            return lines.readline()
        self.assertEqual(ask(b"SET", b"k", b"1"), b"+OK\r\n")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(ask(b"INCR", b"k")))
        asking.start()
        ends = time.monotonic() + 10
        while (left := ends - time.monotonic()) > 0:
            asking.join(left)
            self.assertEqual(answers, [])
        self.appshot("restore", snapshot)
        asking.join(40)
        self.assertEqual(answers, [b":2\r\n"])
        self.assertEqual(ask(b"INCR", b"k"), b":3\r\n")


if __name__ == "__main__":
    unittest.main()
