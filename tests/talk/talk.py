# SPDX-License-Identifier: MIT
"""What a conversation is written with.

    @conversation('RFC 7143 11.18.1', 'a NOP-Out with a tag is answered with its data')
    def ping(t):
        s = t.log_in()
        s.send('nop_out', itt=7, data=b'hello')
        s.expect('nop_in', itt=7, ttt=NONE, data=b'hello')

A conversation gets a Talk: the address, the target, a region of the disk for itself, and a deadline after which every wait
fails. t.connect() gives an Initiator, a TCP connection that numbers and checks; t.log_in() one in full feature phase.
Every PDU from the target is held against RFC 7143 as it comes in (connection.py), whatever the conversation is about.
"""

import functools
import itertools
import socket
import threading
import time

import sptgt_config
from checks import Gone, Late, Refused, Wrong, check, equal, one_of
from connection import ISID
from initiator import Initiator
from sptgt_config import configuration, device, section
from task import BLOCK, CHECK_CONDITION, GOOD, INQUIRY, READ10, READ_CAPACITY10, TEST_UNIT_READY, WRITE10, Task, pattern
from wire import (CONTINUE, FINAL, NONE, OVERFLOW, READ, SIMPLE, STATUS, UNDERFLOW, WRITE, Pdu, crc32c, lun_field, pairs, text)

__all__ = ['conversation', 'Talk', 'Initiator', 'Task', 'Background', 'Wrong', 'Gone', 'Refused', 'Late',
           'check', 'equal', 'one_of', 'pattern', 'Pdu', 'text', 'pairs', 'crc32c', 'lun_field',
           'NONE', 'FINAL', 'CONTINUE', 'READ', 'WRITE', 'SIMPLE', 'OVERFLOW', 'UNDERFLOW', 'STATUS',
           'BLOCK', 'GOOD', 'CHECK_CONDITION', 'ISID',
           'config', 'configuration', 'section', 'device', 'target', 'READ10', 'WRITE10', 'INQUIRY', 'TEST_UNIT_READY', 'READ_CAPACITY10']

CONVERSATIONS = []
TARGET = 'iqn.2026-11.org.sptgt:talk'
INITIATORS = 'iqn.2026-11.org.sptgt:*'          # every Talk's name
target = functools.partial(sptgt_config.target, initiators=INITIATORS)


def config(*sections, disk='', talk='', size='64M', daemon='', portals=('main',), workers=2, **more):
    """What nearly every subject's daemon has, a disk of memory behind the target to talk to, and lines more of the [daemon], of
    the disk and of that target; then further sections."""
    return configuration(device('disk', disk, size=size), target('talk', talk, **more), *sections, daemon=daemon, portals=portals,
                         workers=workers)


def conversation(clause, title, seconds=20, alone=False):
    """alone: not while other conversations run (it resets units, or counts sessions)."""
    def register(function):
        function.clause, function.title, function.seconds, function.alone = clause, title, seconds, alone
        CONVERSATIONS.append(function)
        return function
    return register


class Talk:
    """What one conversation knows. The names it logs in with are its own, so that conversations do not meet."""

    numbers = itertools.count(1)

    def __init__(self, address, target, lun, seconds, daemon=None, ports=None):
        self.address, self.target, self.lun, self.daemon = address, target, lun, daemon
        self.ports = ports or {}
        self.deadline = time.monotonic() + seconds
        self.number = next(self.numbers)
        self.name = 'iqn.2026-11.org.sptgt:talk-%d' % self.number
        self.region = self.number % 60 * 2048         # blocks; 1 MiB of the disk for this conversation
        self.connections, self.remarks = [], []

    def remark(self, what, *args):
        """A line for --verbose."""
        self.remarks.append(what % args)

    def connect(self, portal=None, address=None, source=None):
        """source: the address of ours that the connection comes from."""
        address = address or (self.address[0], self.ports[portal] if portal else self.address[1])
        initiator = Initiator(self, address, source)
        self.connections.append(initiator)
        return initiator

    def log_in(self, keys=None, portal=None, **more):
        return self.connect(portal).log_in(keys, **more)

    def close(self):
        for connection in self.connections:
            connection.close()

    def until(self, condition, what, seconds=5):
        end = min(self.deadline, time.monotonic() + seconds)
        while not condition():
            if time.monotonic() > end:
                raise Late(what)
            time.sleep(0.02)

    def metrics(self):
        """What the daemon has counted: name, with its labels -> number."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.daemon.dir + '/control.sock')
            s.sendall(b'GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n')
            body = b''.join(iter(lambda: s.recv(1 << 16), b'')).split(b'\r\n\r\n', 1)[1].decode()
        return {name: int(value) for name, value in
                (line.rsplit(' ', 1) for line in body.splitlines() if line and line[0] != '#')}

    def trace(self):
        lines = []
        for n, connection in enumerate(self.connections, 1):
            lines += ['  connection %d%s' % (n, line) for line in connection.trace[-14:]]
        return '\n'.join(lines)


class Background(threading.Thread):
    """A function on a thread of its own, whose exception is the caller's at join()."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self.function, self.error = function, None
        self.start()

    def run(self):
        try:
            self.function()
        except Exception as e:      # handed on by finish()
            self.error = e

    def finish(self, seconds=10):
        self.join(seconds)
        check(not self.is_alive(), 'a background part does not end')
        if self.error:
            raise self.error
