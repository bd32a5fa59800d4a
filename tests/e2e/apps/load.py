"""Starts a server and asks it one thing after another over one connection that is never made anew; an answer
that is not what it must be ends it.

    load.py SERVER FOLDER       prints "answered N"
"""

import socket
import sys
import time

from servers import PORT, SERVERS

START_SECONDS = 30
TELL_SECONDS = 0.05


class Connection:
    def __init__(self, process):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", PORT))
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline or process.poll() not in (None, 0):
                    raise
                time.sleep(0.05)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def until(self, end):
        while end not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(end, 1)
        return head

    def exactly(self, length):
        while len(self.buffer) < length:
            self._more()
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def _more(self):
        got = self.socket.recv(65536)
        if not got:
            sys.exit("the server has closed the connection")
        self.buffer += got


def main(name, folder):
    start, ask = SERVERS[name]
    connection = Connection(start(folder))
    number, told = 0, 0
    while True:
        number += 1
        if not ask(connection, number):
            sys.exit(f"the answer to question {number} is wrong")
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            print(f"answered {number}", flush=True)


main(*sys.argv[1:])
