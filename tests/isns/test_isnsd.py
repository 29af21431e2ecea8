#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The iSNS client against Debian's open-isns-server: what isnsadm shows of us, status inquiries, notifications, and that
nothing of us is left at the end.

  test_isnsd.py SPTGTD
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))

from sptgt_daemon import Daemon  # noqa: E402

SPTGTD = None
SERVER = """SourceName = iqn.2026-11.org.sptgt:isnsd
Database = {dir}/db
Security = 0
DefaultDiscoveryDomain = {domain}
ESIMinInterval = 1
ESIMaxInterval = 2
RegistrationPeriod = 4
BindAddress = 127.0.0.1:{port}
ServerAddress = 127.0.0.1:{port}
PIDFile = {dir}/pid
ControlSocket = {dir}/control
"""
TOOL = """SourceName = iqn.2026-11.org.sptgt:host
ServerAddress = 127.0.0.1:{port}
Security = 0
ControlSocket = {dir}/control
"""
CONFIG = """[daemon]
workers = 1
control-socket = none
state-dir = {dir}
isns = 127.0.0.1:PORT
isns-period = 20s
isns-entity = tape.example.org
[portal-main]
listen = 127.0.0.1:0
[portal-every]
listen = [::]:0
tag = 9
[device-disk]
backend = mem
size = 1M
[target-a]
name = iqn.2026-11.org.sptgt:a
alias = The first
portal = main
lun.0 = disk
initiators = *
[target-b]
name = iqn.2026-11.org.sptgt:b
portal = every
lun.0 = disk
initiators = *
"""


class Isnsd(unittest.TestCase):
    def begin(self, domain):
        self.dir = tempfile.mkdtemp(prefix='sptgt-isnsd-')
        os.mkdir(self.dir + '/db')
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        for name, text in (('isnsd.conf', SERVER), ('isnsadm.conf', TOOL)):
            with open(os.path.join(self.dir, name), 'w') as f:
                f.write(text.format(dir=self.dir, port=self.port, domain=domain))
        self.log = open(self.dir + '/log', 'w')
        self.process = subprocess.Popen(['isnsd', '-f', '-c', self.dir + '/isnsd.conf', '-d', 'esi', '-d', 'scn'],
                                        stdout=self.log, stderr=self.log)
        self.daemon = Daemon(SPTGTD, CONFIG.replace('PORT', str(self.port)), log_level='debug')

    def tearDown(self):
        wrong = self.daemon.stop(10) if self.daemon else []
        self.process.terminate()
        self.process.wait(10)
        self.log.close()
        shutil.rmtree(self.dir)
        self.assertEqual(wrong, [])

    def ask(self, *words):
        done = subprocess.run(['isnsadm', '-c', self.dir + '/isnsadm.conf', *words], capture_output=True, text=True,
                              timeout=30)
        return done.stdout + done.stderr

    def test_everything(self):
        self.begin(domain=1)
        self.daemon.says('registered as tape.example.org')
        nodes = self.ask('--local', '--list', 'nodes')
        for name in ('iqn.2026-11.org.sptgt:a', 'iqn.2026-11.org.sptgt:b'):
            self.assertIn('iSCSI name = "%s"' % name, nodes)
        self.assertIn('iSCSI alias = "The first"', nodes)
        self.assertEqual(nodes.count('node type = Target'), 2)
        groups = re.findall(r'group name = "(\S+)".*?group address = (\S+).*?group port = (\d+)/tcp(?:.*?group tag = (\d+))?',
                            self.ask('--local', '--list', 'portal-groups'), re.DOTALL)
        reached = {(name, address, int(port)): tag for name, address, port, tag in groups if tag}
        self.assertEqual(reached, {('iqn.2026-11.org.sptgt:a', '127.0.0.1', self.daemon.port('main')): '1',
                                   ('iqn.2026-11.org.sptgt:b', '127.0.0.1', self.daemon.port('every')): '9'})
        # RFC 4171 5.6.5.13: asked whether we live, we are still there afterwards
        self.daemon.says('asked for our state: success')
        # 5.6.5.8: a new initiator in our discovery domain is told to us
        self.ask('--register', 'initiator=iqn.2026-11.org.sptgt:host')
        self.daemon.says('iSNS: iqn.2026-11.org.sptgt:host')
        self.assertIn('tape.example.org', self.ask('--local', '--list', 'entities'))
        self.assertEqual(self.daemon.stop(10), [])
        self.daemon = None
        self.assertNotIn('tape.example.org', self.ask('--local', '--list', 'entities'))
        self.assertNotIn('iqn.2026-11.org.sptgt:a', self.ask('--local', '--list', 'nodes'))

    def test_no_domain(self):
        """Nodes that are in no discovery domain, and do not see each other, are there all the same."""
        self.begin(domain=0)
        self.daemon.says('registered as tape.example.org')
        log = self.daemon.says('all targets are still registered', 3)
        self.assertEqual(log.count('registered as'), 1, log)


if __name__ == '__main__':
    SPTGTD = sys.argv.pop(1)
    unittest.main()
