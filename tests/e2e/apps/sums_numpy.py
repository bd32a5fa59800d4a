"""The server of sums (servers.py) with numpy: while it answers, threads multiply matrices and look whether the
product is what it was the first time."""

import os
import socketserver
import sys
import threading

import numpy

TABLE = (numpy.arange(65536, dtype=numpy.uint64) * numpy.uint64(2654435761)) % numpy.uint64(2**32)


def multiply(seed):
    random = numpy.random.default_rng(seed)
    left, right = random.random((200, 200)), random.random((200, 200))
    first = left @ right
    while True:
        if not numpy.array_equal(left @ right, first):
            print("a product has changed", file=sys.stderr)
            os._exit(1)


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        total = 0
        for line in self.rfile:
            total += int(line.split()[1])
            self.wfile.write(b"%d %d\n" % (total, TABLE[total % 65536]))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


for number in range(2):
    threading.Thread(target=multiply, args=(number,), daemon=True).start()
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
