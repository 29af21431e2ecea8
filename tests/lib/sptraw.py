#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sptraw as a program: data from and to files, by each call; sense and exit codes as sg_raw has them; and the rule of
EXTENDED COPY, which is an error of the call here and CHECK CONDITION, ILLEGAL REQUEST over iSCSI.

usage: sptraw.py --sptraw PROGRAM [--sptgtd PROGRAM]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import unittest

from sptgt_daemon import Daemon

OPTIONS = None
CALLS = ['buffered', 'direct', 'ex', 'direct-ex']
OS_ERROR = 50
OTHER = 99  # an errno beyond 46
EINVAL = 22


def sptraw(device, cdb, *options, data=None):
    command = [OPTIONS.sptraw, '--device', device, *options, *cdb.split()]
    return subprocess.run(command, input=data if data is not None else b'', stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)


def config(name, device):
    return '''[daemon]
workers = 1
control-socket = {dir}/control.sock
[portal-main]
listen = 127.0.0.1:0
[device-%s]
%s
[target-t]
name = iqn.2026-11.org.sptgt:%s
portal = main
lun.0 = %s
initiators = *
''' % (name, device, name, name)


class TestSptraw(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='sptgt-sptraw-')
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.image = self.path('disk.img')
        with open(self.image, 'wb') as f:
            f.truncate(1 << 20)
        self.device = 'file:path=' + self.image

    def path(self, name):
        return os.path.join(self.directory, name)

    def check(self, result, status, words=''):
        self.assertEqual(result.returncode, status, result.stderr.decode())
        self.assertIn(words, result.stderr.decode())

    def test_data_from_and_to_files(self):
        for i, call in enumerate(CALLS):
            data = os.urandom(8192)
            with open(self.path('in'), 'wb') as f:
                f.write(b'skipped' + data)
            with self.subTest(call=call):
                lba = '%02x' % (16 * i)
                self.check(sptraw(self.device, '2a 0 0 0 0 %s 0 0 10 0' % lba, '--call', call, '--send', '8192', '--infile',
                                  self.path('in'), '--skip', '7'), 0, 'SCSI Status: Good')
                self.check(sptraw(self.device, '28 0 0 0 0 %s 0 0 10 0' % lba, '--call', call, '--request', '8192',
                                  '--outfile', self.path('out')), 0)
                with open(self.path('out'), 'rb') as f:
                    self.assertEqual(f.read(), data)
                with open(self.image, 'rb') as f:
                    f.seek(16 * i * 512)
                    self.assertEqual(f.read(8192), data)

    def test_standard_input_and_output(self):
        data = os.urandom(512)
        self.check(sptraw(self.device, '2a 0 0 0 0 0 0 0 1 0', '-s', '512', data=data), 0)
        result = sptraw(self.device, '28 0 0 0 0 0 0 0 1 0', '-b', '-r', '512')
        self.check(result, 0)
        self.assertEqual(result.stdout, data)
        self.check(sptraw(self.device, '2a 0 0 0 0 0 0 0 1 0', '-s', '512', data=data[:511]), 15)

    def test_what_came_is_what_is_shown(self):
        result = sptraw(self.device, '12 0 0 0 24 0', '-r', '255', '-v')
        self.check(result, 0, '36 of 255 bytes in')
        self.assertTrue(result.stdout.startswith(b'Received 36 bytes of data:\n 00     00 00 '), result.stdout)
        self.assertIn(b'SPTGT', result.stdout)

    def test_command_from_a_file(self):
        with open(self.path('cdb'), 'w') as f:
            f.write('# INQUIRY\n12 0, 0 0\n24 # 36 bytes\n0\n')
        self.check(sptraw(self.device, '', '-c', self.path('cdb'), '-r', '36'), 0)
        self.check(sptraw(self.device, '', '-c', self.path('none'), '-r', '36'), 15)

    def test_exit_codes(self):
        rows = [
            (0, '0 0 0 0 0 0', [], 'SCSI Status: Good'),
            (9, 'c1 0 0 0 0 0', [], 'INVALID COMMAND OPERATION CODE'),
            (5, '12 2 0 0 24 0', ['-r', '36'], 'ILLEGAL REQUEST'),
            (22, '28 0 0 ff 0 0 0 0 1 0', ['-r', '512'], 'LOGICAL BLOCK ADDRESS OUT OF RANGE'),
            (14, '2f 2 0 0 0 0 0 0 1 0', ['-s', '512', '-i', '/proc/self/exe'], 'MISCOMPARE'),
            (1, '0 0 0 0 0', [], 'too short'),
            (1, '0 0 0 0 0 g', [], 'not a byte'),
            (1, '0 0 0 0 0 100', [], 'not a byte'),
            (1, ' '.join(['0'] * 261), [], 'too long'),
            (1, '0 0 0 0 0 0', ['--call', 'none'], 'no such call'),
            (1, '0 0 0 0 0 0', ['--request', '1x'], '--request'),
            (OS_ERROR + EINVAL, '28 0 0 0 0 0 0 0 1 0', ['-s', '512', '-i', '/proc/self/exe'], 'not executed'),
        ]
        for status, cdb, options, words in rows:
            with self.subTest(cdb=cdb, options=options):
                self.check(sptraw(self.device, cdb, *options), status, words)
        self.check(sptraw('file:path=' + self.image + ',read-only=yes', '2a 0 0 0 0 0 0 0 1 0', '-s', '512', '-i',
                          '/proc/self/exe'), 7, 'DATA PROTECT')

    def test_wrong_devices(self):
        for device, words in [('nothing', 'no such backend'), ('mem', 'size: backend mem needs it'),
                              ('mem:size', 'not key=value'), ('mem:size=1M,size=1M', 'given twice'),
                              ('mem:colour=red', 'no option of backend mem'), ('mem:size=-1', 'size'), ('mem:size=1M,', 'not key')]:
            with self.subTest(device=device):
                self.check(sptraw(device, '0 0 0 0 0 0'), OS_ERROR + EINVAL, words)

    def test_a_comma_in_a_value(self):
        path = self.path('with,comma\\')
        os.rename(self.image, path)
        self.check(sptraw('file:path=' + path.replace('\\', '\\\\').replace(',', '\\,'), '0 0 0 0 0 0'), 0)

    def test_properties(self):
        result = sptraw('mem:size=1M', '', '--properties')
        self.check(result, 0)
        self.assertIn(b'longest CDB: 32 bytes\nextended requests: yes\nbidirectional: yes\n', result.stdout)

    def test_extended_copy(self):
        """-EOPNOTSUPP of the call; the same over iSCSI is CHECK CONDITION, ILLEGAL REQUEST."""
        copy = '83 ' + '0 ' * 15
        for call in CALLS:
            self.check(sptraw(self.device, copy, '--call', call, '-s', '16', data=bytes(16)), OTHER,
                       'not executed: Operation not supported')
        if not OPTIONS.sptgtd:
            self.skipTest('without libiscsi')
        disk = Daemon(OPTIONS.sptgtd, config('disk', 'backend = mem\nsize = 1M'))
        self.addCleanup(lambda: self.assertEqual(disk.stop(), []))
        url = 'iscsi://127.0.0.1:%d/iqn.2026-11.org.sptgt:disk/0'
        # In front of it one that passes the disk through: it is the raw pass-through that refuses.
        front = Daemon(OPTIONS.sptgtd, config('front', 'backend = iscsi\nurl = ' + url % disk.port()))
        self.addCleanup(lambda: self.assertEqual(front.stop(), []))
        through = 'iscsi:url=' + (url % front.port()).replace(':disk', ':front')
        self.check(sptraw(through, '12 0 0 0 24 0', '-r', '36'), 0)
        self.check(sptraw(through, copy, '-s', '16', data=bytes(16)), OTHER, 'Operation not supported')
        self.check(sptraw(through + ',third-party-copy=yes', copy, '-s', '16', data=bytes(16)), 9, 'ILLEGAL REQUEST')


def main():
    global OPTIONS
    parser = argparse.ArgumentParser()
    parser.add_argument('--sptraw', required=True)
    parser.add_argument('--sptgtd')
    OPTIONS = parser.parse_args()
    return 0 if unittest.main(argv=sys.argv[:1], exit=False).result.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main())
