"""Serves at the addresses of eth0 and at no others: TCP at port 80, datagrams at port 53.

A connection asks one thing, in a line, and is answered in one (JSON), but for `echo`:
    names                       this end, and the other
    echo LENGTH                 so many bytes are expected, and sent back
    ask ADDRESS                 `names`, asked of another server, and how this end is called there
    refused ADDRESS PORT        the error of a connected socket whose datagram nobody wants
    path ADDRESS PORT LENGTH    how much at once gets there, when so much was too much
Datagrams are answered by their sender's name.
"""

import errno
import fcntl
import json
import pathlib
import socket
import struct
import threading

SIOCGIFADDR = 0x8915
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_MTU = 10, 2, 14
PATIENCE_S = 10
ANSWERS_S = 0.1


def own_addresses():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, SIOCGIFADDR, struct.pack("256s", b"eth0"))
    found = [(socket.AF_INET, socket.inet_ntoa(request[20:24]))]
    for line in pathlib.Path("/proc/net/if_inet6").read_text().splitlines():
        number, *_, device = line.split()
        if device == "eth0":
            found.append((socket.AF_INET6, socket.inet_ntop(socket.AF_INET6, bytes.fromhex(number))))
    return found


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def ends_of(connection):
    return connection.getsockname()[0], connection.getpeername()[0]


def ask(address):
    with socket.create_connection((address, 80), timeout=PATIENCE_S) as connection:
        connection.sendall(b"names\n")
        return {"here": ends_of(connection), "there": json.loads(connection.makefile().readline())}


def refused(address, port):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE_S)
        client.connect((address, int(port)))
        client.send(b"x")
        try:
            client.recv(1)
        except OSError as failed:
            return errno.errorcode.get(failed.errno, str(failed))
    return "an answer"


def path(address, port, length):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        client.connect((address, int(port)))
        client.settimeout(ANSWERS_S)
        for _ in range(int(PATIENCE_S / ANSWERS_S)):
            try:
                client.send(bytes(int(length)))
                client.recv(1)
            except OSError as failed:
                if failed.errno == errno.EMSGSIZE:
                    return client.getsockopt(socket.IPPROTO_IP, IP_MTU)
    return "all of it"


def echo(connection, lines, length):
    left = int(length)
    while left:
        got = lines.read1(min(left, 1 << 18))
        connection.sendall(got)
        left -= len(got)


def serve(connection):
    with connection, connection.makefile("rb") as lines:
        word, *rest = lines.readline().decode().split()
        if word == "echo":
            return echo(connection, lines, *rest)
        answers = {"names": lambda: ends_of(connection), "ask": ask, "refused": refused, "path": path}
        connection.sendall(json.dumps(answers[word](*rest)).encode() + b"\n")


def accept_all(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=[connection], daemon=True).start()


def answer_datagrams(receiver):
    while True:
        _, sender = receiver.recvfrom(1 << 16)
        receiver.sendto(sender[0].encode(), sender)


def main():
    for family, address in own_addresses():
        listener = socket.create_server((address, 80), family=family)
        receiver = socket.socket(family, socket.SOCK_DGRAM)
        receiver.bind((address, 53))
        threading.Thread(target=accept_all, args=[listener]).start()
        threading.Thread(target=answer_datagrams, args=[receiver]).start()
    print("listens", *(address for _, address in own_addresses()), flush=True)


main()
