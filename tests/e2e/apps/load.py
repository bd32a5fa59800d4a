"""Starts a server and asks it one thing after another over one connection that is never made anew; an answer
that is not what it must be ends it.

    load.py redis|nginx|python FOLDER       prints "answered N"
"""

import pathlib
import socket
import subprocess
import sys
import time

PORT = 8099
START_SECONDS = 30
HTTP_REQUEST = b"GET /file HTTP/1.1\r\nHost: here\r\n\r\n"
CONTENT = b"what is served\n" * 100


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


def start_redis(folder):
    return subprocess.Popen(["redis-server", "--port", str(PORT), "--save", "1 1", "--appendonly", "yes",
                             "--dir", folder, "--loglevel", "warning"])


def ask_redis(connection, number):
    connection.send(b"INCR count\r\n")
    return connection.until(b"\r\n") == b":%d" % number


def start_nginx(folder):
    pathlib.Path(folder).chmod(0o755)  # its workers are nobody
    pathlib.Path(folder, "file").write_bytes(CONTENT)
    config = pathlib.Path(folder, "nginx.conf")
    config.write_text(f"""daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error;
        events {{ }} http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/b;
        server {{ listen 127.0.0.1:{PORT}; root {folder}; }} }}""")
    return subprocess.Popen(["/usr/sbin/nginx", "-e", f"{folder}/error", "-c", str(config)])


def start_python(folder):
    pathlib.Path(folder, "file").write_bytes(CONTENT)
    program = ("import functools, http.server as h\n"
               "h.SimpleHTTPRequestHandler.protocol_version = 'HTTP/1.1'\n"
               "h.SimpleHTTPRequestHandler.log_message = lambda *a: None\n"
               f"handler = functools.partial(h.SimpleHTTPRequestHandler, directory={folder!r})\n"
               f"h.ThreadingHTTPServer(('127.0.0.1', {PORT}), handler).serve_forever()\n")
    return subprocess.Popen([sys.executable, "-c", program])


def ask_http(connection, _):
    connection.send(HTTP_REQUEST)
    head = connection.until(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 200") and connection.exactly(len(CONTENT)) == CONTENT


SERVERS = {"redis": (start_redis, ask_redis), "nginx": (start_nginx, ask_http),
           "python": (start_python, ask_http)}


def main(name, folder):
    start, ask = SERVERS[name]
    connection = Connection(start(folder))
    number = 0
    while True:
        number += 1
        if not ask(connection, number):
            sys.exit(f"the answer to question {number} is wrong")
        if number % 50 == 0:
            print(f"answered {number}", flush=True)


main(*sys.argv[1:])
