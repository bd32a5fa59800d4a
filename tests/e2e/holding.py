"""A program that holds a resource of many kinds, says so, and waits to be told to end."""

import ctypes
import fcntl
import mmap
import os
import select
import signal
import socket
import tempfile
import threading

libc = ctypes.CDLL(None, use_errno=True)

os.makedirs("/srv/holding", exist_ok=True)
log = open("/srv/holding/log", "a+")
log.write("x" * 100)
log.flush()
fcntl.flock(log, fcntl.LOCK_EX)
lost = tempfile.TemporaryFile()
lost.write(b"z" * 5000)
lost.flush()
os.mkfifo("/srv/holding/fifo")
fifo = os.open("/srv/holding/fifo", os.O_RDWR)

reader, writer = os.pipe()
os.write(writer, b"abc")
pair = socket.socketpair()
pair[0].send(b"hello")
listener = socket.create_server(("0.0.0.0", 8000))
client = socket.create_connection(("127.0.0.1", 8000))
accepted, _ = listener.accept()
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 5353))
local = socket.socket(socket.AF_UNIX)
local.bind("/srv/holding/socket")
local.listen()

own = mmap.mmap(-1, 1 << 20, mmap.MAP_PRIVATE)
own.write(b"own" * 1000)
common = mmap.mmap(-1, 8192)
common[0] = 1
memory_file = os.memfd_create("holding")
os.truncate(memory_file, 4096)
named = os.open("/dev/shm/counter", os.O_CREAT | os.O_RDWR)
os.truncate(named, 4096)
mapped = mmap.mmap(named, 4096)
IPC_CREAT = 0o1000
assert libc.shmget(0x51, 4096, IPC_CREAT | 0o600) >= 0
assert libc.semget(0x52, 2, IPC_CREAT | 0o600) >= 0
assert libc.msgget(0x53, IPC_CREAT | 0o600) >= 0

CLOCK_MONOTONIC, IN_CREATE = 1, 0x100
events = libc.eventfd(3, 0)
timer = libc.timerfd_create(CLOCK_MONOTONIC, 0)
signals = libc.signalfd(-1, ctypes.byref(ctypes.c_uint64(1 << 9)), 0)
watches = libc.inotify_init1(0)
assert libc.inotify_add_watch(watches, b"/srv/holding", IN_CREATE) > 0
ready = select.epoll()
ready.register(reader)
signal.setitimer(signal.ITIMER_REAL, 100_000)
random = open("/dev/urandom", "rb")
master, terminal = os.openpty()
myself = os.open("/proc/self/status", os.O_RDONLY)
end = threading.Event()
threading.Thread(target=end.wait, daemon=True).start()

print("holds", flush=True)
end.wait()
