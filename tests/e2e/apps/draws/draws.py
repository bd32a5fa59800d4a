"""Draws from Python's generators: when it begins, and again when it finds itself a clone, and
once more when it has seeded those that a program can seed."""

import os
import pathlib
import random
import secrets
import ssl
import time
import uuid

EVENT = pathlib.Path("/run/appshot/event")


def draw(word):
    print(word,
          f"random={random.getrandbits(64):x}",
          f"secrets={secrets.token_hex(8)}",
          f"urandom={os.urandom(8).hex()}",
          f"uuid4={uuid.uuid4().hex}",
          f"ssl={ssl.RAND_bytes(8).hex()}", flush=True)


draw("ready")
while EVENT.read_text(encoding="ascii").strip() != "clone":
    time.sleep(0.01)
draw("drawn")
random.seed()
ssl.RAND_add(os.urandom(32), 32.0)
draw("mended")
time.sleep(1000)
