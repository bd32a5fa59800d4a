"""Sends back what comes, on any number of connections; what cannot be sent yet is kept. Ends a
connection when its client has. Says "listens" when it does. Port 80."""

import selectors
import socket

selector = selectors.DefaultSelector()
server = socket.create_server(("", 80), backlog=128)
server.setblocking(False)
selector.register(server, selectors.EVENT_READ, None)
print("listens", flush=True)
while True:
    for key, _ in selector.select():
        if key.data is None:
            connection, _ = server.accept()
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
                print(f"failed {failed.errno}", flush=True)
                selector.unregister(connection)
                connection.close()
                continue
        try:
            del kept[:connection.send(kept)]
        except BlockingIOError:
            pass
        wanted = (selectors.EVENT_READ if len(kept) < 1 << 16 else 0) | (selectors.EVENT_WRITE if kept else 0)
        selector.modify(connection, wanted, kept)
