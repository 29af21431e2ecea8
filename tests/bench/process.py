# SPDX-License-Identifier: MIT
"""A process that we start and end by its own id, and that does not outlive us."""

import ctypes
import os
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(what, condition, seconds=10):
    """The condition's first true value; TimeoutError when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"no {what} within {seconds} s")
        time.sleep(0.05)


def port_answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def place(pid, cpus):
    """Every thread that the process has now, and those they will start, on these processors."""
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), cpus)


class Daemon:
    """A foreground server whose output goes to a file."""

    def __init__(self, argv, log_path):
        self.log_path = log_path
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=_die_with_parent)
        self.argv = argv

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def wait_for(self, what, condition, seconds=10):
        def alive_and():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.argv[0]} ended with {self.process.returncode}:\n"
                                   + self.log())
            return condition()
        return wait_until(what, alive_and, seconds)

    def ended(self, seconds):
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def end(self, seconds=5):
        """SIGTERM, and SIGKILL when that is not heard. True when it ended by itself with 0."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            if not self.ended(seconds):
                self.process.kill()
                self.process.wait()
        return self.process.returncode == 0
