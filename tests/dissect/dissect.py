#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What other people's dissector sees: libiscsi's programs, a part of its suite and qemu-img talk to the daemon while dumpcap
listens on the loopback; tshark then takes the capture apart. No PDU may be malformed, and the numbers that the daemon sends
must be as RFC 7143 says, also where those programs do not go (talk_further): a StatSN for each response and for nothing else (4.2.2.2), ExpCmdSN and MaxCmdSN that never move backwards
(4.2.2.1), DataSN and R2TSN without gaps (4.2.2.4), and one answer to each command.

usage: dissect.py --sptgtd PROGRAM [--keep FILE]
       dissect.py --judge FILE PORT      of a capture of the kernel's initiator, say
"""

import argparse
import collections
import hashlib
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
sys.path[:0] = [os.path.join(TESTS, 'lib'), os.path.join(TESTS, 'conform'), os.path.join(TESTS, 'talk')]
import suite  # noqa: E402
import talk as words  # noqa: E402
from sptgt_config import NAMES, configuration, device, target  # noqa: E402
from sptgt_daemon import Daemon  # noqa: E402

SKIPPED = 77
IQN, GUARDED = NAMES + 'dissect', NAMES + 'guarded'
CONFIG = configuration(device('disk'), target('dissect'),
                       target('guarded', 'auth = chap', 'chap-file = {dir}/secret', 'scsi-events = yes', initiators=NAMES + '*'))
USER, SECRET = 'dissector', 'what only the dissector knows'
SUITE = ('Write16.ZeroBlocks', 'Inquiry.EVPD', 'ModeSense6.Residuals', 'iSCSITMF.AbortTaskSimpleAsync',
         'iSCSIResiduals.Read10Residuals', 'iSCSIResiduals.Write10Residuals', 'iSCSIcmdsn.iSCSICmdSnTooHigh')

TAG_NONE = 0xffffffff
(NOP_OUT, COMMAND, TMF, LOGIN, TEXT, DATA_OUT, LOGOUT) = range(7)
(NOP_IN, RESPONSE, TMF_RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE, DATA_IN, LOGOUT_RESPONSE) = range(0x20, 0x27)
R2T, ASYNC, REJECT = 0x31, 0x32, 0x3f
SNACK, TASK_REASSIGN = 0x10, 8
WITH_STATUS = {RESPONSE, TMF_RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE, LOGOUT_RESPONSE, ASYNC, REJECT}
# What a run of any initiator has in it that discovers, reads, writes and resets; and what ours has beside.
USUAL = (COMMAND, TMF, LOGIN, TEXT, DATA_OUT, LOGOUT, RESPONSE, TMF_RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE, DATA_IN, LOGOUT_RESPONSE,
         R2T)
FURTHER = (SNACK, ASYNC)
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


def extended_cdb(cdb):
    """The segment with what is behind the 16th byte (RFC 7143 11.2.2.3)."""
    return (len(cdb) - 15).to_bytes(2, 'big') + b'\x01\0' + cdb[16:]


def both_ways_and_long(s):
    """XDWRITEREAD(10) and READ(32)."""
    data = words.pattern(8 * words.BLOCK)
    s.good(bytes([0x53, 0, 0, 0, 0, 0, 0, 0, 8, 0]), read=len(data), write=data, edtl=len(data),
           ahs=b'\0\x05\x02\0' + len(data).to_bytes(4, 'big'))
    cdb = bytes([0x7f, 0, 0, 0, 0, 0, 0, 24, 0, 9]) + bytes(18) + (8).to_bytes(4, 'big')
    s.good(cdb[:16], read=len(data), ahs=extended_cdb(cdb))


def recover(t):
    """Levels 1 and 2: status asked for again, data acknowledged; a write that goes on on the session's other connection."""
    keys = {'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxBurstLength': 16384, 'MaxRecvDataSegmentLength': 4096}
    s = t.log_in({**keys, 'ErrorRecoveryLevel': 1}).settle()
    task = s.start(words.READ10(0, 64), read=64 * words.BLOCK)
    while task.status is None:
        s.step()
        if task.data_ins[-1:] and task.data_ins[-1].flags & 0x40:         # the A bit: it wants a DataACK
            s.snack(2, begin=task.datasn, ttt=task.data_ins[-1].ttt, lun=task.data_ins[-1].lun)
            task.data_ins.clear()
    s.write(0, words.pattern(64 * words.BLOCK))
    s.log_out()
    a = t.log_in({**keys, 'ErrorRecoveryLevel': 2, 'MaxConnections': 2, 'DefaultTime2Wait': 0}).settle()
    b = a.add(1, {'MaxRecvDataSegmentLength': 4096})
    for s in (a, b, a):
        s.write(0, words.pattern(64 * words.BLOCK))
        s.read(0, 64)
    task = b.start(words.WRITE10(0, 64), write=words.pattern(64 * words.BLOCK))
    b.step()
    b.step(answer=False)
    b.reset()
    time.sleep(0.05)
    itt = a.new_itt()
    a.send('logout', flags=words.FINAL | 2, itt=itt, cid=1)
    a.expect('logout_response', itt=itt, response=0)
    task.outstanding_r2ts = 0
    a.reassign(task)
    task.r2ts.clear()
    while task.status is None:
        pdu = a.recv()
        if pdu.name == 'r2t':
            a.data_out(task, pdu.ttt, pdu.offset, pdu.desired)
        else:
            task.status = pdu.status
    words.equal(task.status, words.GOOD, 'the status of the write that went on')
    del a.tasks[task.itt]
    a.log_out()


def prove(t):
    """CHAP, and the message of a unit attention: from a session that another nexus resets the logical unit of."""
    s = t.connect()
    for keys, transit in (({**s.names(GUARDED), 'AuthMethod': 'CHAP'}, False), ({'CHAP_A': '7'}, False), (None, True)):
        if keys is None:
            value = bytes([int(s.answers['CHAP_I'])]) + SECRET.encode() + bytes.fromhex(s.answers['CHAP_C'][2:])
            keys = {'CHAP_N': USER, 'CHAP_R': '0x' + hashlib.sha256(value).hexdigest()}
        s.login_request(keys, 0, 1, transit)
        s.login_response()
    s.enter(s.advance({}))
    s.settle()
    other = t.log_in().settle()
    other.expect('tmf_response', itt=other.ask(5), response=0)
    s.expect('async', event=0)
    s.settle()
    s.log_out()
    other.settle().log_out()


def talk_further(port):
    """What those initiators never say."""
    t = words.Talk(('127.0.0.1', port), IQN, 0, 60)
    try:
        both_ways_and_long(t.log_in().settle())
        recover(t)
        prove(t)
    except (words.Wrong, words.Gone, words.Refused) as e:
        raise Wrong('the conversation: %s: %s\n%s' % (type(e).__name__, e, t.trace()))
    finally:
        t.close()


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
        if opcode == TMF and fields['taskmanfun.function'] & 0x7f == TASK_REASSIGN:
            self.open.add(fields['taskmanfun.referencedtasktag'])

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


def judge(path, port, demanded):
    bad = list(faults(path, port))
    if bad:
        raise Wrong('tshark finds fault with frames ' + ', '.join(bad[:10]))
    seen = collections.Counter()
    connections = {}
    for stream, down, opcode, fields in pdus(path, port):
        seen[opcode] += 1
        numbers = connections.setdefault(stream, Numbers(stream))
        (numbers.down if down else numbers.up)(opcode, fields)
    for opcode in demanded:
        if not seen[opcode]:
            raise Wrong('no PDU with opcode 0x%02x was seen: the capture is not whole' % opcode)
    print('%d PDUs of %d connections, none malformed, all numbers in order' % (sum(seen.values()), len(connections)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sptgtd')
    parser.add_argument('--judge', nargs=2, metavar=('FILE', 'PORT'))
    parser.add_argument('--keep', metavar='FILE', help='keep the capture')
    args = parser.parse_args()
    if args.judge:
        try:
            judge(args.judge[0], int(args.judge[1]), USUAL)
        except Wrong as e:
            print('wrong: %s' % e)
            return 1
        return 0
    daemon = Daemon(args.sptgtd, CONFIG, files={'secret': '%s "%s"\n' % (USER, SECRET)})
    with tempfile.TemporaryDirectory(prefix='sptgt-dissect-') as directory:
        path = os.path.join(directory, 'capture.pcap')
        try:
            try:
                capture = Capture(path, daemon.port())
            except PermissionError as e:
                print(e)
                return SKIPPED
            talk(directory, daemon.port())
            talk_further(daemon.port())
            capture.stop()
            judge(path, daemon.port(), USUAL + FURTHER)
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
