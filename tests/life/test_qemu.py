#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qemu's iscsi driver and libiscsi's tools, as virtual machines use a target: images copied there and back and compared, blocks
discarded and zeroed, with CHAP, header digests and several portals.

  test_qemu.py SPTGTD SPTGTCTL
"""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))

from sptgt_daemon import Daemon  # noqa: E402

SPTGTD = SPTGTCTL = None
DISK = 'iqn.2026-11.org.sptgt:disk'
STRICT = 'iqn.2026-11.org.sptgt:strict'
DATA = 'iqn.2026-11.org.sptgt:data'
INITIATOR = 'iqn.2026-11.org.sptgt:qemu'
MIB = 1 << 20
CONFIG = """[daemon]
workers = 2
control-socket = {dir}/control.sock
state-dir = {dir}
[portal-main]
listen = 127.0.0.1:0
[portal-six]
listen = [::1]:0
tag = 6
[device-disk]
backend = file
path = {dir}/disk.img
size = 32M
[device-large]
backend = file
path = {dir}/large.img
size = 32M
block-size = 4096
[target-disk]
name = iqn.2026-11.org.sptgt:disk
portal = main, six
lun.0 = disk
lun.1 = large
initiators = *
[target-strict]
name = iqn.2026-11.org.sptgt:strict
portal = main, six
lun.0 = disk
lun.1 = large
initiators = iqn.2026-11.org.sptgt:qemu
header-digest = CRC32C
auth = chap
chap-file = {dir}/secrets
[target-data]
name = iqn.2026-11.org.sptgt:data
portal = main
lun.0 = disk
initiators = *
data-digest = CRC32C
"""


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


class Qemu(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(SPTGTD, CONFIG, files={'secrets': 'vm a-secret-of-sixteen\n', 'secret': 'a-secret-of-sixteen'})
        self.addCleanup(lambda: self.assertEqual(self.daemon.stop(), []))
        self.path = self.daemon.dir + '/image'
        with open(self.path, 'wb') as f:
            f.truncate(32 * MIB)
            for at in (0, 3 * MIB + 512, 20 * MIB, 31 * MIB):
                f.seek(at)
                f.write(os.urandom(MIB // 2))

    def good(self, *command):
        r = run(*command)
        self.assertEqual(r.returncode, 0, '%s\n%s%s' % (' '.join(command), r.stdout, r.stderr))
        return r.stdout

    def options(self, target, lun, portal='main', **more):
        host = '127.0.0.1' if portal == 'main' else '[::1]'
        options = {'driver': 'iscsi', 'transport': 'tcp', 'portal': '%s:%d' % (host, self.daemon.port(portal)),
                   'target': target, 'lun': str(lun), 'initiator-name': INITIATOR}
        if target == STRICT:
            options.update({'user': 'vm', 'password-secret': 'sec', 'header-digest': 'crc32c'})
        options.update(more)
        return ','.join('%s=%s' % pair for pair in options.items())

    def secret(self):
        return 'secret,id=sec,file=%s/secret' % self.daemon.dir

    def there_and_back(self, target, lun, portal):
        """convert to the target, compare there, convert back, compare bytes."""
        there, secret = self.options(target, lun, portal), self.secret()
        self.good('qemu-img', 'convert', '--object', secret, '-n', '-f', 'raw', '--target-image-opts', self.path, there)
        image = 'driver=raw,file.driver=file,file.filename=' + self.path
        self.good('qemu-img', 'compare', '--object', secret, '--image-opts', image, there)
        back = self.path + '.back'
        self.good('qemu-img', 'convert', '--object', secret, '--image-opts', '-O', 'raw', there, back)
        self.good('cmp', self.path, back)

    def test_images(self):
        for target in (DISK, STRICT):
            for lun, portal in ((0, 'main'), (1, 'six')):
                with self.subTest(target=target, lun=lun, portal=portal):
                    self.there_and_back(target, lun, portal)
                    with open(self.path, 'r+b') as f:      # the next one is another image
                        f.seek(5 * MIB)
                        f.write(os.urandom(4096))

    def test_discard_and_zeroes(self):
        """SBC-4 5.35 UNMAP, 5.50 WRITE SAME(16) as qemu sends them; what is discarded costs no space, and its neighbours stay"""
        # not with blocks of 4096 bytes: reading what it has discarded there, qemu 7.2 fails an assertion of its own
        there = self.options(STRICT, 0, discard='unmap')
        used = lambda: os.stat(self.daemon.dir + '/disk.img').st_blocks * 512  # noqa: E731

        def io(*commands):
            out = self.good('qemu-io', '--object', self.secret(), '--image-opts', '-n',
                            *[word for c in commands for word in ('-c', c)], there)
            self.assertNotRegex(out, 'failed|error|verification')
            return out
        io('write -P 0x5a 0 8M', 'flush')
        full = used()
        io('discard 1M 2M', 'write -z -u 4M 1M', 'write -z 6M 64k', 'flush',
           'read -P 0x5a 0 1M', 'read -P 0 1M 2M', 'read -P 0x5a 3M 1M', 'read -P 0 4M 1M', 'read -P 0x5a 5M 1M',
           'read -P 0 6M 64k', 'read -P 0x5a 6464k 1M')
        self.assertLessEqual(used(), full - 2 * MIB)
        extents = json.loads(self.good('qemu-img', 'map', '--object', self.secret(), '--output=json', '--image-opts', there))
        holes = [e for e in extents if e['zero'] and e['start'] <= MIB and e['start'] + e['length'] >= 3 * MIB]
        self.assertTrue(holes, extents)                # GET LBA STATUS tells of it

    def test_refused(self):
        """Who does not agree to a digest, or does not know the secret, gets a reason, and the log has it"""
        for target, more, words in (
                (STRICT, {'header-digest': 'none'}, 'HeaderDigest'), (DATA, {}, 'DataDigest'),
                (STRICT, {'user': 'nobody'}, 'no such user')):
            r = run('qemu-img', 'info', '--object', self.secret(), '--image-opts', self.options(target, 0, **more))
            self.assertNotEqual(r.returncode, 0, words)
            self.daemon.says(words)

    def test_two_portals_one_disk(self):
        """What is written by one portal is read by the other, and both lead to one logical unit"""
        portals = [('127.0.0.1', 'main'), ('[::1]', 'six')]
        identities = set()
        self.good('qemu-io', '--image-opts', '-n', '-c', 'write -P 0x77 1M 1M', '-c', 'flush', self.options(DISK, 0))
        out = self.good('qemu-io', '--image-opts', '-n', '-c', 'read -P 0x77 1M 1M', self.options(DISK, 0, 'six'))
        self.assertNotIn('verification', out)
        for host, portal in portals:
            named = self.good('iscsi-ls', 'iscsi://%s:%d' % (host, self.daemon.port(portal)))
            for other, name in portals:
                self.assertIn('Portal:%s:%d' % (other, self.daemon.port(name)), named)
            out = self.good('iscsi-inq', '-e', '1', '-c', '128', 'iscsi://%s:%d/%s/0' % (host, self.daemon.port(portal), DISK))
            self.assertIn('Serial', out)
            identities.add(out)
        self.assertEqual(len(identities), 1, identities)


if __name__ == '__main__':
    SPTGTCTL = sys.argv.pop(2)
    SPTGTD = sys.argv.pop(1)
    unittest.main()
