# SPDX-License-Identifier: MIT
"""Writes: every combination of InitialR2T and ImmediateData, bursts, several R2Ts, RFC 7143 4.2.5, 11.7 and 11.8."""

from talk import *  # noqa: F403

COMBINATIONS = [(r2t, immediate) for r2t in ('Yes', 'No') for immediate in ('Yes', 'No')]
BURSTS = ((512, 512), (4096, 8192), (8192, 8192), (65536, 262144))


def keys(r2t, immediate, first, burst, outstanding=1):
    return {'InitialR2T': r2t, 'ImmediateData': immediate, 'FirstBurstLength': first, 'MaxBurstLength': burst,
            'MaxOutstandingR2T': outstanding}


@conversation('RFC 7143 11.8.4, 13.10, 13.11',
              'every combination of InitialR2T and ImmediateData with small and large bursts', seconds=60)
def combinations(t):
    for r2t, immediate in COMBINATIONS:
        for first, burst in BURSTS:
            s = t.log_in(keys(r2t, immediate, first, burst)).settle()
            for n, blocks in enumerate((1, 2, 8, 9, 16, 17, 40, 257)):
                data = pattern(blocks * BLOCK, n + first)
                task = s.write(t.region, data)
                equal(task.residual_flags(), 0, 'the residual flags')
                equal(s.read(t.region, blocks), data,
                      'what was written with %s %s %d %d' % (r2t, immediate, first, burst))
            s.close()


@conversation('RFC 7143 4.2.5.1, 4.2.5.2',
              'unsolicited data counts against what is asked for: R2Ts begin where it ended')
def r2t_after_unsolicited(t):
    s = t.log_in(keys('No', 'Yes', 4096, 8192)).settle()
    task = s.start(WRITE10(t.region, 32), write=pattern(32 * BLOCK), immediate_bytes=1024,
                   unsolicited_bytes=3072)
    s.finish(task)
    equal(sum(r.desired for r in task.r2ts), 32 * BLOCK - 4096, 'the bytes asked for')
    equal(task.r2ts[0].offset, 4096, 'the offset of the first R2T')


@conversation('RFC 7143 11.3.1', 'the F bit says that no unsolicited data follows, however much was allowed')
def no_unsolicited_data(t):
    s = t.log_in(keys('No', 'Yes', 65536, 262144)).settle()
    data = pattern(24 * BLOCK, 3)
    for immediate in (0, 512, 1000, 4096):
        task = s.good(WRITE10(t.region, 24), write=data, immediate_bytes=immediate, unsolicited_bytes=0)
        equal(task.r2ts[0].offset, immediate, 'the offset of the first R2T')
        equal(s.read(t.region, 24), data, 'what was written')


@conversation('RFC 7143 4.2.5.1, 4.2.5.2', 'unsolicited data up to FirstBurstLength in PDUs of any size')
def pieces(t):
    s = t.log_in(keys('No', 'No', 8192, 16384)).settle()
    for step in (4, 100, 511, 512, 4096, 8192):
        data = pattern(16 * BLOCK, step)
        task = s.start(WRITE10(t.region, 16), write=data, immediate_bytes=0, unsolicited_bytes=0)
        s.finish(task)
        itt = s.new_itt()
        s.send('command', flags=WRITE | SIMPLE, itt=itt, lun=t.lun, edtl=len(data), cdb=WRITE10(t.region, 16))
        for n, offset in enumerate(range(0, len(data), step)):
            part = data[offset:offset + step]
            s.send('data_out', itt=itt, lun=t.lun, datasn=n, offset=offset, data=part,
                   flags=FINAL if offset + step >= len(data) else 0)
        s.expect('response', itt=itt, status=GOOD)
        equal(s.read(t.region, 16), data, 'what was written in pieces of %d' % step)


@conversation('RFC 7143 11.7.7', 'Data-Out PDUs without data are taken: between others, before them, and with F behind all')
def empty_pieces(t):
    for unsolicited in (False, True):
        for order in ('Yes', 'No'):
            s = t.log_in({**keys('No' if unsolicited else 'Yes', 'No', 8192, 8192), 'DataPDUInOrder': order}).settle()
            data = pattern(16 * BLOCK, 11 + unsolicited)
            itt = s.new_itt()
            s.send('command', flags=(0 if unsolicited else FINAL) | WRITE | SIMPLE, itt=itt, lun=t.lun, edtl=len(data), cdb=WRITE10(t.region, 16))
            ttt = NONE if unsolicited else s.expect('r2t', itt=itt, offset=0, desired=len(data)).ttt
            pieces = ((0, 0), (0, 0), (0, 3000), (3000, 0), (3000, 5192), (8192, 0), (8192, 0))
            for n, (offset, length) in enumerate(pieces):
                s.send('data_out', itt=itt, ttt=ttt, lun=t.lun, datasn=n, offset=offset, data=data[offset:offset + length],
                       flags=FINAL if n == len(pieces) - 1 else 0)
                if n == len(pieces) - 2:
                    s.silent(0.2)            # RFC 7143 11.4.2: the sequence has not ended
            s.expect('response', itt=itt, status=GOOD)
            equal(s.read(t.region, 16), data, 'what was written')


def gather(s, task):
    """The end of the task, or every R2T that the target sends before it gets anything."""
    s.step(answer=False)
    try:
        while task.status is None and task.outstanding_r2ts < s.number('MaxOutstandingR2T'):
            s.step(answer=False, seconds=0.2)
    except Late:
        pass


@conversation('RFC 7143 4.2.2.4, 11.8, 11.8.1, 11.8.2, 13.17', 'several R2Ts open at once, and never more than were agreed')
def outstanding_r2ts(t):
    for outstanding in (1, 2, 4, 8):
        s = t.log_in(keys('Yes', 'No', 4096, 4096, outstanding)).settle()
        data = pattern(128 * BLOCK, outstanding)
        task = s.start(WRITE10(t.region, 128), write=data)
        while task.status is None:
            gather(s, task)
            for r2t in task.r2ts[-task.outstanding_r2ts:] if task.outstanding_r2ts else ():
                s.answer_r2t(task, r2t)
        equal(task.status, GOOD, 'the status')
        equal(s.read(t.region, 128), data, 'what was written')
        s.close()


@conversation('RFC 7143 11.8, 11.8.5', 'two writes with R2Ts at once, their data mixed')
def mixed_writes(t):
    s = t.log_in(keys('Yes', 'No', 4096, 8192, 2)).settle()
    one, two = pattern(64 * BLOCK, 1), pattern(64 * BLOCK, 2)
    first, second = s.start(WRITE10(t.region, 64), write=one), s.start(WRITE10(t.region + 64, 64), write=two)
    s.finish(first)
    s.finish(second)
    equal((first.status, second.status), (GOOD, GOOD), 'the status of both')
    equal(s.read(t.region, 128), one + two, 'what was written')


@conversation('RFC 7143 11.4.5',
              'a write that brings more than its CDB takes: underflow, and the medium holds only its part')
def write_underflow(t):
    s = t.log_in(keys('Yes', 'No', 4096, 65536)).settle()
    s.write(t.region, bytes(16 * BLOCK))
    data = pattern(16 * BLOCK, 5)
    task = s.command(WRITE10(t.region, 8), write=data)
    if task.status == GOOD:
        equal((task.residual_flags(), task.residual), (UNDERFLOW, 8 * BLOCK), 'residual flags and count')
        equal(s.read(t.region, 16), data[:8 * BLOCK] + bytes(8 * BLOCK), 'the medium')


@conversation('RFC 7143 11.4.5', 'a write that brings less than its CDB takes: overflow, or refused with sense')
def write_overflow(t):
    s = t.log_in(keys('Yes', 'No', 4096, 65536)).settle()
    s.write(t.region, bytes(16 * BLOCK))
    data = pattern(8 * BLOCK, 6)
    task = s.command(WRITE10(t.region, 16), write=data)
    check(not task.residual_flags() & UNDERFLOW or task.status != GOOD, 'underflow where there is none')
    if task.status == GOOD:
        equal((task.residual_flags(), task.residual), (OVERFLOW, 8 * BLOCK), 'residual flags and count')
    equal(s.read(t.region + 8, 8), bytes(8 * BLOCK), 'the blocks for which nothing came')


@conversation('RFC 7143 11.4.5, 7.3',
              'a write that fails before its data: the data is drained, the whole is the residual, the session lives')
def failed_write(t):
    for r2t, immediate in COMBINATIONS:
        s = t.log_in(keys(r2t, immediate, 4096, 8192)).settle()
        task = s.failed(WRITE10(0xfffffff0, 16), 0x052100, write=pattern(16 * BLOCK))
        check(task.residual_flags() in (0, UNDERFLOW), 'the residual flags')
        s.ping()
        s.write(t.region, pattern(16 * BLOCK))
        s.close()


@conversation('RFC 7143 11.3.4', 'a write of nothing, and a write that expects to move nothing')
def nothing_written(t):
    s = t.log_in().settle()
    s.good(WRITE10(t.region, 0))
    task = s.command(WRITE10(t.region, 1))
    check(task.status == CHECK_CONDITION or task.residual_flags() == OVERFLOW,
          'a block is written without any data')


@conversation('RFC 7143 4.2.5, 11.8.4', 'a megabyte in one command, through R2Ts of every kind', seconds=30)
def large(t):
    data = pattern(2048 * BLOCK, 9)
    for more in (keys('No', 'Yes', 65536, 262144, 4), keys('Yes', 'No', 8192, 16384, 1),
                 keys('No', 'Yes', 262144, 1048576, 8)):
        s = t.log_in({**more, 'MaxRecvDataSegmentLength': 262144}).settle()
        s.write(t.region, data)
        equal(s.read(t.region, 2048), data, 'what was written')
        s.close()
