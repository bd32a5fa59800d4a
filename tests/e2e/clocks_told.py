"""Says what its clocks show, and again when it finds itself a clone; and whether a timer that is to end when
the clock is set (TFD_TIMER_CANCEL_ON_SET) does."""

import ctypes
import errno
import os
import pathlib
import time

TFD_NONBLOCK, ABSTIME_AND_CANCEL = 0o4000, 3
EVENT = pathlib.Path("/run/appshot/event")
libc = ctypes.CDLL(None, use_errno=True)
timer = libc.timerfd_create(time.CLOCK_REALTIME, TFD_NONBLOCK)
when = (ctypes.c_long * 4)(0, 0, int(time.time()) + 10_000, 0)
if timer < 0 or libc.timerfd_settime(timer, ABSTIME_AND_CANCEL, when, None) != 0:
    raise OSError(ctypes.get_errno(), "timerfd")


def say(word):
    try:
        ended = os.read(timer, 8).hex()
    except OSError as error:
        ended = errno.errorcode[error.errno]
    print(word, *(time.clock_gettime(clock) for clock in (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME, time.CLOCK_REALTIME)),
          ended, flush=True)


say("ready")
while EVENT.read_text(encoding="ascii").strip() != "clone":
    time.sleep(0.01)
say("cloned")
time.sleep(1000)
