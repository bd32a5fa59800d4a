"""Sends back what comes, on any number of connections; what cannot be sent yet is kept. Ends a
connection when its client has. Says "listens" when it does. Port 80. With the argument "late" it
accepts nobody before it gets SIGUSR1, and tells whom."""

import selectors
import signal
import socket
import sys

late = "late" in sys.argv
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

selector = selectors.DefaultSelector()
server = socket.create_server(("", 80), backlog=128)
server.setblocking(False)
selector.register(server, selectors.EVENT_READ, None)


def give_up(connection, failed):
    print(f"failed {failed.errno}", flush=True)
    selector.unregister(connection)
    connection.close()


print("listens", flush=True)
if late:
    signal.sigwait({signal.SIGUSR1})
while True:
    for key, _ in selector.select():
        if key.data is None:
            connection, peer = server.accept()
            if late:
                print("accepted", peer[1], flush=True)
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ, bytearray())
            continue
        connection, kept = key.fileobj, key.data
        if len(kept) < 1 << 16:
            try:
                got = connection.recv(1 << 16)
                if not got:
                    selector.unregister(connection)
                    connection.setblocking(True)
                    connection.sendall(kept)
                    connection.close()
                    continue
                kept += got
            except BlockingIOError:
                pass
            except OSError as failed:
                give_up(connection, failed)
                continue
        try:
            del kept[:connection.send(kept)]
        except BlockingIOError:
            pass
        except OSError as failed:
            give_up(connection, failed)
            continue
        wanted = (selectors.EVENT_READ if len(kept) < 1 << 16 else 0) | (selectors.EVENT_WRITE if kept else 0)
        selector.modify(connection, wanted, kept)
