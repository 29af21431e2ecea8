# SPDX-License-Identifier: MIT
"""SCSI commands: their CDBs, their data, and what must be true of the answers to one."""

import struct

from checks import check, equal
from wire import FINAL, NONE, OVERFLOW, READ, STATUS, UNDERFLOW, WRITE

BLOCK = 512
GOOD, CHECK_CONDITION = 0x00, 0x02
TEST_UNIT_READY = bytes(6)
READ_CAPACITY10 = bytes([0x25]) + bytes(9)


def pattern(length, seed=1):
    """Bytes in which every four tell where they belong."""
    return b''.join(struct.pack('>I', (seed * 0x9e3779b1 + i) & NONE) for i in range((length + 3) // 4))[:length]


def READ10(lba, blocks):
    return struct.pack('>BBIBHB', 0x28, 0, lba, 0, blocks, 0)


def WRITE10(lba, blocks):
    return struct.pack('>BBIBHB', 0x2a, 0, lba, 0, blocks, 0)


def INQUIRY(length=96, page=None):
    return bytes([0x12, page is not None, page or 0, length >> 8, length & 0xff, 0])


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

    def take(self, on, pdu):
        """What has come for it on a connection, whose parameters it must keep to."""
        getattr(self, '_' + pdu.name)(on, pdu)

    def _r2t(self, on, pdu):
        self.outstanding_r2ts += 1
        check(self.outstanding_r2ts <= on.number('MaxOutstandingR2T'),
              'more R2Ts than MaxOutstandingR2T (13.17)')
        check(0 < pdu.desired <= on.number('MaxBurstLength'), 'an R2T for %d bytes (11.8.4)', pdu.desired)
        check(pdu.offset + pdu.desired <= self.pdu.edtl, 'an R2T beyond the data that there are (11.8.4)')
        check(pdu.ttt != NONE, 'an R2T with the reserved Target Transfer Tag (11.8.5)')
        both = self.pdu.has(READ | WRITE)                # Data-In and R2Ts share their numbers (4.2.2.4, 11.7.5)
        equal(pdu.r2tsn, self.datasn if both else len(self.r2ts), 'R2TSN (11.8.2)')
        if on.yes('DataSequenceInOrder') and not on.number('ErrorRecoveryLevel') and self.r2ts:
            last = self.r2ts[-1]                         # without recovery there are no R2Ts for the same data again
            equal(pdu.offset, last.offset + last.desired, 'where an R2T begins (11.8)')
        self.datasn += both
        self.r2ts.append(pdu)

    def _data_in(self, on, pdu):
        equal(pdu.datasn, self.datasn, 'DataSN of the Data-In (11.7.5)')
        equal(pdu.offset, len(self.data), 'Buffer Offset of the Data-In (13.18, 13.19)')
        self.datasn += 1
        self.data += pdu.data
        room = self.expect_read if self.pdu.has(READ | WRITE) else self.pdu.edtl       # 11.2.2.4, 11.3.4
        check(len(self.data) <= room, 'more data than the expected length')
        self.sequence_bytes += len(pdu.data)
        check(self.sequence_bytes <= on.number('MaxBurstLength'),
              'a sequence is longer than MaxBurstLength (13.13)')
        if pdu.has(FINAL):
            self.sequence_bytes = 0
        self.data_ins.append(pdu)
        if pdu.has(STATUS):
            check(pdu.has(FINAL), 'Data-In with status without the F bit (11.7.1)')
            equal(pdu.status, GOOD, 'the status in a Data-In (11.7.3)')
            self._ended(pdu)

    def _response(self, on, pdu):
        check(self.sequence_bytes == 0, 'a SCSI Response in the middle of a Data-In sequence (11.7.1)')
        equal(pdu.response, 0, 'the response code (11.4.3)')
        if not on.number('ErrorRecoveryLevel'):
            equal(pdu.expdatasn, len(self.data_ins), 'ExpDataSN (11.4.8)')
        if pdu.data:
            length = int.from_bytes(pdu.data[:2], 'big')
            check(2 + length <= len(pdu.data), 'SenseLength is beyond the data segment (11.4.7)')
            self.sense = pdu.data[2:2 + length]
        check(bool(self.sense) == (pdu.status == CHECK_CONDITION), 'sense data with status %02x (11.4.7)',
              pdu.status)
        self._ended(pdu)

    def _ended(self, pdu):
        self.status, self.end = pdu.status, pdu
        check(self.pdu.immediate or 0 < (pdu.expcmdsn - self.pdu.cmdsn) & NONE < 1 << 31,
              'status precedes the acknowledgement of its command (4.2.2.1)')
        self.residual = pdu.residual if pdu.flags & (OVERFLOW | UNDERFLOW) else 0
        check(pdu.flags & 6 != 6, 'both O and U are 1 (11.4.1)')
        check(not pdu.flags & UNDERFLOW or pdu.residual <= self.pdu.edtl,
              'a residual beyond the expected length (11.4.5.1)')
