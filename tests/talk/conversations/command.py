# SPDX-License-Identifier: MIT
"""SCSI commands that read or move nothing: data, status, sense and residuals, RFC 7143 11.3, 11.4 and 11.7."""

from talk import *  # noqa: F403

BURSTS = ((512, 512), (512, 4096), (8192, 8192), (65536, 262144), (262144, 1048576))


@conversation('RFC 7143 4.2.2.4, 11.7, 11.7.1, 11.7.5, 11.7.7, 13.13', 'reads of every size with every segment and burst length', seconds=40)
def reads(t):
    data = pattern(512 * BLOCK, t.number)
    t.log_in().settle().write(t.region, data)
    for segment, burst in BURSTS:
        s = t.log_in({'MaxRecvDataSegmentLength': segment, 'MaxBurstLength': burst,
                      'FirstBurstLength': 512}).settle()
        for blocks in (1, 2, 7, 8, 9, 64, 127, 512):
            task = s.good(READ10(t.region, blocks), read=blocks * BLOCK)
            equal(bytes(task.data), data[:blocks * BLOCK], 'the data of %d blocks' % blocks)
            equal(task.residual_flags(), 0, 'the residual flags')


@conversation('RFC 7143 11.7.3',
              'GOOD status rides in the last Data-In, or comes in a SCSI Response; never both')
def status_once(t):
    s = t.log_in().settle()
    s.good(READ10(t.region, 8), read=8 * BLOCK)
    s.silent()
    s.good(TEST_UNIT_READY)
    s.silent(0.2)


@conversation('RFC 7143 11.4.1, 11.4.5, 11.4.5.2', 'more is expected than comes: underflow, and the residual is the difference')
def underflow(t):
    s = t.log_in().settle()
    for blocks, expected in ((8, 16 * BLOCK), (8, 8 * BLOCK + 1), (1, 1 << 20), (1, 0xfffffffc)):
        task = s.good(READ10(t.region, blocks), read=expected)
        equal(len(task.data), blocks * BLOCK, 'the length of the data')
        equal((task.residual_flags(), task.residual), (UNDERFLOW, expected - blocks * BLOCK),
              'residual flags and count')
    task = s.good(INQUIRY(36), read=252)
    equal((len(task.data), task.residual_flags(), task.residual), (36, UNDERFLOW, 216),
          'INQUIRY of 36 bytes into 252')
    task = s.good(TEST_UNIT_READY, read=100)
    equal((len(task.data), task.residual_flags(), task.residual), (0, UNDERFLOW, 100),
          'TEST UNIT READY that expects data')


@conversation('RFC 7143 11.3.4, 11.4.1, 11.4.5, 11.4.5.2', 'less is expected than there is: overflow, and the data is cut')
def overflow(t):
    s = t.log_in().settle()
    whole = s.read(t.region, 8)
    for expected in (1, 511, 512, 2048, 4095):
        task = s.good(READ10(t.region, 8), read=expected)
        equal(bytes(task.data), whole[:expected], 'the data')
        equal((task.residual_flags(), task.residual), (OVERFLOW, 8 * BLOCK - expected),
              'residual flags and count')
    task = s.command(READ10(t.region, 8))
    if task.status == GOOD:
        equal((task.residual_flags(), task.residual), (OVERFLOW, 8 * BLOCK), 'a read that expects nothing')


@conversation('RFC 7143 11.4.5', 'with CHECK CONDITION and no data the whole expected length is the residual')
def residual_of_failed(t):
    s = t.log_in().settle()
    task = s.failed(READ10(0xfffffff0, 8), 0x052100, read=8 * BLOCK)
    equal((len(task.data), task.residual_flags(), task.residual), (0, UNDERFLOW, 8 * BLOCK),
          'length, flags and residual')


@conversation('RFC 7143 4.6.1.2, 10.2, 11.4.2, 11.4.7; SAM-5 5.2, SPC-5 4.4', 'errors of the emulated disk, with sense data')
def errors(t):
    s = t.log_in().settle()
    s.failed(bytes([0xc1]) + bytes(9), 0x052000)                           # INVALID COMMAND OPERATION CODE
    s.failed(READ10(1 << 31, 1), 0x052100, read=BLOCK)                     # LBA OUT OF RANGE
    s.failed(INQUIRY(96, page=0x42), 0x052400, read=96)                    # INVALID FIELD IN CDB
    s.failed(bytes([0x12, 0, 0x83, 0, 96, 0]), 0x052400, read=96)          # PAGE CODE without EVPD
    s.failed(bytes([0x00, 0, 0, 0, 0, 0x04]), 0x052400)                    # NACA without NormACA
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 11.4.7; SAM-5 5.11, SPC-5 6.7',
              'a LUN that does not exist: LOGICAL UNIT NOT SUPPORTED, and INQUIRY says so in its own way')
def no_such_lun(t):
    s = t.log_in().settle()
    for lun in (1, 9, 255, 256, 16383, 1 << 62 | 5 << 48 | 7, 0xffffffffffffffff, 0x0000000000000001,
                0xc101000000000000, 0x8000000000000000):
        s.failed(TEST_UNIT_READY, 0x052500, lun=lun)
        s.failed(READ10(0, 1), 0x052500, read=BLOCK, lun=lun)
        task = s.command(WRITE10(0, 1), write=pattern(BLOCK), lun=lun)
        equal((task.status, task.sense_code()), (CHECK_CONDITION, 0x052500), 'status and sense of a write')
        task = s.good(INQUIRY(36), read=36, lun=lun)
        equal(task.data[0], 0x7f, 'peripheral qualifier and device type for LUN %x' % lun)
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 11.4.5.3; SPC-5 6.33', 'REPORT LUNS names the LUNs of the target, with every allocation length')
def report_luns(t):
    s = t.log_in().settle()
    cdb = bytes([0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    task = s.good(cdb, read=256)
    equal(int.from_bytes(task.data[:4], 'big'), 8, 'the length of the list')
    equal(bytes(task.data[8:16]), lun_field(0).to_bytes(8, 'big'), 'the first LUN')
    for allocated, expected in ((16, 16), (17, 17), (255, 255), (16, 64), (12, 12), (12, 64), (8, 12), (0, 0), (64, 12)):
        task = s.good(bytes([0xa0, 0, 0, 0, 0, 0, 0, 0, 0, allocated, 0, 0]), read=expected)
        there = min(16, allocated)                      # what SCSI has after it has cut (11.4.5.3)
        equal(len(task.data), min(there, expected), 'the data with %d of %d bytes' % (allocated, expected))
        equal((task.residual_flags(), task.residual), (0, 0) if there == expected else (UNDERFLOW, expected - there) if
              there < expected else (OVERFLOW, there - expected), 'the residual with %d of %d bytes' % (allocated, expected))


@conversation('RFC 7143 11.3.1', 'task attributes: all are taken or refused, none is forgotten')
def attributes(t):
    s = t.log_in().settle()
    for attribute in (0, 1, 2, 3):
        s.good(READ10(t.region, 1), read=BLOCK, attribute=attribute)
    for attribute in (4, 5, 6, 7):                                          # ACA, without an ACA, and reserved ones
        s.send('command', flags=FINAL | READ | attribute, itt=s.new_itt(), lun=t.lun, edtl=BLOCK,
               cdb=READ10(t.region, 1))
        try:
            one_of(s.recv().name, ('response', 'reject', 'data_in'),
                   'the answer to task attribute %d' % attribute)
        except Gone:
            s = t.log_in().settle()
    s.ping()


@conversation('RFC 7143 11.3.1', 'direction bits that contradict the CDB: an answer, no hang')
def wrong_direction(t):
    s = t.log_in().settle()
    before = s.read(t.region, 2)
    for flags, edtl, cdb in ((FINAL, 0, READ10(t.region, 1)), (FINAL | WRITE, BLOCK, READ10(t.region, 1)),
                             (FINAL | READ, BLOCK, WRITE10(t.region, 1)), (FINAL, 0, WRITE10(t.region, 1)),
                             (FINAL | READ | WRITE, BLOCK, READ10(t.region, 1)),
                             (FINAL, 4096, TEST_UNIT_READY)):
        itt = s.new_itt()
        s.send('command', flags=flags | SIMPLE, itt=itt, lun=t.lun, edtl=edtl, cdb=cdb)
        try:
            while True:
                pdu = s.recv()
                if pdu.name == 'r2t':
                    s.send('data_out', itt=itt, ttt=pdu.ttt, lun=t.lun, offset=pdu.offset, flags=FINAL,
                           data=bytes(pdu.desired))
                elif pdu.name != 'data_in' or pdu.has(STATUS):
                    break
            one_of(pdu.name, ('response', 'reject', 'data_in'), 'the answer')
        except Gone:
            s = t.log_in().settle()
    equal(s.read(t.region, 2), before, 'the medium after commands that move nothing to it')


@conversation('RFC 7143 4.2.2.1', 'many commands at once, answered each exactly once with its own data',
              seconds=30)
def many_at_once(t):
    s = t.log_in().settle()
    data = pattern(256 * BLOCK, t.number)
    s.write(t.region, data)
    for _ in range(4):
        tasks = [s.start(READ10(t.region + n, 3),
                         read=3 * BLOCK) for n in range(min(64, (s.maxcmdsn - s.cmdsn + 1) & NONE))]
        for n, task in enumerate(tasks):
            s.finish(task)
            equal(bytes(task.data), data[n * BLOCK:(n + 3) * BLOCK], 'the data of command %d' % n)


@conversation('RFC 7143 4.2.2.1', 'an immediate command is executed without taking a CmdSN')
def immediate_command(t):
    s = t.log_in().settle()
    before = s.cmdsn
    s.good(READ10(t.region, 4), read=4 * BLOCK, immediate=True)
    equal((s.cmdsn, s.expcmdsn), (before, before), 'CmdSN and ExpCmdSN')


@conversation('RFC 7143 11.2.2, 11.2.2.3',
              'CDBs of 16 bytes, and longer ones in an AHS: executed or refused with sense, never misread')
def long_cdbs(t):
    s = t.log_in().settle()
    read16 = bytes([0x88, 0]) + t.region.to_bytes(8, 'big') + (2).to_bytes(4, 'big') + bytes(2)
    equal(len(s.good(read16, read=2 * BLOCK).data), 2 * BLOCK, 'the data of READ(16)')
    cdb = bytes([0x7f, 0, 0, 0, 0, 0, 0, 0x18, 0,
                 0x09]) + bytes(2) + t.region.to_bytes(8, 'big') + bytes(8) + (1).to_bytes(4, 'big')
    ahs = len(cdb[16:] + b'\0').to_bytes(2, 'big') + b'\x01\0' + cdb[16:]
    task = s.command(cdb[:16], read=BLOCK, ahs=ahs)
    one_of((task.status, task.sense_code()), ((GOOD, None), (CHECK_CONDITION, 0x052000),
                                              (CHECK_CONDITION, 0x052400)),
           'status and sense of a 32 byte CDB')
    s.ping()


@conversation('RFC 7143 11.7', 'reads of one session while another is silent in the middle of a PDU')
def half_a_pdu(t):
    lazy = t.log_in().settle()
    lazy.send_bytes(lazy.pdu('command', flags=FINAL | READ, itt=1, edtl=BLOCK, cdb=READ10(0, 1)).encode()[:30])
    s = t.connect()
    s.name = t.name + '-busy'
    s.log_in().settle()
    for _ in range(50):
        s.read(t.region, 8)


@conversation('RFC 7144 4.2', 'the version descriptor of iSCSI tells the iSCSIProtocolLevel of the session, 1 where none is agreed to')
def version_of_iscsi(t):
    for level in (0, 1, 2, 31, None):
        s = t.log_in({} if level is None else {'iSCSIProtocolLevel': level}).settle()
        data = bytes(s.good(INQUIRY(96), read=96).data)
        versions = [int.from_bytes(data[at:at + 2], 'big') for at in range(58, 74, 2)]
        equal([v for v in versions if 0x0960 <= v < 0x0980], [0x0961 if level is None else 0x0960 + min(level, 2)], 'of iSCSI')
        s.close()
