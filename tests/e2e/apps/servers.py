"""The servers that load.py asks: how each is started, and whether an answer is right.

A server written for this test keeps a sum for each connection: "add N" is answered by the sum and a checksum of
what it has kept in memory since it began, so that a lost or changed byte of either shows.
"""

import pathlib
import subprocess
import sys

PORT = 8099
HTTP_REQUEST = b"GET /file HTTP/1.1\r\nHost: here\r\n\r\n"
CONTENT = b"what is served\n" * 100
HERE = pathlib.Path(__file__).parent


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


def starter(*command):
    """Of a server that gets the port as its last word; FOLDER and HERE in a word are replaced."""
    def start(folder):
        words = [word.replace("FOLDER", folder).replace("HERE", str(HERE)) for word in command]
        return subprocess.Popen([*words, str(PORT)])
    return start


def ask_sum(connection, number):
    """The sum, and of the numbers 0 to 65535 that it has in memory the one that the sum leads to."""
    connection.send(b"add %d\n" % number)
    total = number * (number + 1) // 2
    return connection.until(b"\n") == b"%d %d" % (total, (total % 65536) * 2654435761 % 2**32)


SERVERS = {
    "redis": (start_redis, ask_redis),
    "nginx": (start_nginx, ask_http),
    "python": (start_python, ask_http),
    "node": (starter("node", "HERE/sums.js"), ask_sum),
    "java": (starter("java", "-Xmx128m", "-cp", "FOLDER", "Sums"), ask_sum),
    "go": (starter("FOLDER/sums"), ask_sum),
    "rust": (starter("FOLDER/sums"), ask_sum),
    "numpy": (starter("/usr/bin/python3", "HERE/sums_numpy.py"), ask_sum),
}
