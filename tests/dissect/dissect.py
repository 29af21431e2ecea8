#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What other people's dissector sees: libiscsi's programs, a part of its suite and qemu-img talk to the daemon while dumpcap
listens on the loopback; tshark then takes the capture apart. No PDU may be malformed, and the numbers that the daemon sends
must be as RFC 7143 says: a StatSN for each response and for nothing else (4.2.2.2), ExpCmdSN and MaxCmdSN that never move backwards
(4.2.2.1), DataSN and R2TSN without gaps (4.2.2.4), and one answer to each command.

usage: dissect.py --sptgtd PROGRAM [--keep FILE]
"""

import argparse
import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
sys.path[:0] = [os.path.join(TESTS, 'lib'), os.path.join(TESTS, 'conform')]
import suite  # noqa: E402
from sptgt_daemon import Daemon  # noqa: E402

SKIPPED = 77
IQN = 'iqn.2026-11.org.sptgt:dissect'
CONFIG = """
[daemon]
workers = 2
control-socket = {dir}/control.sock
state-dir = {dir}
[portal-main]
listen = 127.0.0.1:0
[device-disk]
backend = mem
size = 64M
[target-dissect]
name = %s
portal = main
lun.0 = disk
initiators = *
""" % IQN
SUITE = ('Write16.ZeroBlocks', 'Inquiry.EVPD', 'ModeSense6.Residuals', 'iSCSITMF.AbortTaskSimpleAsync',
         'iSCSIResiduals.Read10Residuals', 'iSCSIResiduals.Write10Residuals', 'iSCSIcmdsn.iSCSICmdSnTooHigh')

TAG_NONE = 0xffffffff
(NOP_OUT, COMMAND, TMF, LOGIN, TEXT, DATA_OUT, LOGOUT) = range(7)
(NOP_IN, RESPONSE, TMF_RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE, DATA_IN, LOGOUT_RESPONSE) = range(0x20, 0x27)
R2T, ASYNC, REJECT = 0x31, 0x32, 0x3f
WITH_STATUS = {RESPONSE, TMF_RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE, LOGOUT_RESPONSE, ASYNC, REJECT}
BAD = '_ws.malformed or _ws.expert.severity == error or iscsi.opcode.invalid or iscsi.keyvalue.invalid'


class Wrong(Exception):
    pass


class Capture:
    """dumpcap on one port of the loopback, from when it says that it listens."""

    def __init__(self, path, port):
        self.path = path
        self.process = subprocess.Popen(['dumpcap', '-q', '-P', '-B', '256', '-i', 'lo', '-f', 'tcp port %d' % port, '-w', path],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if line.startswith('File:'):
                return
        raise PermissionError('dumpcap may not listen on the loopback')

    def stop(self):
        time.sleep(0.3)  # the kernel hands over what it has
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=30)[1]
        if not re.search(r'received/dropped on .*: \d+/0 ', said):
            raise Wrong('the capture is not whole: ' + said)


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace', timeout=120)
    if done.returncode:
        raise Wrong('%s: status %d\n%s' % (' '.join(command), done.returncode, done.stdout[-2000:]))
    return done.stdout


def talk(directory, port):
    """The initiators, one after the other."""
    portal = 'iscsi://127.0.0.1:%d' % port
    url = '%s/%s/0' % (portal, IQN)
    if IQN not in run('iscsi-ls', '-s', portal):
        raise Wrong('iscsi-ls does not see the target')
    run('iscsi-inq', '-e', '1', '-c', '0x83', url)
    run('iscsi-readcapacity16', url)
    run('iscsi-readcapacity16', url + '?header_digest=crc32c')
    # What the suite says is judged elsewhere: here it makes PDUs.
    for name in SUITE:
        if suite.run(name, [url], 60).word in ('hang', 'crash'):
            raise Wrong('%s of the suite does not end' % name)
    image = os.path.join(directory, 'image')
    with open(image, 'wb') as f:
        f.write(os.urandom(2 << 20))
    run('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', image, url)
    run('qemu-io', '-r', '-f', 'raw', '-c', 'read 0 2M', url)


def number(field):
    return int(field.get('show'), 0)


def pdus(path, port):
    """Each PDU of the capture: (connection, from the target, opcode, field name -> number)."""
    command = ['tshark', '-r', path, '-d', 'tcp.port==%d,iscsi' % port, '-Y', 'iscsi', '-T', 'pdml', '-j', 'tcp iscsi']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tshark:
        for _, packet in ElementTree.iterparse(tshark.stdout):
            if packet.tag != 'packet':
                continue
            tcp = packet.find("proto[@name='tcp']")
            stream = number(tcp.find("field[@name='tcp.stream']"))
            down = number(tcp.find("field[@name='tcp.srcport']")) == port
            for proto in packet.findall("proto[@name='iscsi']"):
                fields = {}
                for f in proto.iter('field'):
                    if f.get('name', '').startswith('iscsi.') and f.get('show', '').replace('0x', '', 1).isalnum():
                        try:
                            fields.setdefault(f.get('name')[6:], number(f))
                        except ValueError:
                            pass
                if 'opcode' in fields:
                    yield stream, down, fields['opcode'] & 0x3f, fields
            packet.clear()
    if tshark.returncode:
        raise Wrong('tshark: status %d' % tshark.returncode)


class Numbers:
    """What must hold for the numbers of one connection."""

    def __init__(self, stream):
        self.stream = stream
        self.stat_sn = self.exp_cmd_sn = self.max_cmd_sn = None
        self.data_sn = {}
        self.open = set()  # commands without an answer

    def wrong(self, what, fields):
        raise Wrong('connection %d: %s: %s' % (self.stream, what, fields))

    def up(self, opcode, fields):
        tag = fields.get('initiatortasktag')
        if opcode == COMMAND:
            self.open.add(tag)
            self.data_sn[tag] = 0

    def down(self, opcode, fields):
        tag = fields.get('initiatortasktag')
        for name in ('expcmdsn', 'maxcmdsn'):
            before, now = getattr(self, name.replace('cmd', '_cmd_')), fields[name]
            if before is not None and (now - before) & 0xffffffff >= 1 << 31:
                self.wrong('%s goes back from %d' % (name, before), fields)
            setattr(self, name.replace('cmd', '_cmd_'), now)
        if opcode in (DATA_IN, R2T):
            sn = fields.get('datasn', fields.get('r2tsn'))
            if tag in self.data_sn and sn != self.data_sn[tag]:
                self.wrong('number %d was due' % self.data_sn[tag], fields)
            self.data_sn[tag] = sn + 1
        status = opcode in WITH_STATUS or (opcode == DATA_IN and fields['flags'] & 1) or \
            (opcode == NOP_IN and tag != TAG_NONE)
        if not status:
            return
        if self.stat_sn is not None and fields['statsn'] != (self.stat_sn + 1) & 0xffffffff:
            self.wrong('StatSN after %d' % self.stat_sn, fields)
        self.stat_sn = fields['statsn']
        if opcode in (RESPONSE, DATA_IN):
            if tag not in self.open:
                self.wrong('an answer to no command', fields)
            self.open.discard(tag)


def table(path, port, display, *fields):
    """Frames that match, as lists of their fields."""
    names = [a for f in fields for a in ('-e', f)]
    text = run('tshark', '-r', path, '-d', 'tcp.port==%d,iscsi' % port, '-Y', display, '-T', 'fields', *names)
    return [line.split('\t') for line in text.splitlines() if '\t' in line]


def faults(path, port):
    """Frames that tshark finds fault with, but for parameter data that the initiator wanted no more of: an allocation length cuts
    where it likes (SPC-5 4.2.5.6), and tshark wonders about what is left of the last descriptor."""
    frames = table(path, port, BAD, 'frame.number', 'iscsi.opcode', 'iscsi.request_frame', 'iscsi.datasegmentlength')
    for frame, opcode, request, length in frames:
        if opcode == hex(DATA_IN) and request:
            wanted = table(path, port, 'frame.number == ' + request, 'frame.number', 'iscsi.scsicommand.expecteddatatransferlength')
            if wanted and int(wanted[0][1], 0) == int(length, 0):
                continue
        yield frame


def judge(path, port):
    bad = list(faults(path, port))
    if bad:
        raise Wrong('tshark finds fault with frames ' + ', '.join(bad[:10]))
    seen = collections.Counter()
    connections = {}
    for stream, down, opcode, fields in pdus(path, port):
        seen[opcode] += 1
        numbers = connections.setdefault(stream, Numbers(stream))
        (numbers.down if down else numbers.up)(opcode, fields)
    for opcode in (COMMAND, TMF, LOGIN, TEXT, DATA_OUT, LOGOUT, RESPONSE, TMF_RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE,
                   DATA_IN, LOGOUT_RESPONSE, R2T):
        if not seen[opcode]:
            raise Wrong('no PDU with opcode 0x%02x was seen: the capture is not whole' % opcode)
    print('%d PDUs of %d connections, none malformed, all numbers in order' % (sum(seen.values()), len(connections)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sptgtd', required=True)
    parser.add_argument('--keep', metavar='FILE', help='keep the capture')
    args = parser.parse_args()
    daemon = Daemon(args.sptgtd, CONFIG)
    with tempfile.TemporaryDirectory(prefix='sptgt-dissect-') as directory:
        path = os.path.join(directory, 'capture.pcap')
        try:
            try:
                capture = Capture(path, daemon.port())
            except PermissionError as e:
                print(e)
                return SKIPPED
            talk(directory, daemon.port())
            capture.stop()
            judge(path, daemon.port())
        except Wrong as e:
            print('wrong: %s' % e)
            return 1
        finally:
            if args.keep and os.path.exists(path):
                shutil.copy(path, args.keep)
            wrong = daemon.stop()
            print('\n'.join(wrong))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
