"""Answers every connection with how many there have been. Says "ready" when it listens at that port."""

import socket
import sys

listener = socket.create_server(("", int(sys.argv[1])), backlog=16)
print("ready", flush=True)
count = 0
while True:
    connection, _ = listener.accept()
    count += 1
    with connection:
        connection.recv(100)
        connection.sendall(b"%d\n" % count)
