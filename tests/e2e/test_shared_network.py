"""With --share net, connections with programs outside go on through snapshots that end the application, and its restore.
The real harness; others are here, at the host's addresses, and in another network at the end of a cable."""

import ctypes
import os
import pathlib
import socket
import struct
import subprocess
import threading
import time
import unittest

from node_fixture import Follower
from real_fixture import RealNode, enter_own_world, until
from test_outside_connections import Traffic, unacknowledged

SERVER = pathlib.Path(__file__).with_name("echo_server.py")
CYCLES = int(os.environ.get("APPSHOT_OUTSIDE_CYCLES", "4"))
CLONE_NEWNET = 0x40000000
HOST, FAR = "10.77.0.1", "10.77.0.2"
RST, FIN = 4, 1
LIBC = ctypes.CDLL(None, use_errno=True)


def setUpModule():
    enter_own_world()


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class FarNetwork:
    """Another network namespace, and a cable to it."""

    def __init__(self):
        thread = threading.Thread(target=self.make)
        thread.start()
        thread.join()
        ip("link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", f"/proc/{os.getpid()}/fd/{self.fd}")
        ip("addr", "add", f"{HOST}/24", "dev", "near0")
        ip("link", "set", "near0", "up")
        self.run(lambda: [ip("addr", "add", f"{FAR}/24", "dev", "far0"), ip("link", "set", "far0", "up"),
                          ip("link", "set", "lo", "up")])

    def make(self):
        if LIBC.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def run(self, body):
        """In there; what it makes stays of there."""
        result = []

        def enter():
            if LIBC.setns(self.fd, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            result.append(body())
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        return result[0]

    def close(self):
        ip("link", "del", "near0")
        os.close(self.fd)


def filter_tables():
    """The names of all tables of nf_tables."""
    get_table, done, inet = 10 << 8 | 1, 3, 1
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as kernel:
        kernel.send(struct.pack("=IHHIIBBH", 20, get_table, 0x301, 1, 0, inet, 0, 0))
        names = []
        while True:
            packet = kernel.recv(1 << 16)
            while packet:
                length, kind = struct.unpack_from("=IH", packet)
                if kind == done:
                    return names
                size, _ = struct.unpack_from("=HH", packet, 20)  # the name comes first
                names.append(packet[24:20 + size].rstrip(b"\0").decode())
                packet = packet[length + 3 & ~3:]


class Ears:
    """What is said in TCP on a device about ends of connections."""

    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((device, 3))
        self.socket.setblocking(False)

    def endings(self, port, peers):
        """Segments from that port to those of its peers that end or reset: to whom, and their flags."""
        found = []
        while True:
            try:
                frame = self.socket.recv(1 << 16)
            except BlockingIOError:
                return found
            packet = frame[14:]
            if packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP:
                continue
            segment = packet[(packet[0] & 15) * 4:]
            source, destination = struct.unpack("!HH", segment[:4])
            if source == port and destination in peers and segment[13] & (RST | FIN):
                found.append((destination, segment[13]))

    def close(self):
        self.socket.close()


class SharedNetwork(RealNode):
    def setUp(self):
        super().setUp()
        ip("link", "set", "lo", "up")
        self.far = FarNetwork()
        self.addCleanup(self.far.close)

    def serve(self, *options, arguments=()):
        self.appshot("run", "-d", "--name", self.aid, "--share", "net", *options, "--", "python3", str(SERVER),
                     *arguments)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "listens")

    def tables(self):
        return [name for name in filter_tables() if "-held-" in name]

    def traffic(self, count=3):
        """From the host's loopback, from the host's own address, and from afar."""
        every = [Traffic("127.0.0.1", count), Traffic(HOST, count), self.far.run(lambda: Traffic(HOST, count))]
        for one in every:
            self.addCleanup(one.close)
        return every

    def stop_and_restore(self):
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot)
        self.assertNotIn("could not be kept", self.stderr)
        return snapshot

    def test_they_go_on_under_load(self):
        self.serve()
        every = self.traffic()
        for _ in range(CYCLES):
            self.appshot("snapshot-rm", self.stop_and_restore())
            for one in every:
                one.await_progress(self)
            self.appshot("snapshot-rm", self.appshot("snapshot", self.aid))
            for one in every:
                one.await_progress(self)
        self.appshot("sleep", self.aid)
        self.assertEqual(len(self.tables()), 1)
        self.appshot("wake", self.aid)
        for one in every:
            one.await_progress(self)
        self.assertEqual(self.tables(), [])


    def test_nobody_hears_of_it_while_it_is_away(self):
        self.serve()
        local, far = socket.create_connection(("127.0.0.1", 80)), self.far.run(
            lambda: socket.create_connection((HOST, 80)))
        idle = socket.create_connection((HOST, 80))
        for client in (local, far, idle):
            self.addCleanup(client.close)
            client.settimeout(60)
        peers = [client.getsockname()[1] for client in (local, far, idle)]
        ears = [Ears("lo"), Ears("near0")]
        for one in ears:
            self.addCleanup(one.close)
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        local.sendall(b"local")
        far.sendall(b"far")
        # The answer to who asks anew is that nobody answers.
        with socket.socket() as new:
            new.setblocking(False)
            new.connect_ex((HOST, 80))
            peers.append(new.getsockname()[1])
            ends = time.monotonic() + 10
            new.settimeout(10)
            with self.assertRaises(TimeoutError):
                new.recv(1)
            while (left := ends - time.monotonic()) > 0:
                threading.Event().wait(left)
            self.assertEqual([one.endings(80, peers) for one in ears], [[], []])
            self.assertTrue(unacknowledged(far))
            self.appshot("daemon", "stop")  # the next one finds what this one has held
            self.appshot("restore", snapshot)
            self.assertEqual(local.recv(99), b"local")
            self.assertEqual(far.recv(99), b"far")
            idle.sendall(b"idle")
            self.assertEqual(idle.recv(99), b"idle")
            self.assertEqual(self.tables(), [])
        # Who asked anew may have been served since, and ended well.
        heard = [ending for one in ears for ending in one.endings(80, peers)]
        self.assertEqual([(peer, flags) for peer, flags in heard if peer != peers[-1] or flags & RST], [])

    def test_a_client_inside_keeps_its_server(self):
        listeners = [socket.create_server((HOST, 7000)), self.far.run(lambda: socket.create_server((FAR, 7000)))]
        script = ("import socket,sys\n"
                  "s=[socket.create_connection((a,7000)) for a in sys.argv[1:]]\nprint('connected',flush=True)\n"
                  "i=0\n"
                  "while True:\n"
                  " for c in s:\n"
                  "  c.sendall(b'%08d'%i)\n"
                  "  assert c.recv(8,socket.MSG_WAITALL)==b'%08d'%i\n"
                  " i+=1\n")
        self.appshot("run", "-d", "--name", self.aid, "--share", "net", "--", "python3", "-c", script, HOST, FAR)
        peers = []
        for listener in listeners:
            self.addCleanup(listener.close)
            peers.append(listener.accept()[0])
            peers[-1].settimeout(60)
            self.addCleanup(peers[-1].close)
        for i in range(100):
            if i in (20, 40, 60):
                snapshot = self.appshot("snapshot", "--stop", self.aid)
                self.appshot("restore", snapshot)
            for peer in peers:
                word = peer.recv(8, socket.MSG_WAITALL)
                self.assertEqual(word, b"%08d" % i)
                peer.sendall(word)

    def test_what_has_not_been_read_or_sent_is_kept(self):
        for make in (lambda: socket.create_connection(("127.0.0.1", 80), timeout=20),
                     lambda: self.far.run(lambda: socket.create_connection((HOST, 80), timeout=20))):
            for half in (False, True):
                with self.subTest(half_closed=half):
                    if self.instance(self.aid):
                        self.appshot("rm", "-f", self.aid)
                    self.serve()
                    with make() as client:
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

    def test_one_that_has_finished_goes_on_to_be_answered(self):
        # The server inside reads the end only after the restore, and closes then.
        script = ("import socket,signal\n"
                  "signal.pthread_sigmask(signal.SIG_BLOCK,{signal.SIGUSR1})\n"
                  "s=socket.create_server(('',80))\nprint('listens',flush=True)\n"
                  "a=[s.accept()[0] for _ in range(2)]\nprint('accepted',flush=True)\n"
                  "signal.sigwait({signal.SIGUSR1})\n"
                  "for c in a:\n c.sendall(c.makefile('rb').read().upper())\n c.close()\n"
                  "signal.pause()\n")
        self.appshot("run", "-d", "--name", self.aid, "--share", "net", "--", "python3", "-c", script)
        with Follower(self, "logs", "-f", self.aid) as log:
            self.assertEqual(log.line(), "listens")
            clients = [socket.create_connection(("127.0.0.1", 80), timeout=20),
                       self.far.run(lambda: socket.create_connection((HOST, 80), timeout=20))]
            self.assertEqual(log.line(), "accepted")
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(b"last words")
            client.shutdown(socket.SHUT_WR)
            until(lambda client=client: not unacknowledged(client), "the end has arrived")
        self.stop_and_restore()
        self.stop_and_restore()
        self.appshot("kill", "-s", "USR1", self.aid)
        for client in clients:
            self.assertEqual(client.makefile("rb").read(), b"LAST WORDS")

    def test_they_go_on_after_a_restore_that_failed(self):
        self.serve()
        every = self.traffic(2)
        self.use_fault("restore.ready:EIO")
        snapshot = self.appshot("snapshot", "--stop", self.aid)
        self.appshot("restore", snapshot, status=1)
        self.use_fault(None)
        self.appshot("restore", snapshot)
        self.assertNotIn("could not be kept", self.stderr)
        for one in every:
            one.await_progress(self)

    def test_they_go_on_after_a_snapshot_that_failed(self):
        for fault in ("snapshot.connections:EIO", "snapshot.written:EIO", "snapshot.captured:kill"):
            with self.subTest(fault):
                self.use_fault(fault)
                self.serve()
                every = self.traffic(2)
                harness = self.instance(self.aid)["harness_pid"]
                self.appshot("snapshot", "--stop", self.aid, status=1)
                if fault.endswith("kill"):
                    self.await_another_harness(harness)
                until(lambda: not self.tables(), "nothing is held any more")
                for one in every:
                    one.await_progress(self)
                self.use_fault(None)
                self.appshot("rm", "-f", self.aid)

    def test_who_waits_to_be_accepted_is_kept(self):
        self.serve(arguments=["late"])
        clients = [socket.create_connection(("127.0.0.1", 80), timeout=20),
                   self.far.run(lambda: socket.create_connection((HOST, 80), timeout=20)),
                   self.far.run(lambda: socket.create_connection((HOST, 80), timeout=20))]
        for client in clients:
            self.addCleanup(client.close)
        clients[1].sendall(b"early")
        clients[2].sendall(b"early")
        clients[2].shutdown(socket.SHUT_WR)
        for client in clients:
            until(lambda client=client: not unacknowledged(client), "the word has arrived")
        self.appshot("snapshot-rm", self.appshot("snapshot", self.aid))
        self.stop_and_restore()
        clients[1].sendall(b" and late")
        self.stop_and_restore()
        with Follower(self, "logs", "-f", self.aid) as log:
            self.appshot("kill", "-s", "USR1", self.aid)
            for client in clients:
                while not (line := log.line()).startswith("accepted"):
                    pass
                self.assertEqual(line, f"accepted {client.getsockname()[1]}")
        clients[0].sendall(b"now")
        for client, expected in zip(clients, (b"now", b"early and late", b"early")):
            self.assertEqual(client.recv(len(expected), socket.MSG_WAITALL), expected)
        self.assertEqual(clients[2].recv(1), b"")

    def test_an_urgent_byte_keeps_its_place(self):
        script = ("import socket,signal\n"
                  "signal.pthread_sigmask(signal.SIG_BLOCK,{signal.SIGUSR1})\n"
                  "s=socket.create_server(('',80))\nprint('listens',flush=True)\n"
                  "c=s.accept()[0]\nprint('accepted',flush=True)\n"
                  "signal.sigwait({signal.SIGUSR1})\n"
                  "print(c.recv(1,socket.MSG_OOB),c.recv(99),c.recv(99),flush=True)\n"
                  "c.sendall(b'done')\nsignal.pause()\n")
        for share in ((), ("--share", "net")):
            with self.subTest(share=share):
                aid = f"{self.aid}-{len(share)}"
                self.appshot("run", "-d", "--name", aid, *share, "--", "python3", "-c", script)
                with Follower(self, "logs", "-f", aid) as log:
                    self.assertEqual(log.line(), "listens")
                    at = HOST if share else self.json("inspect", aid)["address"]
                    with socket.create_connection((at, 80), timeout=20) as client:
                        self.assertEqual(log.line(), "accepted")
                        client.sendall(b"before")
                        client.send(b"!", socket.MSG_OOB)
                        client.sendall(b"after")
                        until(lambda client=client: not unacknowledged(client), "it has arrived")
                        self.appshot("restore", self.appshot("snapshot", "--stop", aid))
                        self.appshot("restore", self.appshot("snapshot", "--stop", aid))
                        with Follower(self, "logs", "-f", aid) as now:
                            self.appshot("kill", "-s", "USR1", aid)
                            while not (line := now.line()).startswith("b'"):
                                pass
                            self.assertEqual(line, "b'!' b'before' b'after'")
                        self.assertEqual(client.recv(9), b"done")

    def expect_lost(self, snapshot, count):
        with self.follow_events() as events:
            self.appshot("restore", snapshot)
            self.assertIn("with others could not be kept", self.stderr)
            self.assertEqual(events.event("connections-lost")["details"], {"connections": count})
        with Follower(self, "logs", "-f", self.aid) as log:
            for _ in range(count):
                while not (line := log.line()).startswith("failed"):
                    pass
                self.assertEqual(line, "failed 104")  # ECONNRESET
        self.assertEqual(self.tables(), [])

    def test_those_of_another_life_are_reset(self):
        self.serve()
        with socket.create_connection((HOST, 80), timeout=10) as client:
            client.send(b"a")
            self.assertEqual(client.recv(9), b"a")
            lived_on = self.appshot("snapshot", self.aid)
            ended = self.appshot("snapshot", "--stop", self.aid)
            self.assertEqual(len(self.tables()), 1)
            self.expect_lost(lived_on, 1)
            # It has begun another life.
            self.appshot("rm", "-f", self.aid)
            self.expect_lost(ended, 1)
            client.settimeout(20)
            client.sendall(b"b")
            with self.assertRaises(ConnectionResetError):
                client.recv(9)

    def test_they_go_on_under_another_name(self):
        self.serve()
        with socket.create_connection((HOST, 80), timeout=20) as client:
            client.send(b"a")
            self.assertEqual(client.recv(9), b"a")
            snapshot = self.appshot("snapshot", "--stop", self.aid)
            self.appshot("restore", snapshot, "--as", f"{self.aid}-2")
            self.assertNotIn("could not be kept", self.stderr)
            self.assertEqual(self.tables(), [])
            client.send(b"b")
            self.assertEqual(client.recv(9), b"b")

    def test_one_without_its_address_is_reset(self):
        self.serve()
        ip("addr", "add", "10.77.1.1/32", "dev", "lo")
        with socket.create_connection(("10.77.1.1", 80)) as gone, socket.create_connection(("127.0.0.1", 80)) as there:
            for client in (gone, there):
                client.settimeout(20)
                client.send(b"a")
                self.assertEqual(client.recv(9), b"a")
            snapshot = self.appshot("snapshot", "--stop", self.aid)
            ip("addr", "del", "10.77.1.1/32", "dev", "lo")
            self.expect_lost(snapshot, 1)
            there.send(b"b")
            self.assertEqual(there.recv(9), b"b")

    def test_nothing_is_held_for_who_will_not_be_back(self):
        for end in (lambda snapshot: self.appshot("snapshot-rm", snapshot), lambda _: self.appshot("rm", self.aid)):
            self.serve()
            with socket.create_connection((HOST, 80), timeout=20) as client:
                client.send(b"a")
                self.assertEqual(client.recv(9), b"a")
                snapshot = self.appshot("snapshot", "--stop", self.aid)
                self.assertEqual(len(self.tables()), 1)
                end(snapshot)
                self.assertEqual(self.tables(), [])
                client.sendall(b"b")
                with self.assertRaises(ConnectionResetError):
                    client.recv(9)
            if self.instance(self.aid):
                self.appshot("rm", self.aid)

    def test_both_ends_inside_stay_connected(self):
        script = ("import socket,time\n"
                  "s=socket.create_server(('',80))\nc=[socket.create_connection((a,80)) for a in ('127.0.0.1','%s')]\n"
                  "a=[s.accept()[0] for _ in c]\nhalf=socket.create_connection(('127.0.0.1',80))\n"
                  "closed=s.accept()[0]\nhalf.sendall(b'bye')\nhalf.close()\nc[0].sendall(b'unread')\n"
                  "i=0\n"
                  "while True:\n"
                  " c[1].sendall(b'%%08d'%%i)\n assert a[1].recv(8)==b'%%08d'%%i\n"
                  " assert a[0].recv(6,socket.MSG_PEEK)==b'unread'\n assert closed.recv(9,socket.MSG_PEEK)==b'bye'\n"
                  " i+=1\n print('went on',i,flush=True)\n time.sleep(0.01)\n" % HOST)
        self.appshot("run", "-d", "--name", self.aid, "--share", "net", "--", "python3", "-c", script)
        for lives in range(4):
            with Follower(self, "logs", "-f", self.aid) as log:
                count = 0
                while count < 30 * (lives + 1):
                    line = log.line()
                    self.assertTrue(line.startswith("went on"), line)
                    count = int(line.split()[2])
            if lives < 3:
                self.stop_and_restore()


if __name__ == "__main__":
    unittest.main()
