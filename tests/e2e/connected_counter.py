"""Two processes that count in turns, each number sent over a TCP and a UNIX connection and back: a byte that
is lost, doubled or changed ends it.

    connected_counter.py        prints "parent counted to N" and "child counted to N"
"""

import os
import socket
import sys
import time

BLOCK = bytes(range(256)) * 16


def receive(connection, length):
    data = b""
    while len(data) < length:
        got = connection.recv(length - len(data))
        if not got:
            sys.exit("the connection has ended")
        data += got
    return data


def count(who, connections, number):
    while True:
        for connection in connections:
            got = receive(connection, 8 + len(BLOCK))
            if got[8:] != BLOCK or int.from_bytes(got[:8], "big") != number:
                sys.exit(f"{who} got something else than number {number}")
        print(f"{who} counted to {number}", flush=True)
        number += 1
        time.sleep(0.01)
        for connection in connections:
            connection.sendall(number.to_bytes(8, "big") + BLOCK)
        number += 1


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    ends = socket.socketpair()
    if os.fork() == 0:
        count("child", [socket.create_connection(listener.getsockname()), ends[1]], 1)
    connections = [listener.accept()[0], ends[0]]
    for connection in connections:
        connection.sendall((1).to_bytes(8, "big") + BLOCK)
    count("parent", connections, 2)


main()
