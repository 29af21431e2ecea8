#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Persistent reservations through what happens to sessions and to the daemon (SPC-5 5.14.5, RFC 7143 6.3.5): a connection
that breaks, a session that is reinstated, a daemon that ends and one that is killed.

  test_reservations.py SPTGTD
"""

import os
import signal
import struct
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
sys.path.insert(0, os.path.join(HERE, '..', 'talk'))

from sptgt_config import NAMES, configuration, device, target  # noqa: E402
from sptgt_daemon import Daemon  # noqa: E402
from talk import BLOCK, GOOD, READ10, Talk  # noqa: E402

SPTGTD = None
TARGET = NAMES + 'talk'
CONFLICT, REGISTER, RESERVE, CLEAR, MOVE, REGISTRANTS_ONLY = 0x18, 0, 1, 3, 7, 6
SPEC_I_PT, ALL_TG_PT, APTPL = 8, 4, 1
CONFIG = configuration(device('disk', size='16M'), target('talk', portal='main, second', initiators=NAMES + '*'), control='none',
                       portals=('main', 'second\ntag = 2'))


def transport_id(name, port):
    text = ('%s,i,0x80000000%04x' % (name, port)).encode() + b'\0'
    text += bytes(-len(text) % 4)
    return struct.pack('>BBH', 0x45, 0, len(text)) + text


class Reservations(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.state = directory.name
        self.daemon = self.talk = None
        self.start()

    def tearDown(self):
        self.talk.close()
        self.assertEqual(self.daemon.stop(), [])

    def start(self):
        self.daemon = Daemon(SPTGTD, CONFIG.replace('{dir}', self.state))
        ports = {name: ports[0] for name, ports in self.daemon.ports.items()}
        self.talk = Talk(('127.0.0.1', self.daemon.port()), TARGET, 0, 60, self.daemon, ports)

    def restart(self, how):
        if how == signal.SIGKILL:
            self.daemon.process.kill()
            self.daemon.process.wait()
            self.daemon.stop()
        self.talk.close()
        if how == signal.SIGTERM:
            self.assertEqual(self.daemon.stop(), [])
        self.start()

    def nexus(self, name, port=1, portal=None):
        c = self.talk.connect(portal)
        c.name = 'iqn.2026-11.org.sptgt:' + name
        c.isid = bytes([0x80, 0, 0, 0, 0, port])
        return c.log_in().settle()

    def out(self, s, action, key=0, action_key=0, kind=0, flags=0, ids=None, rest=None):
        parameters = struct.pack('>QQ', key, action_key) + (rest or struct.pack('>IBBH', 0, flags, 0, 0))
        if ids is not None:
            parameters += struct.pack('>I', len(ids)) + ids
        cdb = struct.pack('>BBBHIB', 0x5f, action, kind, 0, len(parameters), 0)
        self.assertEqual(s.command(cdb, write=parameters).status, GOOD)

    def may_read(self, **statuses):
        for who, status in statuses.items():
            s = self.nexus(who)
            self.assertEqual(s.command(READ10(0, 1), read=BLOCK).status, status, who)
            s.log_out()

    def test_sessions_come_and_go(self):
        one = self.nexus('one')
        self.out(one, REGISTER, action_key=7)
        self.out(one, RESERVE, key=7, kind=REGISTRANTS_ONLY)
        one.close()                                       # the connection breaks
        self.may_read(one=GOOD, two=CONFLICT)
        first = self.nexus('one')
        again = self.nexus('one')                         # session reinstatement: the same name and ISID
        self.assertEqual(again.command(READ10(0, 1), read=BLOCK).status, GOOD)
        first.close()
        self.assertEqual(self.nexus('one', port=2).command(READ10(0, 1), read=BLOCK).status, CONFLICT)
        self.out(again, CLEAR, key=7)

    def test_the_daemon_comes_and_goes(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            one = self.nexus('one')
            # For itself and for two, who is not there, through both portal groups; and kept.
            self.out(one, REGISTER, action_key=7, flags=SPEC_I_PT | ALL_TG_PT | APTPL,
                     ids=transport_id('iqn.2026-11.org.sptgt:two', 1))
            self.out(one, RESERVE, key=7, kind=REGISTRANTS_ONLY)
            self.restart(how)
            self.may_read(one=GOOD, two=GOOD, three=CONFLICT)
            two = self.nexus('two', portal='second')
            self.assertEqual(two.command(READ10(0, 1), read=BLOCK).status, GOOD)
            # Handed on, with the answer in the file: UNREG, APTPL; through port 2.
            one = self.nexus('one')
            self.out(one, MOVE, key=7, action_key=9, rest=struct.pack('>BBH', 0, 3, 2),
                     ids=transport_id('iqn.2026-11.org.sptgt:two', 1))
            self.restart(how)
            self.may_read(one=CONFLICT, two=GOOD, three=CONFLICT)
            self.out(self.nexus('two', portal='second'), CLEAR, key=9)
            self.restart(how)
            self.may_read(one=GOOD, two=GOOD, three=GOOD)

    def test_what_is_not_to_be_kept_is_not(self):
        one = self.nexus('one')
        self.out(one, REGISTER, action_key=7)
        self.out(one, RESERVE, key=7, kind=REGISTRANTS_ONLY)
        self.restart(signal.SIGKILL)
        self.may_read(one=GOOD, two=GOOD)
        self.assertEqual(os.listdir(os.path.join(self.state, 'pr')) if os.path.isdir(os.path.join(self.state, 'pr')) else [], [])


if __name__ == '__main__':
    SPTGTD = sys.argv.pop(1)
    unittest.main(verbosity=2)
