#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Redirection (RFC 7143 11.13.5) as initiators see it: libiscsi's tools go where one daemon sends them, to another daemon.
(They follow a temporary one only; the kernel's initiator follows both: tests/vm/stories/discovery.)

  test_moved.py SPTGTD
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))

from sptgt_config import configuration, device, target  # noqa: E402
from sptgt_daemon import Daemon  # noqa: E402

SPTGTD = None


def config(*sections):
    return configuration(*sections, workers=1, control='none', portals=('main', 'six\nlisten = [::1]:0'))


THERE = config(device('disk', size='1M'), target('it', portal='main, six'))
HERE = config(target('it', 'redirect = WHERE', luns=''))


class Moved(unittest.TestCase):
    def test_followed(self):
        there = Daemon(SPTGTD, THERE)
        try:
            for where in ('127.0.0.1:%d' % there.port('main'), '[::1]:%d' % there.port('six'), 'localhost:%d' % there.port('main')):
                here = Daemon(SPTGTD, HERE.replace('WHERE', where))
                before = there.log().count('login from')
                try:
                    done = subprocess.run(['iscsi-inq', 'iscsi://127.0.0.1:%d/iqn.2026-11.org.sptgt:it/0' % here.port()],
                                          capture_output=True, text=True, timeout=30)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    here.says('redirected to %s' % where)
                finally:
                    self.assertEqual(here.stop(), [])
                self.assertIn('DIRECT_ACCESS', done.stdout)
                there.says('login from', before + 1)
        finally:
            self.assertEqual(there.stop(), [])


if __name__ == '__main__':
    SPTGTD = sys.argv.pop(1)
    unittest.main()
