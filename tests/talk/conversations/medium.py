# SPDX-License-Identifier: MIT
"""What is acknowledged is kept: SIGTERM drains, and after SIGKILL what was synchronised is on the medium (SBC-4 4.15, 5.22)."""

import os
import signal
import tempfile
import time

from talk import *  # noqa: F403
from scene import daemon_of

SYNCHRONIZE_CACHE = bytes([0x35]) + bytes(9)


class Disk:
    """A disk in a file, and a daemon of its own in front of it; the daemon may be ended and started again."""

    def __init__(self, t):
        self.t = t
        self.dir = tempfile.TemporaryDirectory(prefix='sptgt-medium-')
        self.path = os.path.join(self.dir.name, 'disk')
        with open(self.path, 'wb') as f:
            f.truncate(32 << 20)
        self.start()

    def start(self):
        self.daemon = daemon_of(self.t, section('device-disk', 'backend = file', 'path = ' + self.path, 'size = 32M'))
        self.s = self.t.connect(address=('127.0.0.1', self.daemon.port())).log_in().settle()
        return self.s

    def kill(self):
        self.daemon.process.send_signal(signal.SIGKILL)
        self.daemon.process.wait()
        self.s.gone()
        self.daemon.log_file.close()

    def end(self):
        wrong = self.daemon.stop()
        check(not wrong, '%s', wrong and wrong[0])


@conversation('SBC-4 5.22', 'written and synchronised, then SIGKILL: it is there', seconds=60)
def killed_after_synchronize(t):
    disk = Disk(t)
    for n in range(3):
        data = pattern(64 * BLOCK, n)
        disk.s.write(n * 64, data)
        disk.s.good(SYNCHRONIZE_CACHE)
        disk.kill()
        equal(disk.start().read(n * 64, 64), data, 'what was synchronised before the kill')
    disk.end()


@conversation('SBC-4 5.40', 'written with FUA, then SIGKILL: it is there', seconds=60)
def killed_after_fua(t):
    disk = Disk(t)
    data = pattern(64 * BLOCK, 5)
    fua = bytearray(WRITE10(0, 64))
    fua[1] = 0x08
    disk.s.good(bytes(fua), write=data)
    disk.kill()
    equal(disk.start().read(0, 64), data, 'what was written with FUA before the kill')
    disk.end()


@conversation('SIGTERM',
              'writes that were answered before SIGTERM are on the medium; the session is told or just ends', seconds=60)
def drained(t):
    disk = Disk(t)
    data = pattern(2048 * BLOCK, 6)
    for n in range(8):
        disk.s.write(n * 256, data[n * 256 * BLOCK:(n + 1) * 256 * BLOCK])
    disk.end()
    disk.s.gone(allowed=('async', 'reject', 'nop_in'))
    with open(disk.path, 'rb') as f:
        check(f.read(2048 * BLOCK) == data, 'the medium does not hold what was answered')


@conversation('SIGTERM', 'a write that waits for data for ever does not keep the daemon from ending',
              seconds=60)
def not_drained_for_ever(t):
    disk = Disk(t)
    s = t.connect(address=('127.0.0.1', disk.daemon.port()))
    s.isid = b'\x80\x00\x00\x00\x00\x07'
    s.log_in({'InitialR2T': 'Yes', 'ImmediateData': 'No'}).settle()
    task = s.start(WRITE10(0, 8), write=pattern(8 * BLOCK))
    while not task.r2ts:
        s.step(answer=False)
    half = t.connect(address=('127.0.0.1', disk.daemon.port()))
    half.login_request(half.names(), 1, transit=False)
    half.login_response()
    wrong = disk.daemon.stop(15)
    check(not wrong, '%s', wrong and wrong[0])
    s.gone(allowed=('async', 'reject', 'nop_in', 'response'))


@conversation('SIGTERM; RFC 7143 11.13.5', 'while commands in flight are waited for nobody comes in: no connection, and no login to its end', seconds=60)
def nobody_comes_in(t):
    disk = Disk(t)
    address = ('127.0.0.1', disk.daemon.port())
    s = t.connect(address=address)
    s.isid = b'\x80\x00\x00\x00\x00\x08'
    s.log_in({'InitialR2T': 'Yes', 'ImmediateData': 'No'}).settle()
    task = s.start(WRITE10(0, 8), write=pattern(8 * BLOCK))
    while not task.r2ts:
        s.step(answer=False)
    half = t.connect(address=address)
    half.login_request(half.names(), 1, transit=False)
    half.login_response()
    silent, mute = t.connect(address=address), t.connect(address=address)
    for connection in (silent, mute):                   # they are accepted before the end begins
        connection.send_bytes(bytes([0x43]))
        connection.taken()
    s.ping()
    disk.daemon.process.send_signal(signal.SIGTERM)
    s.expect('async', event=1)                          # it drains: asked to log out
    begun = time.monotonic()
    for connection in (half, silent):
        try:
            pdu = connection.pdu('login', flags=FINAL | 1 << 2 | 3, data=b'' if connection is half else text(connection.names()),
                                 immediate=True, isid=connection.isid, cmdsn=1).encode()
            connection.send_bytes(pdu if connection is half else pdu[1:])
            connection.login_response()
            raise Wrong('a login goes on while the daemon ends')
        except Refused as e:
            equal(e.status, 0x0301, 'the status of a login that was under way')
            connection.gone(allowed=())
        except Gone:
            check(time.monotonic() - begun > 0.8, 'a login that was under way is not told why it ends')
    mute.gone(allowed=())
    try:
        late = t.connect(address=address)
        late.login_request(late.names())
        status = late.login_response().status_class
        raise Wrong('a login is let in while the daemon ends: status class %d' % status)
    except Refused as e:
        equal(e.status, 0x0301, 'the status')
    except (OSError, Gone):
        pass
    s.answer_r2t(task, task.r2ts[0])                    # who was there is served
    equal(s.finish(task).status, GOOD, 'the status of the write')
    wrong = disk.daemon.stop(15)
    check(not wrong, '%s', wrong and wrong[0])
