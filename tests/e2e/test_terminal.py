"""A program on the user's terminal: raw mode and back, window size, letting go. Fake harness."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import unittest

from node_fixture import DEADLINE_S, Node

CTRL_P_CTRL_Q = b"\x10\x11"


class Terminal(Node):
    def setUp(self):
        super().setUp()
        self.appshot("ps")
        self.ours, self.theirs = pty.openpty()
        self.addCleanup(os.close, self.ours)
        self.addCleanup(os.close, self.theirs)
        self.before = termios.tcgetattr(self.theirs)
        self.screen = b""

    def on_terminal(self, *words):
        return self.start(*words, stdin=self.theirs, stdout=self.theirs, stderr=self.theirs)

    def await_text(self, text):
        while text not in self.screen:
            ready, _, _ = select.select([self.ours], [], [], DEADLINE_S)
            self.assertTrue(ready, self.screen)
            self.screen += os.read(self.ours, 65536)

    def await_session(self):
        """What the harness says to a terminal is shown when that is raw."""
        self.screen = b""
        self.await_text(b"attached")

    def assert_restored(self):
        self.assertEqual(termios.tcgetattr(self.theirs), self.before)

    def test_detach_and_attach_again(self):
        run = self.on_terminal("run", "-it", "--name", "web", "cat")
        self.await_session()
        os.write(self.ours, b"hello")
        self.await_text(b"hello")
        self.assertFalse(termios.tcgetattr(self.theirs)[3] & termios.ICANON)
        os.write(self.ours, CTRL_P_CTRL_Q)
        self.assertEqual(run.wait(DEADLINE_S), 0)
        self.assert_restored()
        self.assertEqual(self.instance("web")["state"], "running")
        attach = self.on_terminal("attach", "web")
        self.await_session()
        os.write(self.ours, b"again")
        self.await_text(b"again")
        os.write(self.ours, CTRL_P_CTRL_Q)
        self.assertEqual(attach.wait(DEADLINE_S), 0)
        self.assert_restored()

    def test_the_window_follows(self):
        run = self.on_terminal("run", "-it", "cat")
        self.await_session()
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        run.send_signal(signal.SIGWINCH)
        self.await_text(b"window 33x77")
        os.write(self.ours, CTRL_P_CTRL_Q)
        run.wait(DEADLINE_S)

    def test_the_terminal_is_restored_whatever_ends_the_session(self):
        for end in (self.end_by_signal, self.end_by_kill, self.end_by_harness_death):
            with self.subTest(end.__name__):
                run = self.on_terminal("run", "-it", "--name", end.__name__, "cat")
                self.await_session()
                status = end(run)
                self.assertEqual(run.wait(DEADLINE_S), status)
                self.assert_restored()

    def end_by_signal(self, run):
        run.send_signal(signal.SIGTERM)
        return 128 + signal.SIGTERM

    def end_by_kill(self, _):
        self.appshot("kill", "-s", "KILL", "end_by_kill")
        return 128 + signal.SIGKILL

    def end_by_harness_death(self, _):
        self.kill_and_wait(self.instance("end_by_harness_death")["harness_pid"])
        return 125


if __name__ == "__main__":
    unittest.main()
