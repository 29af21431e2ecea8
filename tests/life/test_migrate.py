#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sessions that are moved from loop to loop as fast as it goes while they have work, and while all else happens that names
sessions: task management, logins of every kind, connections that come to a session, listings, reloads, logouts asked for.

  test_migrate.py SPTGTD LOAD [SECONDS]
"""

import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
sys.path.insert(0, os.path.join(HERE, '..', 'talk'))

from sptgt_config import NAMES, configuration, device, target  # noqa: E402
from sptgt_daemon import Daemon  # noqa: E402
from talk import BLOCK, GOOD, NONE, READ10, TEST_UNIT_READY, Talk, pattern  # noqa: E402

SPTGTD = LOAD = None
SECONDS = 4
ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, WARM_RESET = 2, 4, 5, 6
REPORTED_LUNS_CHANGED = 0x063f0e
# What may keep a session where it is.
STAYS = (b'about to end', b'cannot be moved', b'in 200 ms', b'try again')


def config(changes='', workers=4, balance_interval='0'):
    """changes: a line of the target of that name."""
    return configuration(
        device('first', size='32M'), device('second', size='32M'), device('third'), device('noisy'),
        device('slow', 'layers = delay', 'delay-rules = before=400ms', size='1M'),
        target('load', luns='lun.0 = first\nlun.1 = noisy\nlun.2 = second'), target('talk', 'max-connections = 4', luns='lun.0 = noisy'),
        target('slow', luns='lun.0 = slow'), target('write', luns='lun.0 = third\nlun.1 = noisy'),
        target('changes', changes, luns='lun.0 = first'), workers=workers, daemon='balance-interval = ' + balance_interval)


class Sessions(unittest.TestCase):
    maxDiff = None

    def start(self, config):
        self.daemon = Daemon(SPTGTD, config)
        self.over = threading.Event()
        self.troubles, self.done, self.talks = [], {}, []
        self.known = set()                   # sessions that are there all the time

    def tearDown(self):
        for talk in self.talks:
            talk.close()
        self.assertEqual(self.daemon.stop(), [])

    def talk(self, target='talk'):
        """Each has a name of its own."""
        talk = Talk(('127.0.0.1', self.daemon.port()), NAMES + target, 0, 600, self.daemon)
        self.talks.append(talk)
        return talk

    def control(self, method, path, meanwhile=lambda: None):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.daemon.dir + '/control.sock')
            s.sendall(('%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n' % (method, path)).encode())
            meanwhile()
            head, body = b''.join(iter(lambda: s.recv(1 << 16), b'')).split(b'\r\n\r\n', 1)
        return int(head.split()[1]), body

    def sessions(self):
        return json.loads(self.control('GET', '/v1/sessions')[1])['sessions']

    def move(self, session_id):
        return self.control('POST', '/v1/sessions/move/%d' % session_id)

    def session_of(self, initiator):
        return next(s for s in self.sessions() if s['initiator'] == initiator.name)

    def number(self, initiator):
        return self.session_of(initiator)['id']

    def logged_in(self, target='talk', keys=None):
        talk = self.talk(target)
        s = talk.log_in(keys).settle()
        self.known.add(self.number(s))
        return s

    # --- actors: each does its thing again and again until all is over

    def actor(self, function, *args):
        def run():
            try:
                while not self.over.is_set():
                    function(*args)
                    self.done[function.__name__] = self.done.get(function.__name__, 0) + 1
            except Exception:
                self.troubles.append('%s: %s' % (function.__name__, traceback.format_exc()))
                self.over.set()
        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def join(self, actors):
        self.over.set()
        for actor in actors:
            actor.join(60)
        self.assertEqual(self.troubles, [])


class Migrate(Sessions):
    def setUp(self):
        self.start(config())

    def mover(self):
        for s in self.sessions():
            status, body = self.move(s['id'])
            self.assertTrue(status == 200 or any(word in body for word in STAYS), body)

    def lister(self):
        """Whoever is there all the time is listed, once."""
        listed = [s['id'] for s in self.sessions()]
        self.assertEqual(len(listed), len(set(listed)), 'a session is listed twice')
        self.assertLessEqual(self.known, set(listed), 'a session is not listed')
        time.sleep(0.002)

    def while_moving(self, session_id, act):
        """At any moment of its way."""
        def meanwhile():
            end = time.perf_counter() + random.random() * 0.001
            while time.perf_counter() < end:
                pass
            act()
        self.control('POST', '/v1/sessions/move/%d' % session_id, meanwhile)

    def visitor(self, reinstates):
        """Logins and logouts; also by a name that is taken, whose session ends wherever it is (RFC 7143 6.3.5)."""
        talk = self.talk('write')
        s = talk.log_in().settle()
        if reinstates:
            before, s = s, talk.log_in().settle()
            before.gone(allowed=())
        s.log_out()
        talk.close()

    def dismissed(self):
        """Sessions that the operator ends, wherever they are."""
        talk = self.talk('write')
        s = talk.log_in().settle()
        number = self.number(s)
        self.while_moving(number, lambda: self.control('DELETE', '/v1/sessions/%d' % number))
        s.gone()
        talk.close()

    def joiner(self, s):
        """A connection comes to a session, wherever that is, and works beside the first (RFC 7143 6.3.1)."""
        added = []
        self.while_moving(self.number(s), lambda: added.append(s.add(1)))
        other = added[0]
        other.ping()
        s.ping()
        other.log_out(reason=1)

    def writer(self, s, seed=iter(range(1 << 30))):
        """With R2Ts: its data comes in several sequences."""
        data = pattern(96 * 1024, next(seed))
        s.write(s.talk.region, data)
        self.assertEqual(s.read(s.talk.region, len(data) // BLOCK), data)

    def resetter(self, s):
        for function in (LOGICAL_UNIT_RESET, CLEAR_TASK_SET, ABORT_TASK_SET, WARM_RESET):
            s.expect('tmf_response', itt=s.ask(function), response=0, seconds=60)

    def victim(self, s):
        """Commands that others' resets take: each is answered once, or is gone without an answer."""
        tasks = [s.start(READ10(s.talk.region, 8), read=8 * BLOCK) for _ in range(4)]
        itt = s.new_itt()
        s.send('nop_out', itt=itt, immediate=False)
        while True:
            pdu = s.recv(60)
            if pdu.name == 'nop_in' and pdu.itt == itt:
                break
            if pdu.name == 'nop_in' and pdu.itt == NONE:
                continue
            s.take(pdu)
        for task in tasks:
            s.tasks.pop(task.itt, None)

    def changed(self, s, luns=iter(('lun.1 = second', '') * (1 << 20))):
        """Each change of its LUNs is told once, wherever the session is when its loop goes over."""
        with open(self.daemon.dir + '/sptgt.conf', 'w') as f:
            f.write(config(next(luns)).replace('{dir}', self.daemon.dir))
        self.assertEqual(self.control('POST', '/v1/reload')[0], 200)
        end, told = time.monotonic() + 30, 0
        while not told and time.monotonic() < end:
            told += self.attention(s)
        for _ in range(20):
            told += self.attention(s)
        self.assertEqual(told, 1)

    def attention(self, s):
        task = s.command(TEST_UNIT_READY)
        if task.status == GOOD:
            return 0
        self.assertEqual(task.sense_code(), REPORTED_LUNS_CHANGED)
        return 1

    # --- the tests

    def test_on_its_way(self):
        """Whoever looks for a session finds it while it is between two loops."""
        end = time.monotonic() + SECONDS
        s = self.logged_in(keys={'MaxConnections': '4'})
        number = self.number(s)
        while time.monotonic() < end:
            self.joiner(s)
            self.dismissed()
            for _ in range(4):
                self.while_moving(number, self.lister)
            talk = self.talk()
            before, after = talk.log_in(), []
            self.while_moving(self.number(before), lambda: after.append(talk.log_in()))
            before.gone(allowed=())
            after[0].log_out()
            talk.close()

    def load(self, lun, *options):
        return subprocess.Popen([LOAD, '--fill', '--verify', '--span', '4M', '--read', '50', '--timeout', '60', '--warmup', '0s',
                                 '--duration', '%ds' % SECONDS, *options,
                                 'iscsi://127.0.0.1:%d/%sload/%d' % (self.daemon.port(), NAMES, lun)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test_all_at_once(self):
        # All are there before the first reset: a session settles when no more unit attentions come.
        parts = [(self.changed, self.logged_in('changes')),
                 (self.joiner, self.logged_in(keys={'MaxConnections': '4'})),
                 (self.writer, self.logged_in('write', {'ImmediateData': 'No', 'InitialR2T': 'Yes'})),
                 (self.resetter, self.logged_in()), (self.victim, self.logged_in()),
                 (self.visitor, False), (self.visitor, True), (self.dismissed,), (self.lister,), (self.mover,)]
        actors = [self.actor(*part) for part in parts]
        loads = [self.load(0, '--sessions', '3', '--depth', '16'),
                 self.load(2, '--sessions', '2', '--depth', '4', '--block', '128K', '--digests', 'header')]
        try:
            for load in loads:
                output = load.communicate(timeout=100)[0]
                self.assertEqual(load.returncode, 0, output)
        finally:
            for load in loads:
                load.kill()
                load.wait()
            self.join(actors)
        metrics = self.talk().metrics()
        moved = metrics['sptgt_sessions_moved_total']
        print('%d sessions moved, %d stayed; %s' % (moved, metrics['sptgt_session_moves_given_up_total'], self.done))
        self.assertGreater(moved, 20)
        for name in ('mover', 'lister', 'visitor', 'dismissed', 'joiner', 'writer', 'resetter', 'victim', 'changed'):
            self.assertIn(name, self.done)

    def test_to_and_fro(self):
        """It is on another loop each time, and works; its initiator is told nothing. A busy one stays, and so do others."""
        s = self.logged_in('changes')
        for _ in range(8):
            before = self.session_of(s)
            self.assertEqual(self.move(before['id']), (200, b'{}\n'))
            self.assertNotEqual(self.session_of(s)['loop'], before['loop'])
            s.good(TEST_UNIT_READY)
        self.daemon.says('goes on on loop', 8)
        slow = self.logged_in('slow')
        task = slow.start(TEST_UNIT_READY)
        status, body = self.move(self.number(slow))
        self.assertNotEqual(status, 200)
        self.assertIn(b'in 200 ms', body)
        slow.finish(task)
        slow.settle()
        self.assertEqual(self.move(self.number(slow))[0], 200)
        slow.good(TEST_UNIT_READY)
        recovering = self.talk().log_in({'ErrorRecoveryLevel': '1'}).settle()
        self.assertIn(b'cannot be moved', self.move(self.number(recovering))[1])
        self.assertIn(b'no such session', self.move(123456)[1])

    def test_window(self):
        """The window that was closed for it is as it was, and is told (RFC 7143 4.2.2.1)."""
        s = self.logged_in('changes')
        window = (s.maxcmdsn - s.expcmdsn) & NONE
        self.assertEqual(self.move(self.number(s))[0], 200)
        s.ping()
        self.assertEqual((s.maxcmdsn - s.expcmdsn) & NONE, window)

    def test_half_a_request(self):
        """What has come of a header goes along; the rest is read on the other loop."""
        s = self.logged_in('changes')
        for sent, outcome in ((20, b'{}'), (100, b'in 200 ms')):    # of one whose data is coming the rest is waited for
            pdu = s.pdu('nop_out', itt=s.new_itt(), data=b'x' * 100).encode(False, False)
            s.send_bytes(pdu[:sent])
            s.taken()
            self.assertIn(outcome, self.move(self.number(s))[1])
            s.send_bytes(pdu[sent:])
            s.expect('nop_in', data=b'x' * 100)


class Balance(Sessions):
    """Two sessions on one loop that has more to do than it can: one goes to the other loop by itself; one alone stays."""

    def setUp(self):
        self.start(config(workers=2, balance_interval='200ms'))

    def heavy(self, s, lun):
        """Much work for little that is sent: WRITE SAME(10), many at a time."""
        while len(s.tasks) < 12:
            self.write_same(s, lun, self.blocks)
        self.assertIn(s.step(seconds=60).status, (None, GOOD))

    def write_same(self, s, lun, blocks):
        return s.start(struct.pack('>BBIBHB', 0x41, 0, 0, 0, blocks, 0), write=b'x' * BLOCK, lun=lun)

    def timed(self, s, blocks):
        began = time.monotonic()
        s.finish(self.write_same(s, 0, blocks), seconds=60)
        return time.monotonic() - began

    def measure(self, s, blocks=32768):
        """How many take a millisecond here, of the loop and not of this side: all that is under way has to end in 200, whatever else runs."""
        took = min(self.timed(s, blocks) for _ in range(5))
        self.blocks = max(256, min(65535, int(blocks * 0.001 / took)))

    def moved(self):
        return self.talk().metrics()['sptgt_sessions_moved_total']

    def test_overloaded(self):
        first, second = self.logged_in('load'), self.logged_in('load')
        second.talk.lun = 2                  # each has a disk of its own
        second.settle()
        self.measure(first)
        alone = self.actor(self.heavy, first, 0)
        time.sleep(2)
        self.assertEqual(self.moved(), 0)
        if self.session_of(second)['loop'] != self.session_of(first)['loop']:
            while b'try again' in self.move(self.number(second))[1]:
                pass
        before = self.moved()
        both = self.actor(self.heavy, second, 2)
        try:
            end = time.monotonic() + 60
            while self.moved() == before and time.monotonic() < end:
                time.sleep(0.1)
            self.assertEqual(self.moved(), before + 1)
            self.assertNotEqual(self.session_of(first)['loop'], self.session_of(second)['loop'])
            time.sleep(1)                    # and that is that
            self.assertEqual(self.moved(), before + 1)
        finally:
            self.join([alone, both])


if __name__ == '__main__':
    SPTGTD, LOAD = sys.argv.pop(1), sys.argv.pop(1)
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        SECONDS = int(sys.argv.pop(1))
    unittest.main()
