# SPDX-License-Identifier: MIT
"""A connection to a target: bytes and PDUs, and what must be true of every PDU that a target sends."""

import re
import socket
import struct
import sys
import time

from checks import Gone, Late, Wrong, check, equal, one_of
from wire import FINAL, FROM_TARGET, NONE, STATUS, Pdu, crc32c, lun_field

ISID = b'\x80\x12\x34\x56\x00\x01'          # random format, RFC 7143 11.12.5
DEFAULTS = {'HeaderDigest': 'None', 'DataDigest': 'None', 'InitialR2T': 'Yes', 'ImmediateData': 'Yes',
            'MaxRecvDataSegmentLength': '8192', 'MaxBurstLength': '262144', 'FirstBurstLength': '65536',
            'MaxOutstandingR2T': '1', 'MaxConnections': '1', 'ErrorRecoveryLevel': '0', 'DefaultTime2Wait': '2',
            'DefaultTime2Retain': '20', 'DataPDUInOrder': 'Yes', 'DataSequenceInOrder': 'Yes'}


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


class Connection:
    """A TCP connection to the target that numbers what it sends, and holds what comes against RFC 7143, whatever it is about."""

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

    def number(self, key):
        return int(str(self.params[key]), 0)

    def yes(self, key):
        return self.params[key] == 'Yes'

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
