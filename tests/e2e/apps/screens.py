"""Programs in a terminal, and somebody who types and looks: what is typed before a snapshot must be on the screen
after it. Says "answered N" for each round.

    screens.py bash|vim|top|tmux|ssh FOLDER
"""

import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import time

WAIT_SECONDS = 20
ROUND_SECONDS = 0.1


class Screen:
    def __init__(self, *command):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", PS1="ready> ", HISTFILE="")
            os.execvp(command[0], command)
        self.seen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def rest(self, seconds):
        """For a while, looking on: a terminal that nobody reads fills up."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self.seen += os.read(self.master, 65536).decode(errors="replace")

    def type_until(self, key, pattern):
        while not re.search(pattern, self.seen):
            self.type(key)
            self.rest(ROUND_SECONDS)
        self.wait(pattern)

    def wait(self, pattern):
        """Until it has been printed since the last wait; the match."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (found := re.search(pattern, self.seen)):
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self.master], [], [], left)[0]:
                sys.exit(f"not seen: {pattern!r}; but {self.seen[-300:]!r}")
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        self.seen = self.seen[found.end():]
        return found


def rounds(screen):
    number = 0
    while True:
        number += 1
        yield number
        print("answered", number, flush=True)
        screen.rest(ROUND_SECONDS)


def bash(_):
    """A shell with a stopped job, one in the background, and variables."""
    screen = Screen("bash", "--norc", "-i")
    screen.wait("ready> ")
    screen.type("sleep 1000 &\n")
    screen.wait(r"\[1\]")
    screen.type("kill -STOP %1; sleep 0.2; jobs\n")
    screen.wait("Stopped")
    screen.type("sleep 2000 &\nsum=0\n")
    screen.wait(r"\[2\]")
    for number in rounds(screen):
        screen.type(f"sum=$((sum + {number})); echo =$sum=; jobs\n")
        screen.wait(f"={number * (number + 1) // 2}=\r")
        screen.wait(r"\[1\][^\n]*Stopped[^\n]*sleep 1000")
        screen.wait(r"\[2\][^\n]*Running[^\n]*sleep 2000")
        if number % 10 == 0:  # to the front and back
            screen.type("fg 2\n")
            screen.wait("sleep 2000\r")
            screen.type_until("\x1a", "Stopped")  # only a job that has the terminal hears it
            screen.type("bg 2\n")
            screen.wait(r"sleep 2000 &")


def vim(folder):
    file = pathlib.Path(folder, "text")
    screen = Screen("vi", "-u", "NONE", "-n", str(file))
    screen.type(":set nocompatible\n")
    for number in rounds(screen):
        screen.type(f"Goline {number} of many\x1b")
        screen.wait(f"line {number} of many")
        screen.type(":w!\n")
        screen.wait("written")
        lines = file.read_text().split("\n")[1:-1]
        if lines != [f"line {n} of many" for n in range(1, number + 1)]:
            sys.exit(f"the file holds {lines[-3:]}")


def top(_):
    screen = Screen("top", "-d", "0.1")
    for number in rounds(screen):
        screen.wait(r"load average")
        screen.wait(r"top\b")
        if number % 10 == 0:
            screen.type("h")
            screen.wait("Help for Interactive Commands")
            screen.type("q")


def tmux(folder):
    socket = os.path.join(folder, "socket")
    screen = Screen("tmux", "-f", "/dev/null", "-S", socket, "new-session", "-s", "one", "bash --norc")
    screen.type("PS1='ready''> '\n")
    screen.wait("ready> ")
    for number in rounds(screen):
        screen.type(f"echo $(({number} * 3))=\n")
        screen.wait(f"{number * 3}=")
        if number % 10 == 0:
            subprocess.run(["tmux", "-S", socket, "split-window", "-d", "sleep 1"], check=True)
        listed = subprocess.run(["tmux", "-S", socket, "list-sessions"], check=True, capture_output=True, text=True)
        if "one:" not in listed.stdout or "attached" not in listed.stdout:
            sys.exit(listed.stdout)


def ssh(folder):
    """sshd and somebody who has logged in."""
    key, host = os.path.join(folder, "key"), os.path.join(folder, "host")
    for file in (key, host):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    subprocess.Popen(["/usr/sbin/sshd", "-D", "-E", f"{folder}/log", "-f", "/dev/null", "-p", "2299", "-h", host,
                      "-o", "ListenAddress=127.0.0.1", "-o", f"AuthorizedKeysFile={key}.pub",
                      "-o", "StrictModes=no", "-o", "PermitRootLogin=yes", "-o", "UsePAM=no",
                      "-o", f"PidFile={folder}/pid"])
    for _ in range(100):
        if subprocess.run(["ssh-keyscan", "-p", "2299", "127.0.0.1"], capture_output=True, check=False).stdout:
            break
        time.sleep(0.1)
    screen = Screen("ssh", "-tt", "-F", "/dev/null", "-p", "2299", "-i", key, "-o", "StrictHostKeyChecking=no",
                    "-o", f"UserKnownHostsFile={folder}/known", "127.0.0.1", "bash", "--norc", "-i")
    screen.wait("[#$] ")
    for number in rounds(screen):
        screen.type(f"/bin/echo $(({number} * 7))=\n")
        screen.wait(f"{number * 7}=")


PROGRAMS = {"bash": bash, "vim": vim, "top": top, "tmux": tmux, "ssh": ssh}
PROGRAMS[sys.argv[1]](sys.argv[2])
