# SPDX-License-Identifier: MIT
"""An initiator that goes away after any byte of any message, while another session works and must not notice."""

import threading

from talk import *  # noqa: F403

STEP = 1          # every byte


def script(t):
    """All that a session may say, as bytes: a login, writes with immediate and unsolicited data, a write that waits for an
    R2T, reads, a hole in CmdSN, a text, pings, task management, logout."""
    s = Script(t)
    s.login()
    base = 1
    data = pattern(4 * BLOCK)
    s.add('command', flags=FINAL | WRITE | SIMPLE, itt=1, edtl=2 * BLOCK, cmdsn=base, cdb=WRITE10(t.region, 2),
          data=data[:2 * BLOCK])
    s.add('command', flags=WRITE | SIMPLE, itt=2, edtl=4 * BLOCK, cmdsn=base + 1, cdb=WRITE10(t.region, 4),
          data=data[:BLOCK])
    s.add('data_out', itt=2, ttt=NONE, datasn=0, offset=BLOCK, data=data[BLOCK:2 * BLOCK])
    s.add('data_out', itt=2, ttt=NONE, datasn=1, offset=2 * BLOCK, data=data[2 * BLOCK:], flags=FINAL)
    s.add('command', flags=FINAL | WRITE | SIMPLE, itt=3, edtl=8 * BLOCK, cmdsn=base + 2,
          cdb=WRITE10(t.region, 8))
    s.add('command', flags=FINAL | READ | SIMPLE, itt=4, edtl=8 * BLOCK, cmdsn=base + 3,
          cdb=READ10(t.region, 8))
    s.add('command', flags=FINAL | READ | SIMPLE, itt=5, edtl=BLOCK, cmdsn=base + 5, cdb=READ10(t.region, 1))
    s.add('nop_out', itt=6, immediate=True, cmdsn=base + 4, data=b'ping')
    s.add('text', itt=7, immediate=True, cmdsn=base + 4, data=text({'SendTargets': ''}))
    s.add('tmf', itt=8, immediate=True, cmdsn=base + 4, flags=FINAL | 1, rtt=3, refcmdsn=base + 2)
    s.add('tmf', itt=9, immediate=True, cmdsn=base + 4, flags=FINAL | 2)
    s.add('logout', itt=10, immediate=True, cmdsn=base + 4)
    return bytes(s.out)


class Script:
    def __init__(self, t):
        self.t, self.out = t, bytearray()

    def login(self):
        keys = {'InitiatorName': self.t.name, 'TargetName': self.t.target, 'SessionType': 'Normal',
                'InitialR2T': 'No',
                'ImmediateData': 'Yes', 'DefaultTime2Retain': 0}
        self.out += Pdu('login', flags=FINAL | 1 << 2 | 3, immediate=True, isid=ISID, cmdsn=1,
                        data=text(keys)).encode()

    def add(self, name, **fields):
        if name in ('command', 'data_out', 'tmf'):
            fields['lun'] = self.t.lun
        self.out += Pdu(name, **fields).encode()


def working(t):
    """Another session, busy on a thread of its own until told to end; its trouble is ours."""
    witness = t.connect()
    witness.name = t.name + '-witness'
    witness.log_in().settle()
    stop = threading.Event()

    def work():
        n = 0
        while not stop.is_set():
            data = pattern(4 * BLOCK, n)
            witness.write(t.region + 64, data)
            equal(witness.read(t.region + 64, 4), data, 'what the other session wrote')
            n += 1
    thread = Background(work)

    def end():
        stop.set()
        thread.finish()
    return end


def cut_everywhere(t, end):
    whole = script(t)
    finish = working(t)
    before = t.metrics()['sptgt_connections_total']
    for cut in range(0, len(whole) + 1, STEP):
        s = t.connect()
        try:
            s.send_bytes(whole[:cut])
            if cut % 16 == 0:
                s.recv(0.01)                          # now and then something of the answer is read first
        except (Gone, Late):
            pass
        end(s, cut)
        t.connections.remove(s)
    finish()

    def only_the_other_is_left():
        now = t.metrics()
        return now['sptgt_connections_total'] - before == len(whole) + 1 and now['sptgt_connections'] == 1
    # A login of theirs that comes after ours would reinstate our session (RFC 7143 6.3.5).
    t.until(only_the_other_is_left, 'connections that have ended are not let go of', 20)
    t.log_in().settle().write(t.region, pattern(BLOCK))


@conversation('every byte', 'the connection is closed (FIN) after each byte of a session', seconds=120,
              alone=True)
def closed(t):
    cut_everywhere(t, lambda s, cut: s.close())


@conversation('every byte', 'the connection is reset (RST) after each byte of a session', seconds=120,
              alone=True)
def reset(t):
    cut_everywhere(t, lambda s, cut: s.reset())


@conversation('every byte',
              'our direction is shut after each PDU: what was asked is still answered, then the target closes', seconds=60, alone=True)
def half_closed(t):
    import socket
    s = Script(t)
    s.login()
    for n in range(1, 4):
        s.add('command', flags=FINAL | READ | SIMPLE, itt=n, edtl=BLOCK, cmdsn=n, cdb=READ10(t.region, 1))
        c = t.connect()
        c.send_bytes(bytes(s.out))
        c.socket.shutdown(socket.SHUT_WR)
        try:
            while True:
                c._recv_one(c.talk.deadline)
        except Gone:
            pass


@conversation('every byte', 'a reader that takes byte after byte of the answers and goes at any of them',
              seconds=60, alone=True)
def reads_and_goes(t):
    whole = script(t)
    for count in range(0, 3000, 37):
        c = t.connect()
        try:
            c.send_bytes(whole)
            left = count
            while left > 0:
                c._arm(1)
                part = c.socket.recv(left)
                if not part:
                    break
                left -= len(part)
        except (OSError, Gone, Late):
            pass
        c.reset()
        t.connections.remove(c)
