"""A client of a redis that is being snapshotted, put to sleep and woken: writes and reads all the time on one
connection, and checks every answer.

    redis_client.py ADDRESS LOG

At the end (SIGTERM) the log's last line says how many answers there were, what was the longest wait, and that no error
came; with an error it ends with status 1.
"""

import random
import signal
import socket
import sys
import time

PAUSE_S = 0.002
LINE_EVERY_S = 0.5


class Redis:
    def __init__(self, address):
        self.stream = socket.create_connection((address, 6379))
        self.reader = self.stream.makefile("rb")

    def ask(self, *words):
        self.stream.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        line = self.reader.readline()
        if line[:1] == b"$":
            return self.reader.read(int(line[1:]) + 2)[:-2]
        return line.rstrip()


def expect(redis, answer, *words):
    got = redis.ask(*words)
    if got != answer:
        sys.exit(f"error: {words} was answered {got[:60]!r} and not {answer[:60]!r}")


def main(address, log):
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    redis = Redis(address)
    # Some that were there before this began: DEBUG POPULATE made them.
    known = {number: redis.ask(b"GET", b"key:%d" % number) for number in random.sample(range(400_000), 50)}
    answers, longest, told = 0, 0.0, time.monotonic()
    while not over:
        begin = time.monotonic()
        value = b"%d" % random.getrandbits(256)
        expect(redis, b"+OK", b"SET", b"mine:%d" % (answers % 100), value)
        expect(redis, value, b"GET", b"mine:%d" % (answers % 100))
        number, old = random.choice(list(known.items()))
        expect(redis, old, b"GET", b"key:%d" % number)
        answers += 3
        longest = max(longest, time.monotonic() - begin)
        if time.monotonic() - told > LINE_EVERY_S:
            told = time.monotonic()
            print(f"{answers} answers, the longest took {longest * 1e3:.0f} ms", file=log, flush=True)
        time.sleep(PAUSE_S)
    print(f"{answers} answers, the longest took {longest * 1e3:.0f} ms, no error", file=log, flush=True)


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as output:
        main(sys.argv[1], output)
