# SPDX-License-Identifier: MIT
"""What a conversation is written with.

    @conversation('RFC 7143 11.18.1', 'a NOP-Out with a tag is answered with its data')
    def ping(t):
        s = t.log_in()
        s.send('nop_out', itt=7, data=b'hello')
        s.expect('nop_in', itt=7, ttt=NONE, data=b'hello')

A conversation gets a Talk: the address, the target, a region of the disk for itself, and a deadline after which every wait
fails. t.connect() gives an Initiator, a TCP connection that numbers and checks; t.log_in() one in full feature phase.
Every PDU from the target is held against RFC 7143 as it comes in (Initiator._hold), whatever the conversation is about.
"""

import functools
import itertools
import re
import socket
import struct
import sys
import threading
import time

import sptgt_config
from sptgt_config import configuration, device, section
from wire import (CONTINUE, FINAL, FROM_TARGET, NONE, OVERFLOW, READ, SIMPLE, STATUS, UNDERFLOW, WRITE, Pdu,
                  crc32c, lun_field, pairs, text)

__all__ = ['conversation', 'Talk', 'Initiator', 'Background', 'Wrong', 'Gone', 'Refused', 'Late',
           'check', 'equal', 'one_of', 'pattern', 'Pdu', 'text', 'pairs', 'crc32c', 'lun_field',
           'NONE', 'FINAL', 'CONTINUE', 'READ', 'WRITE', 'SIMPLE', 'OVERFLOW', 'UNDERFLOW', 'STATUS',
           'BLOCK', 'GOOD', 'CHECK_CONDITION', 'ISID',
           'config', 'configuration', 'section', 'device', 'target', 'READ10', 'WRITE10', 'INQUIRY', 'TEST_UNIT_READY', 'READ_CAPACITY10']

BLOCK = 512
GOOD, CHECK_CONDITION = 0x00, 0x02
ISID = b'\x80\x12\x34\x56\x00\x01'          # random format, RFC 7143 11.12.5
TEST_UNIT_READY = bytes(6)
READ_CAPACITY10 = bytes([0x25]) + bytes(9)
CONVERSATIONS = []
TARGET = 'iqn.2026-11.org.sptgt:talk'
INITIATORS = 'iqn.2026-11.org.sptgt:*'          # every Talk's name
DEFAULTS = {'HeaderDigest': 'None', 'DataDigest': 'None', 'InitialR2T': 'Yes', 'ImmediateData': 'Yes',
            'MaxRecvDataSegmentLength': '8192', 'MaxBurstLength': '262144', 'FirstBurstLength': '65536',
            'MaxOutstandingR2T': '1', 'MaxConnections': '1', 'ErrorRecoveryLevel': '0', 'DefaultTime2Wait': '2',
            'DefaultTime2Retain': '20', 'DataPDUInOrder': 'Yes', 'DataSequenceInOrder': 'Yes'}


target = functools.partial(sptgt_config.target, initiators=INITIATORS)


def config(*sections, disk='', talk='', size='64M', daemon='', portals=('main',), workers=2, **more):
    """What nearly every subject's daemon has, a disk of memory behind the target to talk to, and lines more of the [daemon], of
    the disk and of that target; then further sections."""
    return configuration(device('disk', disk, size=size), target('talk', talk, **more), *sections, daemon=daemon, portals=portals,
                         workers=workers)


class Wrong(Exception):
    """The target did what it must not do."""


class Late(Wrong):
    """Nothing came in time."""


class Gone(Exception):
    """The target closed the connection."""


class Refused(Exception):
    """The login was refused: status is class and detail in one number, 11.13.5."""

    def __init__(self, pdu):
        super().__init__('login refused with status %02x%02x' % (pdu.status_class, pdu.status_detail))
        self.status = pdu.status_class << 8 | pdu.status_detail
        self.pdu = pdu


def conversation(clause, title, seconds=20, alone=False):
    """alone: not while other conversations run (it resets units, or counts sessions)."""
    def register(function):
        function.clause, function.title, function.seconds, function.alone = clause, title, seconds, alone
        CONVERSATIONS.append(function)
        return function
    return register


def check(condition, what, *args):
    if not condition:
        raise Wrong(what % args if args else what)


def equal(got, want, what):
    check(got == want, '%s is %s and must be %s', what, _show(got), _show(want))


def one_of(got, allowed, what):
    check(got in allowed, '%s is %s and must be one of %s', what, _show(got),
          ', '.join(_show(a) for a in allowed))


def _show(value):
    if isinstance(value, (bytes, bytearray)):
        return '%d bytes %s' % (len(value), value[:40].hex())
    return '%#x' % value if isinstance(value, int) and not isinstance(value, bool) else repr(value)


def pattern(length, seed=1):
    """Bytes in which every four tell where they belong."""
    return b''.join(struct.pack('>I', (seed * 0x9e3779b1 + i) & NONE) for i in range((length + 3) // 4))[:length]


def READ10(lba, blocks):
    return struct.pack('>BBIBHB', 0x28, 0, lba, 0, blocks, 0)


def WRITE10(lba, blocks):
    return struct.pack('>BBIBHB', 0x2a, 0, lba, 0, blocks, 0)


def INQUIRY(length=96, page=None):
    return bytes([0x12, page is not None, page or 0, length >> 8, length & 0xff, 0])


class Talk:
    """What one conversation knows. The names it logs in with are its own, so that conversations do not meet."""

    numbers = itertools.count(1)

    def __init__(self, address, target, lun, seconds, daemon=None, ports=None):
        self.address, self.target, self.lun, self.daemon = address, target, lun, daemon
        self.ports = ports or {}
        self.deadline = time.monotonic() + seconds
        self.number = next(self.numbers)
        self.name = 'iqn.2026-11.org.sptgt:talk-%d' % self.number
        self.region = self.number % 60 * 2048         # blocks; 1 MiB of the disk for this conversation
        self.connections, self.remarks = [], []

    def remark(self, what, *args):
        """A line for --verbose."""
        self.remarks.append(what % args)

    def connect(self, portal=None, address=None, source=None):
        """source: the address of ours that the connection comes from."""
        address = address or (self.address[0], self.ports[portal] if portal else self.address[1])
        initiator = Initiator(self, address, source)
        self.connections.append(initiator)
        return initiator

    def log_in(self, keys=None, portal=None, **more):
        return self.connect(portal).log_in(keys, **more)

    def close(self):
        for connection in self.connections:
            connection.close()

    def until(self, condition, what, seconds=5):
        end = min(self.deadline, time.monotonic() + seconds)
        while not condition():
            if time.monotonic() > end:
                raise Late(what)
            time.sleep(0.02)

    def metrics(self):
        """What the daemon has counted: name, with its labels -> number."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.daemon.dir + '/control.sock')
            s.sendall(b'GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n')
            body = b''.join(iter(lambda: s.recv(1 << 16), b'')).split(b'\r\n\r\n', 1)[1].decode()
        return {name: int(value) for name, value in
                (line.rsplit(' ', 1) for line in body.splitlines() if line and line[0] != '#')}

    def trace(self):
        lines = []
        for n, connection in enumerate(self.connections, 1):
            lines += ['  connection %d%s' % (n, line) for line in connection.trace[-14:]]
        return '\n'.join(lines)


class Task:
    """A SCSI command on its way: what has come back so far."""

    def __init__(self, pdu, write, expect_read):
        self.pdu, self.itt, self.write, self.expect_read = pdu, pdu.itt, write, expect_read
        self.data = bytearray()
        self.data_ins, self.r2ts, self.end = [], [], None
        self.sequence_bytes, self.datasn, self.outstanding_r2ts = 0, 0, 0
        self.status, self.sense, self.residual = None, b'', 0

    def residual_flags(self):
        return self.end.flags & (OVERFLOW | UNDERFLOW)

    def sense_code(self):
        """key, additional sense code and qualifier in one number: 0x052400; fixed or descriptor format (SPC-5 4.4)"""
        s = self.sense
        if len(s) >= 14 and s[0] & 0x7f in (0x70, 0x71):
            return (s[2] & 0xf) << 16 | s[12] << 8 | s[13]
        if len(s) >= 4 and s[0] & 0x7f in (0x72, 0x73):
            return (s[1] & 0xf) << 16 | s[2] << 8 | s[3]
        return None


class Session:
    """What the connections of a session share: CmdSN and task tags."""

    def __init__(self):
        self.cmdsn, self.itt = 1, 0


def _of_session(name):
    def get(self):
        return getattr(self.session, name)

    def put(self, value):
        setattr(self.session, name, value)
    return property(get, put)


class Initiator:
    """A connection to the target and, after a login, the session on it; add() makes a further connection of the session."""

    cmdsn, itt = _of_session('cmdsn'), _of_session('itt')

    def __init__(self, talk, address, source=None):
        self.session = Session()
        self.talk, self.trace = talk, []
        self.socket = socket.create_connection(address, timeout=5, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local_port = self.socket.getsockname()[1]
        self.buffer = b''
        self.name, self.isid, self.tsih, self.cid = talk.name, ISID, 0, 0
        self.header_digest = self.data_digest = False
        self.expstatsn = self.expcmdsn = self.maxcmdsn = None
        self.offered, self.answers, self.params = {}, {}, dict(DEFAULTS)
        self.full_feature = False
        self.owed = {}                       # answers to what the target offered by itself
        self.answer_pings = True
        self.acknowledged = None             # what we say to have received, if not all
        self.again = []                      # PDUs that came once more, with a StatSN that we had already
        self.tasks = {}
        self.closed = False

    # --- bytes

    def send_bytes(self, data):
        self._arm(10)
        try:
            self.socket.sendall(data)
        except socket.timeout:
            raise Late('the target takes no more bytes')
        except OSError as e:
            raise Gone(str(e))

    def _arm(self, seconds):
        left = min(seconds, self.talk.deadline - time.monotonic())
        if left <= 0:
            raise Late('the time of the conversation is over')
        self.socket.settimeout(left)

    def _more(self, count, end, started):
        while len(self.buffer) < count:
            left = end - time.monotonic()
            if left <= 0:
                raise Late('in the middle of a PDU nothing comes' if started or self.buffer else 'no PDU comes')
            self._arm(left)
            try:
                part = self.socket.recv(1 << 18)
            except socket.timeout:
                continue
            except OSError as e:
                raise Gone(str(e))
            if not part:
                if self.buffer:
                    raise Wrong('the connection ends inside a PDU')
                raise Gone('end of stream')
            self.buffer += part
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def taken(self):
        """Waits until the target, on this machine, has read all that we have sent."""
        ours, theirs = ('%08X:%04X' % (int.from_bytes(socket.inet_aton(address), sys.byteorder), port)
                        for address, port in (self.socket.getsockname(), self.socket.getpeername()))

        def read():
            with open('/proc/net/tcp') as f:
                queues = {tuple(row[1:3]): row[4].split(':') for row in map(str.split, f)}
            return queues[ours, theirs][0] == queues[theirs, ours][1] == '00000000'
        self.talk.until(read, 'the target does not read what we have sent')

    def close(self):
        if not self.closed:
            self.closed = True
            self.socket.close()

    def reset(self):
        """RST instead of FIN"""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.close()

    def lose(self):
        """RST, and the target knows."""
        end = re.compile(r':%d\b.* closed: ' % self.local_port)
        before = len(end.findall(self.talk.daemon.log()))
        self.reset()
        self.talk.daemon.says(end, before + 1)

    # --- PDUs

    def send(self, what, spoil=None, **fields):
        """what: a Pdu, or the name of one. Numbers that are not given are filled in: CmdSN, ExpStatSN."""
        pdu = what if isinstance(what, Pdu) else self.pdu(what, **fields)
        self.trace.append(' > %s%s' % (pdu, ' (digest spoilt)' if spoil else ''))
        self.send_bytes(pdu.encode(self.header_digest, self.data_digest, spoil))
        return pdu

    def pdu(self, name, **fields):
        """A PDU with this session's numbers; a non-immediate command takes the next CmdSN."""
        if name in ('nop_out', 'command', 'tmf', 'text', 'logout') and 'cmdsn' not in fields:
            fields['cmdsn'] = self.cmdsn
            if not fields.get('immediate') and fields.get('itt') != NONE:
                self.cmdsn = (self.cmdsn + 1) & NONE
        if name != 'login' and 'expstatsn' not in fields and self.expstatsn is not None:
            fields['expstatsn'] = self.expstatsn if self.acknowledged is None else self.acknowledged
        if isinstance(fields.get('lun'), int):
            fields['lun'] = lun_field(fields['lun'])
        return Pdu(name, **fields)

    def new_itt(self):
        self.itt = (self.itt + 1) & NONE
        return self.itt

    def recv(self, seconds=8):
        """The next PDU; pings of the target are answered on the way."""
        end = time.monotonic() + seconds
        while True:
            pdu = self._recv_one(end)
            if not (self.answer_pings and pdu.name == 'nop_in' and pdu.ttt != NONE):
                return pdu
            self.send('nop_out', immediate=True, itt=NONE, ttt=pdu.ttt, lun=pdu.lun)

    def _recv_one(self, end):
        header = self._more(48, end, False)
        header += self._more(header[4] * 4, end, True)
        if self.header_digest:
            equal(self._more(4, end, True), crc32c(header), 'the header digest')
        length = int.from_bytes(header[5:8], 'big')
        data = self._more(length + -length % 4, end, True)
        if data and self.data_digest:
            equal(self._more(4, end, True), crc32c(data), 'the data digest')
        try:
            pdu = Pdu.decode(header, data[:length])
        except ValueError as e:
            raise Wrong('the target sends %s' % e)
        self.trace.append(' < %s' % pdu)
        check(pdu.name in FROM_TARGET, 'the target sends an initiator opcode, %s', pdu.name)
        self._hold(pdu)
        return pdu

    def _hold(self, pdu):
        """What is true of every PDU that a target sends."""
        stray = pdu.stray()
        check(not stray, 'reserved, and not 0, in a %s: %s (11)', pdu.name, stray)
        if pdu.name == 'reject':
            one_of(pdu.reason, (2, 3, 4, 5, 6, 7, 8, 9, 10, 12), 'the reason of a Reject (11.17.1)')
        limit = self.number('MaxRecvDataSegmentLength') if self.full_feature else 8192
        check(len(pdu.data) <= limit,
              'a data segment of %d bytes is longer than our MaxRecvDataSegmentLength (13.12)', len(pdu.data))
        if pdu.name in ('response', 'tmf_response', 'logout_response', 'r2t', 'reject', 'async', 'nop_in'):
            check(pdu.has(FINAL), 'the first bit of byte 1 of a %s is 0 (11.4.1)', pdu.name)
        advances = (pdu.name in ('response', 'tmf_response', 'login_response', 'text_response',
                                 'logout_response', 'async', 'reject')
                    or pdu.name == 'data_in' and pdu.has(STATUS) or pdu.name == 'nop_in' and pdu.itt != NONE)
        carries = advances or pdu.name in ('r2t', 'nop_in')
        if carries:
            if self.expstatsn is None:
                self.expstatsn = pdu.statsn
            if self.number('ErrorRecoveryLevel') and (self.expstatsn - pdu.statsn) & NONE in range(1, 1 << 31):
                self.again.append(pdu)
                return
            equal(pdu.statsn, self.expstatsn, 'StatSN of the %s (4.2.2.2)' % pdu.name)
            if advances:
                self.expstatsn = (self.expstatsn + 1) & NONE
        if pdu.name == 'login_response' and pdu.status_class != 0:
            return
        if self.expcmdsn is not None:
            check((pdu.expcmdsn - self.expcmdsn) & NONE < 1 << 31, 'ExpCmdSN goes back (4.2.2.1)')
            check((pdu.maxcmdsn - self.maxcmdsn) & NONE < 1 << 31, 'MaxCmdSN goes back (4.2.2.1)')
        check((pdu.maxcmdsn - pdu.expcmdsn + 1) & NONE < 1 << 31,
              'MaxCmdSN is less than ExpCmdSN - 1 (4.2.2.1)')
        self.expcmdsn, self.maxcmdsn = pdu.expcmdsn, pdu.maxcmdsn
        if pdu.name == 'reject' and len(pdu.data) >= 48:
            self._close_gap(pdu)

    def _close_gap(self, pdu):
        """A request that is rejected is not received; its CmdSN is used again (7.3)."""
        immediate, opcode, cmdsn = pdu.data[0] & 0x40, pdu.data[0] & 0x3f, int.from_bytes(pdu.data[24:28], 'big')
        if opcode in (0, 1, 2, 4, 6) and not immediate and cmdsn == (self.cmdsn - 1) & NONE:
            equal(pdu.expcmdsn, cmdsn, 'ExpCmdSN of the Reject of a request with this CmdSN (7.3)')
            self.cmdsn = cmdsn

    def expect(self, name, seconds=8, **fields):
        pdu = self.recv(seconds)
        check(pdu.name == name, 'a %s was expected, and this came: %s', name, pdu)
        for field, want in fields.items():
            got = getattr(pdu, field)
            equal(got, lun_field(want) if field == 'lun' else want, '%s of the %s' % (field, name))
        return pdu

    def silent(self, seconds=0.4):
        """Nothing may come in this time."""
        try:
            pdu = self.recv(seconds)
        except Late:
            return
        raise Wrong('nothing was expected, and this came: %s' % pdu)

    def gone(self, seconds=8, allowed=('reject', 'async')):
        """The target must close the connection; what it may say before. Returns what it said."""
        said = []
        end = time.monotonic() + seconds
        while True:
            try:
                pdu = self._recv_one(end)
            except Gone:
                return said
            except Late:
                raise Late('the connection is not closed')
            one_of(pdu.name, allowed, 'what comes before the end')
            said.append(pdu)

    # --- login

    def login_request(self, keys=b'', csg=1, nsg=3, transit=True, more=False, **fields):
        flags = (FINAL if transit else 0) | (CONTINUE if more else 0) | csg << 2 | (nsg if transit else 0)
        for field in ('isid', 'tsih', 'cid', 'cmdsn'):
            fields.setdefault(field, getattr(self, field))
        fields.setdefault('expstatsn', self.expstatsn or 0)
        fields.setdefault('flags', flags)
        if not isinstance(keys, bytes):
            keys = dict(keys)
            self.offered.update(keys)
            keys.update(self.owed)
            self.owed = {}
        return self.send('login', data=text(keys), immediate=True, **fields)

    def names(self, target=True):
        out = {'InitiatorName': self.name, 'SessionType': 'Normal' if target else 'Discovery'}
        if target:
            out['TargetName'] = self.talk.target if target is True else target
        return out

    def login_response(self, seconds=8):
        """The next Login Response; its keys are added to answers. Raises Refused."""
        pdu = self.expect('login_response', seconds)
        if pdu.status_class:
            raise Refused(pdu)
        equal(pdu.isid, self.isid, 'ISID of the Login Response (11.13)')
        if not (pdu.has(FINAL) and pdu.flags & 3 == 3):
            equal(pdu.tsih, self.tsih, 'TSIH of a Login Response that is not the last (11.13.3)')
        if not pdu.has(CONTINUE):
            try:
                for key, value in pairs(pdu.data):
                    check(key not in self.answers or self.full_feature, 'the target answers %s twice (6.2)',
                          key)
                    self.answers[key] = value
                    if key in self.params and key not in self.offered and key != 'MaxRecvDataSegmentLength':
                        self.owed[key] = self.params[key] = value      # we take what it offers
            except ValueError as e:
                raise Wrong('the text of a Login Response: %s' % e)
        return pdu

    def advance(self, keys, csg=1, nsg=3):
        """Requests with T until the target lets us into the next stage: the first with keys, then what we owe. Its response."""
        for _ in range(8):
            self.login_request(keys, csg, nsg)
            pdu = self.login_response()
            equal(pdu.flags >> 2 & 3, csg, 'CSG of the Login Response')
            if pdu.has(FINAL):
                equal(pdu.flags & 3, nsg, 'NSG of the Login Response')
                return pdu
            keys = {}
        raise Wrong('the target never leaves stage %d' % csg)

    def log_in(self, keys=None, target=True, stages=((1, 3),)):
        """Through the stages; keys go with the last."""
        mine = self.names(target)
        for n, (csg, nsg) in enumerate(stages):
            if n == len(stages) - 1 and keys:
                mine.update(keys)
            pdu = self.advance(mine, csg, nsg)
            mine = {}
        self.enter(pdu)
        return self

    def enter(self, pdu):
        """Full feature phase, after the last Login Response."""
        check(pdu.tsih != 0, 'TSIH of the last Login Response is 0 (11.13.3)')
        self.tsih = pdu.tsih
        self.full_feature = True
        for key in self.params:
            if key in self.offered:
                answer = self.answers.get(key, self.offered[key])
                declared = key == 'MaxRecvDataSegmentLength' or answer == 'Irrelevant'
                self.params[key] = self.offered[key] if declared else answer
        self.header_digest = self.params['HeaderDigest'] == 'CRC32C'
        self.data_digest = self.params['DataDigest'] == 'CRC32C'
        self.max_send = int(self.answers.get('MaxRecvDataSegmentLength', 8192))

    def number(self, key):
        return int(str(self.params[key]), 0)

    def yes(self, key):
        return self.params[key] == 'Yes'

    # --- further connections

    def beside(self, cid, portal=None):
        """A connection with the names and the TSIH of this session, which has said nothing yet."""
        other = self.talk.connect(portal)
        other.session, other.name, other.isid = self.session, self.name, self.isid
        other.tsih, other.cid = self.tsih, cid
        return other

    def add(self, cid, keys=None, portal=None):
        """A further connection of the session (6.3.1), or with the CID of one that there is its reinstatement (6.3.4)."""
        other = self.beside(cid, portal)
        other.params.update((key, value) for key, value in self.params.items()
                            if key not in ('HeaderDigest', 'DataDigest', 'MaxRecvDataSegmentLength'))
        return other.log_in(keys)

    # --- SCSI commands

    def start(self, cdb, read=0, write=b'', lun=None, edtl=None, attribute=SIMPLE, immediate=False, itt=None,
              immediate_bytes=None, unsolicited_bytes=None, cmdsn=None, ahs=b''):
        """Send a SCSI Command with as much immediate and unsolicited data as was agreed, or as much as is asked for."""
        room = min(self.number('FirstBurstLength'), len(write))
        if immediate_bytes is None:
            immediate_bytes = min(room, self.max_send) if self.yes('ImmediateData') else 0
        if unsolicited_bytes is None:
            unsolicited_bytes = 0 if self.yes('InitialR2T') else room - immediate_bytes
        flags = attribute | (READ if read else 0) | (WRITE if write or edtl and not read else 0) | (0 if unsolicited_bytes else FINAL)
        more = {} if cmdsn is None else {'cmdsn': cmdsn}
        pdu = self.pdu('command', flags=flags, itt=self.new_itt() if itt is None else itt,
                       lun=self.talk.lun if lun is None else lun,
                       edtl=len(write) or read if edtl is None else edtl, cdb=cdb,
                       data=write[:immediate_bytes], immediate=immediate,
                       ahs=ahs, **more)
        task = self.tasks[pdu.itt] = Task(pdu, write, read)
        self.send(pdu)
        if unsolicited_bytes:
            self.data_out(task, NONE, immediate_bytes, unsolicited_bytes)
        return task

    def data_out(self, task, ttt, offset, length, step=None):
        """One data sequence."""
        step = min(step or self.max_send, self.max_send)
        datasn, end = 0, offset + length
        while offset < end:
            size = min(step, end - offset)
            self.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=ttt, datasn=datasn, offset=offset,
                      flags=FINAL if offset + size == end else 0, data=task.write[offset:offset + size])
            offset, datasn = offset + size, datasn + 1

    def step(self, answer=True, seconds=8):
        """Take one PDU that belongs to a task; R2Ts are answered unless told otherwise. Returns the task."""
        pdu = self.recv(seconds)
        check(pdu.name in ('r2t', 'data_in', 'response'),
              'this came instead of an answer to a SCSI command: %s', pdu)
        check(pdu.itt in self.tasks, 'a %s for a task that there is not: %x', pdu.name, pdu.itt)
        task = self.tasks[pdu.itt]
        getattr(self, '_take_' + pdu.name)(task, pdu)
        if pdu.name == 'r2t' and answer:
            self.answer_r2t(task, pdu)
        return task

    def answer_r2t(self, task, r2t):
        task.outstanding_r2ts -= 1
        self.data_out(task, r2t.ttt, r2t.offset, r2t.desired)

    def _take_r2t(self, task, pdu):
        task.outstanding_r2ts += 1
        check(task.outstanding_r2ts <= self.number('MaxOutstandingR2T'),
              'more R2Ts than MaxOutstandingR2T (13.17)')
        check(0 < pdu.desired <= self.number('MaxBurstLength'), 'an R2T for %d bytes (11.8.4)', pdu.desired)
        check(pdu.offset + pdu.desired <= task.pdu.edtl, 'an R2T beyond the data that there are (11.8.4)')
        check(pdu.ttt != NONE, 'an R2T with the reserved Target Transfer Tag (11.8.5)')
        both = task.pdu.has(READ | WRITE)                # Data-In and R2Ts share their numbers (4.2.2.4, 11.7.5)
        equal(pdu.r2tsn, task.datasn if both else len(task.r2ts), 'R2TSN (11.8.2)')
        if self.yes('DataSequenceInOrder') and not self.number('ErrorRecoveryLevel') and task.r2ts:
            last = task.r2ts[-1]                         # without recovery there are no R2Ts for the same data again
            equal(pdu.offset, last.offset + last.desired, 'where an R2T begins (11.8)')
        task.datasn += both
        task.r2ts.append(pdu)

    def _take_data_in(self, task, pdu):
        equal(pdu.datasn, task.datasn, 'DataSN of the Data-In (11.7.5)')
        equal(pdu.offset, len(task.data), 'Buffer Offset of the Data-In (13.18, 13.19)')
        task.datasn += 1
        task.data += pdu.data
        room = task.expect_read if task.pdu.has(READ | WRITE) else task.pdu.edtl       # 11.2.2.4, 11.3.4
        check(len(task.data) <= room, 'more data than the expected length')
        task.sequence_bytes += len(pdu.data)
        check(task.sequence_bytes <= self.number('MaxBurstLength'),
              'a sequence is longer than MaxBurstLength (13.13)')
        if pdu.has(FINAL):
            task.sequence_bytes = 0
        task.data_ins.append(pdu)
        if pdu.has(STATUS):
            check(pdu.has(FINAL), 'Data-In with status without the F bit (11.7.1)')
            equal(pdu.status, GOOD, 'the status in a Data-In (11.7.3)')
            self._ended(task, pdu)

    def _take_response(self, task, pdu):
        check(task.sequence_bytes == 0, 'a SCSI Response in the middle of a Data-In sequence (11.7.1)')
        equal(pdu.response, 0, 'the response code (11.4.3)')
        if not self.number('ErrorRecoveryLevel'):
            equal(pdu.expdatasn, len(task.data_ins), 'ExpDataSN (11.4.8)')
        if pdu.data:
            length = int.from_bytes(pdu.data[:2], 'big')
            check(2 + length <= len(pdu.data), 'SenseLength is beyond the data segment (11.4.7)')
            task.sense = pdu.data[2:2 + length]
        check(bool(task.sense) == (pdu.status == CHECK_CONDITION), 'sense data with status %02x (11.4.7)',
              pdu.status)
        self._ended(task, pdu)

    def _ended(self, task, pdu):
        task.status, task.end = pdu.status, pdu
        check(task.pdu.immediate or 0 < (pdu.expcmdsn - task.pdu.cmdsn) & NONE < 1 << 31,
              'status precedes the acknowledgement of its command (4.2.2.1)')
        task.residual = pdu.residual if pdu.flags & (OVERFLOW | UNDERFLOW) else 0
        check(pdu.flags & 6 != 6, 'both O and U are 1 (11.4.1)')
        check(not pdu.flags & UNDERFLOW or pdu.residual <= task.pdu.edtl,
              'a residual beyond the expected length (11.4.5.1)')
        del self.tasks[task.itt]

    def finish(self, task, seconds=8):
        while task.status is None:
            self.step(seconds=seconds)
        return task

    def command(self, cdb, read=0, write=b'', **more):
        return self.finish(self.start(cdb, read, write, **more))

    def good(self, cdb, read=0, write=b'', **more):
        """A command that must end with GOOD; returns its task."""
        task = self.command(cdb, read, write, **more)
        check(task.status == GOOD, 'status %02x with sense %s, and GOOD was expected', task.status,
              task.sense.hex())
        return task

    def write(self, lba, data, **more):
        return self.good(WRITE10(lba, len(data) // BLOCK), write=data, **more)

    def read(self, lba, blocks, **more):
        return bytes(self.good(READ10(lba, blocks), read=blocks * BLOCK, **more).data)

    def failed(self, cdb, code, read=0, write=b'', **more):
        """A command that must end with CHECK CONDITION and this sense (key, code, qualifier: 0x052400)."""
        task = self.command(cdb, read, write, **more)
        equal(task.status, CHECK_CONDITION, 'the status')
        equal(task.sense_code(), code, 'the sense')
        return task

    def settle(self):
        """Take the unit attentions that a new session may find (SAM-5 5.14); any other trouble is one."""
        for _ in range(4):
            task = self.command(TEST_UNIT_READY)
            if task.status == GOOD:
                return self
            equal(task.sense_code() >> 16, 6, 'the sense key of a new session')
        raise Wrong('unit attentions without end')

    def no_acknowledgement(self):
        """From here on we say to have received nothing."""
        self.acknowledged = self.expstatsn

    def snack(self, kind, begin=0, length=0, itt=NONE, ttt=NONE, lun=0):
        """11.16: 0 Data/R2T, 1 Status, 2 DataACK, 3 R-Data."""
        self.send('snack', flags=FINAL | kind, itt=itt, ttt=ttt, lun=lun, begrun=begin, runlength=length)

    def reassign(self, task, expdatasn=0, response=0, immediate=True, itt=None):
        """TASK REASSIGN; the task is this connection's afterwards."""
        mine = self.new_itt()
        self.send('tmf', flags=FINAL | 8, itt=mine, immediate=immediate, rtt=task.itt if itt is None else itt,
                  expdatasn=expdatasn)
        self.expect('tmf_response', itt=mine, response=response)
        if response == 0:
            self.tasks[task.itt] = task

    def ping(self):
        """The connection works."""
        itt = self.new_itt()
        self.send('nop_out', itt=itt, immediate=True, data=b'still there?')
        self.expect('nop_in', itt=itt, data=b'still there?')

    def log_out(self, reason=0):
        itt = self.new_itt()
        self.send('logout', flags=FINAL | reason, itt=itt, cid=self.cid)
        pdu = self.expect('logout_response', itt=itt)
        self.gone(allowed=())
        return pdu


class Background(threading.Thread):
    """A function on a thread of its own, whose exception is the caller's at join()."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self.function, self.error = function, None
        self.start()

    def run(self):
        try:
            self.function()
        except Exception as e:      # handed on by finish()
            self.error = e

    def finish(self, seconds=10):
        self.join(seconds)
        check(not self.is_alive(), 'a background part does not end')
        if self.error:
            raise self.error
