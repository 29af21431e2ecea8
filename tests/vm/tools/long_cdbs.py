#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""long_cdbs.py TALK-DIRECTORY PORT TARGET LUN PATTERN: CDBs of 32 bytes, which travel in an Additional Header Segment.

What READ(32) brings must be PATTERN, which is on the disk from block 64 on; WRITE(32) puts it at block 128 and READ(10)
finds it there. A longer CDB and a command with data in both directions are refused with sense.
"""

import struct
import sys

sys.path[:0] = [sys.argv[1], sys.argv[1] + '/../lib']
from talk import BLOCK, READ10, Talk, check, equal  # noqa: E402

READ32, WRITE32 = 0x0009, 0x000b                    # SBC-4 5.19, 5.44: service actions of 7Fh
INVALID_OPERATION_CODE = 0x052000


def long_cdb(action, lba, blocks, length=32):
    """SPC-5 4.2.3.3: the ADDITIONAL CDB LENGTH counts from byte 8 on."""
    cdb = struct.pack('>B6xBHBxQ8xI', 0x7f, length - 8, action, 0, lba, blocks)
    return cdb + bytes(length - len(cdb))


def extended(cdb):
    """RFC 7143 11.2.2.3: AHSType 1, the bytes from 16 on after a reserved one."""
    return struct.pack('>HBx', len(cdb) - 16 + 1, 1) + cdb[16:]


def bidirectional_read(length):
    """RFC 7143 11.2.2.4"""
    return struct.pack('>HBxI', 5, 2, length)


port, target, lun, pattern = int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), open(sys.argv[5], 'rb').read()
blocks = len(pattern) // BLOCK
s = Talk(('127.0.0.1', port), target, lun, 60).log_in().settle()
cdb = long_cdb(READ32, 64, blocks)
equal(bytes(s.good(cdb[:16], read=len(pattern), ahs=extended(cdb)).data), pattern, 'the data of READ(32)')
cdb = long_cdb(WRITE32, 128, blocks)
s.good(cdb[:16], write=pattern, ahs=extended(cdb))
equal(s.read(128, blocks), pattern, 'what WRITE(32) has written')
cdb = long_cdb(READ32, 1 << 40, 1)
s.failed(cdb[:16], 0x052100, read=BLOCK, ahs=extended(cdb))        # its LBA is read from beyond byte 16
cdb = long_cdb(READ32, 64, 1, 36)
s.failed(cdb[:16], INVALID_OPERATION_CODE, read=BLOCK, ahs=extended(cdb))
xdwriteread = bytes([0x53, 0]) + (64).to_bytes(4, 'big') + bytes([0, 0, 1, 0])     # SBC-3 5.49
s.failed(xdwriteread, INVALID_OPERATION_CODE, read=BLOCK, write=bytes(BLOCK), ahs=bidirectional_read(BLOCK))
equal(s.read(64, blocks), pattern, 'the disk after what was refused')
check(len(s.good(READ10(0, 1), read=BLOCK).data) == BLOCK, 'the session is of no use any more')
print('CDBs of 32 bytes move %d blocks each way; a longer one and both directions at once are refused' % blocks)
