# SPDX-License-Identifier: MIT
"""Debian's tgtd with one thin disk as LUN 1, for sptgtd to stand in front of."""

import signal
import socket
import subprocess
import tempfile
import time

NAME = 'iqn.2026-11.org.sptgt:upstream'


class TgtdError(Exception):
    pass


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Tgtd:
    """It does not end on SIGTERM while it has targets, so stop() takes them from it."""

    def __init__(self, megabytes=160):
        self.image = tempfile.NamedTemporaryFile(prefix='sptgt-tgtd-')
        self.image.truncate(megabytes << 20)
        for _ in range(3):          # somebody may have been faster at the ports
            self.port = free_port()
            self.control = self.port % 32000 + 1
            self.process = subprocess.Popen(
                ['tgtd', '-f', '-C', str(self.control), '--iscsi', 'portal=127.0.0.1:%d' % self.port],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._ready():
                break
        else:
            raise TgtdError('tgtd does not start')
        unit = '--mode logicalunit --tid 1 --lun 1 --op '
        for words in ('--mode target --tid 1 --op new -T ' + NAME, unit + 'new -b ' + self.image.name,
                      unit + 'update --params thin_provisioning=1', '--mode target --tid 1 --op bind -I ALL'):
            done = self._admin('--lld iscsi ' + words)
            if done.returncode:
                self.stop()
                raise TgtdError('tgtadm %s: %s' % (words, done.stdout))

    def _admin(self, words):
        return subprocess.run(['tgtadm', '-C', str(self.control)] + words.split(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def _ready(self):
        end = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < end:
            if self._admin('--mode system --op show').returncode == 0:
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def url(self):
        return 'iscsi://127.0.0.1:%d/%s/1' % (self.port, NAME)

    def stop(self):
        self.process.send_signal(signal.SIGCONT)  # somebody may have stopped it
        if self.process.poll() is None:
            self._admin('--lld iscsi --mode target --tid 1 --op delete --force')
            self._admin('--mode system --op delete')
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
