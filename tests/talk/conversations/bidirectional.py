# SPDX-License-Identifier: MIT
"""Commands that need an Additional Header Segment: CDBs of 32 bytes, and data both ways, RFC 7143 11.2.2, 11.3.4, 11.4.5, 11.4.6."""

import struct

from talk import *  # noqa: F403

READ32, VERIFY32, WRITE32 = 9, 10, 11
BIDI_OVERFLOW, BIDI_UNDERFLOW = 0x10, 0x08
DISABLE_WRITE = 0x04


def cdb32(action, lba, blocks, flags=0, length=24):
    return struct.pack('>BB4xBBHBBQ8xI', 0x7f, 0, 0, length, action, flags, 0, lba, blocks)


def extended(cdb):
    """The AHS with what is behind the 16th byte, 11.2.2.3."""
    rest = cdb[16:]
    return (len(rest) + 1).to_bytes(2, 'big') + b'\x01\0' + rest + bytes(-len(rest) % 4)


def both(read):
    """The AHS with the length of the read half, 11.2.2.4."""
    return b'\0\x05\x02\0' + read.to_bytes(4, 'big')


def XDWRITEREAD10(lba, blocks, flags=0):
    return struct.pack('>BBIBHB', 0x53, flags, lba, 0, blocks, 0)


def long(s, cdb, **more):
    return s.command(cdb[:16], ahs=extended(cdb), **more)


def exchange(s, cdb, write, read, ahs=b''):
    """A bidirectional command: its task, with GOOD status."""
    task = s.command(cdb, read=read, write=write, edtl=len(write), ahs=ahs + both(read))
    equal(task.status, GOOD, 'the status (sense %s)' % task.sense.hex())
    check(len(task.data) <= read, '%d bytes come for a read half of %d', len(task.data), read)
    return task


def residuals(task):
    """Flags and both counts: of the write half, of the read half."""
    return task.end.flags & 0x1e, task.end.residual, task.end.bidi_residual


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


@conversation('RFC 7143 11.2.2.3, SBC-4 5.16, 5.45', 'READ(32) and WRITE(32): the same blocks as with the short CDBs')
def thirty_two(t):
    for keys in ({}, {'ImmediateData': 'No', 'HeaderDigest': 'CRC32C', 'DataDigest': 'CRC32C'}, {'InitialR2T': 'No'}):
        s = t.log_in(keys).settle()
        data = pattern(40 * BLOCK, len(keys) + 3)
        task = long(s, cdb32(WRITE32, t.region, 40, flags=0x08), write=data)
        equal((task.status, task.residual_flags()), (GOOD, 0), 'status and residual flags of WRITE(32)')
        equal(s.read(t.region, 40), data, 'what READ(10) finds')
        task = long(s, cdb32(READ32, t.region + 1, 39, flags=0x18), read=39 * BLOCK)
        equal((task.status, bytes(task.data)), (GOOD, data[BLOCK:]), 'READ(32)')
        task = long(s, cdb32(READ32, t.region, 2), read=3 * BLOCK)
        equal((task.residual_flags(), task.residual), (UNDERFLOW, BLOCK), 'residual of READ(32)')
        equal(long(s, cdb32(VERIFY32, t.region, 40, flags=2), write=data).status, GOOD, 'the status of VERIFY(32)')
        task = long(s, cdb32(VERIFY32, t.region, 40, flags=2), write=data[:-1] + b'\xff')
        equal(task.sense_code(), 0x0e1d00, 'the sense of VERIFY(32) with other data')


@conversation('SPC-5 4.2.3, SAM-5 5.2', 'CDBs of 7Fh that are not right: sense, never another command')
def wrong_long_cdbs(t):
    s = t.log_in().settle()
    s.write(t.region, pattern(2 * BLOCK))
    for what, cdb, sense in (
            ('ADDITIONAL CDB LENGTH 0', cdb32(READ32, t.region, 1, length=0), 0x052400),
            ('ADDITIONAL CDB LENGTH 16', cdb32(READ32, t.region, 1, length=16), 0x052400),
            ('a service action that there is not', cdb32(0x0109, t.region, 1), 0x052400),
            ('RDPROTECT', cdb32(READ32, t.region, 1, flags=0x20), 0x052400),
            ('past the end', cdb32(READ32, 1 << 40, 1), 0x052100)):
        equal(long(s, cdb, read=BLOCK).sense_code(), sense, 'the sense: ' + what)
    cdb = cdb32(WRITE32, t.region, 1)
    task = s.command(cdb[:16], write=pattern(BLOCK, 9))                # without the AHS
    equal(task.sense_code(), 0x052400, 'the sense of half a CDB')
    task = s.command(cdb[:16], write=pattern(BLOCK, 9), ahs=extended(cdb[:28]))
    equal(task.sense_code(), 0x052400, 'the sense of a CDB that is 4 bytes too short')
    equal(s.read(t.region, 2), pattern(2 * BLOCK), 'the medium')


@conversation('RFC 7143 11.2.2.4, 11.3.4, 11.4.8, 11.7.3, SBC-3 5.46', 'XDWRITEREAD(10): data goes out, and what is different comes back')
def xdwriteread(t):
    for keys in ({}, {'ImmediateData': 'No', 'MaxBurstLength': 2048, 'FirstBurstLength': 1024, 'MaxRecvDataSegmentLength': 512},
                 {'InitialR2T': 'No', 'ErrorRecoveryLevel': 2}, {'HeaderDigest': 'CRC32C', 'DataDigest': 'CRC32C'}):
        s = t.log_in(keys).settle()
        for blocks in (1, 8, 33):
            old, new = pattern(blocks * BLOCK, 4), pattern(blocks * BLOCK, 5)
            s.write(t.region, old)
            task = exchange(s, XDWRITEREAD10(t.region, blocks, DISABLE_WRITE), new, len(new))
            equal(bytes(task.data), xor(old, new), 'the data with DISABLE WRITE')
            equal(s.read(t.region, blocks), old, 'the medium with DISABLE WRITE')
            task = exchange(s, XDWRITEREAD10(t.region, blocks), new, len(new))
            equal(bytes(task.data), xor(old, new), 'the data')
            equal(task.end.name, 'response', 'what brings the status: a bidirectional command has a SCSI Response (11.4.6)')
            equal(task.end.expdatasn, len(task.data_ins), 'ExpDataSN, without the R2Ts')
            equal(residuals(task), (0, 0, 0), 'the residuals')
            equal(s.read(t.region, blocks), new, 'the medium')
        task = exchange(s, XDWRITEREAD10(t.region, 0), bytes(BLOCK), BLOCK)
        equal(residuals(task), (UNDERFLOW | BIDI_UNDERFLOW, BLOCK, BLOCK), 'the residuals of no blocks')


@conversation('RFC 7143 11.4.5, 11.4.6', 'both residuals of a bidirectional command: each half has too much, enough or too little')
def both_residuals(t):
    s = t.log_in().settle()
    old, new = pattern(8 * BLOCK, 6), pattern(8 * BLOCK, 7)
    for out, out_flag, out_residual, moved in ((8, 0, 0, 4), (4, 0, 0, 4), (2, OVERFLOW, 2 * BLOCK, 2)):
        if out == 8:
            out_flag, out_residual = UNDERFLOW, 4 * BLOCK
        for read in (8 * BLOCK, 4 * BLOCK, 2 * BLOCK, 700, 0):
            s.write(t.region, old)
            task = exchange(s, XDWRITEREAD10(t.region, 4), new[:out * BLOCK], read) if read else \
                s.command(XDWRITEREAD10(t.region, 4), write=new[:out * BLOCK])
            equal(task.status, GOOD, 'the status')
            would = moved * BLOCK
            in_flag = 0 if not read or would == read else BIDI_UNDERFLOW if would < read else BIDI_OVERFLOW
            equal(residuals(task), (out_flag | in_flag, out_residual, abs(would - read) if in_flag else 0),
                  'flags, residual and bidirectional residual of %d blocks out and %d bytes in' % (out, read))
            equal(bytes(task.data), xor(old, new[:would])[:read], 'the data')
            equal(s.read(t.region, 8), new[:would] + old[would:], 'the medium')
    s.write(t.region, old)
    task = s.command(XDWRITEREAD10(0xfffffff0, 4), read=BLOCK, write=new, edtl=len(new), ahs=both(BLOCK))
    equal((task.sense_code(), residuals(task)), (0x052100, (UNDERFLOW | BIDI_UNDERFLOW, len(new), BLOCK)),
          'sense and residuals of a refused one')
    equal(s.read(t.region, 8), old, 'the medium after a refused one')


@conversation('RFC 7143 11.3.4, 11.4.5', 'a command of one direction that is sent as a bidirectional one: its other half is all residual')
def one_direction(t):
    s = t.log_in().settle()
    data = pattern(2 * BLOCK, 8)
    task = exchange(s, WRITE10(t.region, 2), data, BLOCK)
    equal((residuals(task), len(task.data)), ((BIDI_UNDERFLOW, 0, BLOCK), 0), 'residuals of a WRITE(10)')
    task = exchange(s, READ10(t.region, 2), bytes(BLOCK), 2 * BLOCK)
    equal((residuals(task), bytes(task.data)), ((UNDERFLOW, BLOCK, 0), data), 'residuals and data of a READ(10)')
    cdb = cdb32(WRITE32, t.region, 2)
    for ahs in (extended(cdb) + both(BLOCK), both(BLOCK) + extended(cdb)):       # both segments, in either order
        task = s.command(cdb[:16], read=BLOCK, write=data, edtl=len(data), ahs=ahs)
        equal((task.status, residuals(task)), (GOOD, (BIDI_UNDERFLOW, 0, BLOCK)), 'status and residuals with two segments')


@conversation('RFC 7143 7.7, 11.2.2.1, 11.2.2.2, 11.3.4',
              'segments that are not right end the session; those that do not go with the command: a Reject with the header, and it goes on')
def wrong_segments(t):
    s = t.log_in().settle()
    s.write(t.region, pattern(BLOCK, 3))
    write, long_cdb = XDWRITEREAD10(t.region, 1), cdb32(WRITE32, t.region, 1)
    for what, flags, cdb, ahs in (
            ('AHSLength 0', READ | WRITE, write, bytes(4) + both(BLOCK)),
            ('AHSLength beyond the header', READ | WRITE, write, both(BLOCK)[:0] + b'\0\x09\x02\0' + bytes(4)),
            ('a read length of 4 bytes', READ | WRITE, write, b'\0\x04\x02\0' + bytes(4)),
            ('a read length of 6 bytes', READ | WRITE, write, b'\0\x06\x02\0' + bytes(8)),
            ('an unknown type', READ | WRITE, write, both(BLOCK) + b'\0\x01\x3f\0'),
            ('type 0', READ | WRITE, write, both(BLOCK) + b'\0\x01\x00\0'),
            ('two read lengths', READ | WRITE, write, both(BLOCK) * 2),
            ('two extended CDBs', WRITE, long_cdb[:16], extended(long_cdb) * 2),
            ('an extended CDB of nothing', WRITE, long_cdb[:16], b'\0\x01\x01\0'),
            ('a read length of what only writes', WRITE, write, both(BLOCK)),
            ('both ways without a read length', READ | WRITE, write, b'')):
        itt, cmdsn = s.new_itt(), s.cmdsn
        s.send('command', flags=FINAL | SIMPLE | flags, itt=itt, lun=t.lun, edtl=BLOCK, cdb=cdb, ahs=ahs, data=bytes(BLOCK))
        if 'read length of what' not in what and 'without' not in what:
            s.gone(allowed=())
            s = t.log_in().settle()
            equal(s.read(t.region, 1), pattern(BLOCK, 3), 'the medium after: ' + what)
            continue
        pdu = s.expect('reject')
        equal(int.from_bytes(pdu.data[16:20], 'big'), itt, 'the ITT in the Reject of: ' + what)
        one_of(pdu.reason, (0x04, 0x09), 'the reason of the Reject of: ' + what)
        equal(s.cmdsn, cmdsn, 'the CmdSN that is used again after: ' + what)
        equal(s.read(t.region, 1), pattern(BLOCK, 3), 'the medium after: ' + what)
