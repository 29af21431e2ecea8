# SPDX-License-Identifier: MIT
"""ErrorRecoveryLevel 1: what was lost on a connection is sent again. RFC 7143 7.1.4, 7.2.1, 7.8, 11.8, 11.16; what is kept for
that, and for how long."""

import random
import socket

from talk import *  # noqa: F403

CONFIG = config(talk='budget = 4M')
LEVEL = {'ErrorRecoveryLevel': '1', 'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxBurstLength': '16384',
         'MaxRecvDataSegmentLength': '4096', 'MaxConnections': '4'}
CHECKED = {**LEVEL, 'DataDigest': 'CRC32C', 'HeaderDigest': 'CRC32C'}
DATA, STATUS_, DATA_ACK, R_DATA = range(4)
BAD_DIGEST, NO_MORE, PROTOCOL, BAD_ACK = 2, 3, 4, 8


def log_in(t, keys=LEVEL, **more):
    s = t.log_in({**keys, **more})
    equal(s.params['ErrorRecoveryLevel'], keys['ErrorRecoveryLevel'], 'ErrorRecoveryLevel')
    return s.settle()


def refused(s, reason, **fields):
    s.expect('reject', reason=reason, **fields)
    s.ping()


def same(pdu, first):
    """An exact replica but for ExpCmdSN and MaxCmdSN."""
    a, b = bytearray(pdu.header()), bytearray(first.header())
    a[28:36] = b[28:36] = bytes(8)
    equal(bytes(a), bytes(b), 'the header of the PDU that came again')
    equal(pdu.data, first.data, 'its data')


def read(s, lba, blocks):
    """A read; data_ins has its PDUs."""
    task = s.finish(s.start(READ10(lba, blocks), read=blocks * BLOCK))
    equal(task.status, GOOD, 'the status')
    return task


@conversation('RFC 7143 13.20, 13.19', 'the level is the smaller one; in order, one R2T at a time')
def negotiated(t):
    for offer in '012':
        s = t.log_in({'ErrorRecoveryLevel': offer, 'MaxOutstandingR2T': '8'})
        equal(s.answers['ErrorRecoveryLevel'], offer, 'the level')
        equal(s.answers['MaxOutstandingR2T'], '8' if offer == '0' else '1', 'MaxOutstandingR2T in order')
        s.log_out()
        s = t.log_in({'ErrorRecoveryLevel': offer, 'MaxOutstandingR2T': '8', 'DataSequenceInOrder': 'No'})
        equal(s.answers['MaxOutstandingR2T'], '8', 'MaxOutstandingR2T in any order')
        s.log_out()


@conversation('RFC 7143 11.4.8', 'status is never in a Data-In; ExpDataSN says how many of these there were')
def status_apart(t):
    s = log_in(t)
    task = read(s, t.region, 64)
    equal(task.end.name, 'response', 'what had the status')
    equal(task.end.expdatasn, len(task.data_ins), 'ExpDataSN')
    equal(task.end.snack_tag, 0, 'SNACK Tag')


@conversation('RFC 7143 4.2.2.2, 11.4.9, 11.16.1, 11.16.7', 'every PDU with status is sent again as it was, all or some of them')
def statuses(t):
    s = log_in(t)
    s.no_acknowledgement()
    first = s.expstatsn
    got = [s.good(TEST_UNIT_READY).end, s.command(bytes([0x28, 0xff]) + bytes(8)).end]
    got.append(read(s, t.region, 8).end)
    itt = s.new_itt()
    s.send('nop_out', itt=itt, immediate=True, data=b'again, please')
    got.append(s.expect('nop_in', itt=itt))
    s.send('tmf', flags=FINAL | 1, itt=s.new_itt(), immediate=True, lun=t.lun, rtt=4711)
    got.append(s.expect('tmf_response'))
    s.send('text', itt=s.new_itt(), immediate=True, data=text({'X-org.example.what': 'ever'}))
    got.append(s.expect('text_response'))
    s.send('snack', flags=FINAL | 7, itt=NONE)
    got.append(s.expect('reject'))
    for begin, length in ((0, 0), (first, 0), (first, 7), (first + 2, 3), (first + 6, 1), (first + 3, 0)):
        s.snack(STATUS_, begin, length)
        n = begin - first if begin else 0
        for want in got[n:n + length if length else None]:
            same(s.recv(), want)
        s.silent(0.05)
    s.ping()


@conversation('RFC 7143 4.2.2.2, 11.16, 11.16.6', 'what is acknowledged, or was never sent, is not asked for: Protocol error')
def wrong_statuses(t):
    s = log_in(t)
    for _ in range(3):
        s.good(TEST_UNIT_READY)
    s.no_acknowledgement()
    first = s.expstatsn
    s.good(TEST_UNIT_READY)
    for begin, length in ((first - 1, 1), (first - 1, 0), (first + 1, 1), (first, 2), (first + 1, 0), (first, 0xffffffff),
                          (first ^ 0x80000000, 1), (1, 0x7fffffff)):
        s.snack(STATUS_, begin, length)
        s.expect('reject', reason=PROTOCOL)
        first = s.acknowledged = s.expstatsn
        s.good(TEST_UNIT_READY)
    s.acknowledged = None
    s.ping()
    s.ping()
    s.snack(STATUS_)                          # all that is not acknowledged: nothing, or the last ping
    s.ping()


@conversation('RFC 7143 11.16.1, 11.16.7', 'Data-In PDUs are sent again as they were, all or some of them')
def data(t):
    s = log_in(t)
    want = pattern(200 * BLOCK, t.number)
    s.write(t.region, want)
    s.no_acknowledgement()
    task = read(s, t.region, 200)
    equal(len(task.data_ins), 25, 'the number of Data-In PDUs')
    for begin, length in ((0, 0), (0, 1), (24, 1), (7, 9), (3, 0), (0, 25), (4, 4)):
        s.snack(DATA, begin, length, itt=task.itt)
        for first in task.data_ins[begin:begin + length if length else None]:
            same(s.recv(), first)
        s.silent(0.02)
    s.acknowledged = None
    s.ping()
    s.ping()
    s.snack(DATA, 0, 1, itt=task.itt)
    refused(s, PROTOCOL)


@conversation('RFC 7143 11.16, 11.16.6, 11.17.1, 11.17.2, 11.17.3', 'a run of data out of range, of another task or connection: Protocol error')
def wrong_data(t):
    s = log_in(t)
    other = s.add(1)
    s.no_acknowledgement()
    task = read(s, t.region, 64)
    for begin, length in ((8, 1), (8, 0), (0, 9), (7, 2), (0xffffffff, 1), (1, 0xffffffff), (0x80000000, 0)):
        s.snack(DATA, begin, length, itt=task.itt)
        refused(s, PROTOCOL, datasn=8)
    for itt in (task.itt + 1000, NONE, 0):
        s.snack(DATA, 0, 0, itt=itt)
        refused(s, PROTOCOL, datasn=0)
    other.snack(DATA, 0, 0, itt=task.itt)
    refused(other, PROTOCOL)


@conversation('RFC 7143 11.7.2, 11.7.4, 11.16.1, 11.16.2', 'the end of a sequence wants an acknowledgement; what has one is not sent again')
def data_acks(t):
    s = log_in(t)
    s.no_acknowledgement()
    task = read(s, t.region, 128)
    wants = [n for n, pdu in enumerate(task.data_ins) if pdu.flags & 0x40]
    equal(wants, [3, 7, 11], 'Data-In PDUs with A: every MaxBurstLength but the last')
    for n in wants:
        check(task.data_ins[n].ttt != NONE and task.data_ins[n].lun == lun_field(t.lun), 'TTT and LUN with A (11.7.4)')
    for pdu in task.data_ins:
        check(pdu.flags & 0x40 or pdu.ttt == NONE and pdu.lun == 0, 'TTT or LUN without A')
    a = task.data_ins[7]
    s.snack(DATA_ACK, 8, ttt=a.ttt, lun=a.lun)
    s.silent(0.05)
    s.snack(DATA, 0, 0, itt=task.itt)
    for first in task.data_ins[8:]:
        same(s.recv(), first)
    for begin in (0, 7):
        s.snack(DATA, begin, 1 + begin, itt=task.itt)
        refused(s, PROTOCOL)
    for begin, ttt, lun in ((17, a.ttt, a.lun), (7, a.ttt, a.lun), (12, a.ttt + 1, a.lun), (12, NONE, a.lun), (12, a.ttt, 5)):
        s.snack(DATA_ACK, begin, ttt=ttt, lun=lun)
        refused(s, BAD_ACK)
    s.snack(DATA_ACK, 16, ttt=a.ttt, lun=a.lun)
    s.snack(DATA, 0, 0, itt=task.itt)
    s.silent(0.05)


@conversation('RFC 7143 7.8', 'a command of which data was asked for again in vain, before its status was sent, ends with SNACK rejected')
def rejected_in_between(t):
    s = log_in(t, MaxRecvDataSegmentLength='16384')
    s.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    s.no_acknowledgement()
    for kind in (DATA, R_DATA):
        task = s.start(READ10(0, 32768), read=32768 * BLOCK)        # more than the sockets hold: its end is not sent yet
        s.step()
        for _ in range(520):                         # so many answers wait that no SNACK is taken
            s.send('nop_out', itt=s.new_itt(), immediate=True)
        s.snack(kind, itt=task.itt, length=kind == DATA, ttt=NONE if kind == DATA else 5)
        while task.status is None:
            s.step()
        equal((task.status, task.sense_code()), (CHECK_CONDITION, 0x0b1113), 'status and sense')
        equal(len(task.data), 32768 * BLOCK, 'the data that came')
        equal(task.end.expdatasn, len(task.data_ins), 'ExpDataSN')
        while (pdu := s.recv()).name == 'nop_in':
            pass
        equal((pdu.name, pdu.reason), ('reject', NO_MORE), 'what comes')
    s.acknowledged = None
    s.good(TEST_UNIT_READY)


def declare(s, length):
    """MaxRecvDataSegmentLength changes (13.12)."""
    s.send('text', itt=s.new_itt(), immediate=True, data=text({'MaxRecvDataSegmentLength': str(length)}))
    s.expect('text_response')
    s.params['MaxRecvDataSegmentLength'] = str(length)


@conversation('RFC 7143 11.4.8, 11.16.3, 11.16.5', 'after MaxRecvDataSegmentLength has changed all is sent anew, with the SNACK Tag')
def resegmented(t):
    s = log_in(t)
    want = pattern(128 * BLOCK, t.number)
    s.write(t.region, want)
    s.no_acknowledgement()
    task = read(s, t.region, 128)
    declare(s, 1024)
    s.snack(DATA, 0, 0, itt=task.itt)
    s.expect('reject', reason=PROTOCOL)
    for tag in (0x11223344, 0x55667788):
        s.snack(R_DATA, itt=task.itt, ttt=tag)
        for n in range(64):
            s.expect('data_in', itt=task.itt, datasn=n, offset=1024 * n, data=want[1024 * n:1024 * n + 1024])
        end = s.expect('response', itt=task.itt, statsn=task.end.statsn, snack_tag=tag, expdatasn=64)
    s.snack(STATUS_, task.end.statsn, 1)
    same(s.recv(), end)
    s.snack(DATA, 60, 4, itt=task.itt)
    for n in range(60, 64):
        s.expect('data_in', datasn=n, offset=1024 * n)
    for wrong in ({'begin': 1}, {'length': 1}, {'ttt': NONE}, {'ttt': 0}, {'itt': 4711}):
        s.snack(R_DATA, **{'itt': task.itt, 'ttt': 5, **wrong})
        s.expect('reject', reason=PROTOCOL)


@conversation('RFC 7143 11.16.3', 'after a DataACK only the rest is sent anew; DataSN goes on where it was acknowledged')
def resegmented_rest(t):
    s = log_in(t)
    want = pattern(128 * BLOCK, t.number)
    s.write(t.region, want)
    s.no_acknowledgement()
    task = read(s, t.region, 128)
    a = task.data_ins[7]
    s.snack(DATA_ACK, 8, ttt=a.ttt, lun=a.lun)
    declare(s, 2048)
    s.snack(R_DATA, itt=task.itt, ttt=99)
    for n in range(16):
        at = 32768 + 2048 * n
        s.expect('data_in', itt=task.itt, datasn=8 + n, offset=at, data=want[at:at + 2048])
    s.expect('response', statsn=task.end.statsn, snack_tag=99, expdatasn=24)


@conversation('RFC 7143 11.16.1', 'an R2T is told again as it was, while it is open')
def r2ts(t):
    s = log_in(t)
    task = s.start(WRITE10(t.region, 64), write=pattern(64 * BLOCK, 3))
    s.step(answer=False)
    for begin, length in ((0, 0), (0, 1)):
        s.snack(DATA, begin, length, itt=task.itt)
        same(s.recv(), task.r2ts[0])
    s.snack(DATA, 1, 1, itt=task.itt)
    refused(s, PROTOCOL)
    s.answer_r2t(task, task.r2ts[0])
    s.step(answer=False)
    s.snack(DATA, 0, 1, itt=task.itt)
    refused(s, PROTOCOL)
    s.snack(DATA, 1, 0, itt=task.itt)
    same(s.recv(), task.r2ts[1])
    s.answer_r2t(task, task.r2ts[1])
    s.finish(task)
    equal(s.read(t.region, 64), pattern(64 * BLOCK, 3), 'the data')


@conversation('RFC 7143 11.16.1', 'an R2T is asked for again in the moment in which its data comes, well or spoilt')
def r2t_crossing_its_data(t):
    for keys in ({'DataDigest': 'CRC32C'}, {'DataDigest': 'CRC32C', 'DataSequenceInOrder': 'No', 'MaxOutstandingR2T': '8'}):
        for spoilt in (False, True):
            s = log_in(t, LEVEL, MaxBurstLength='1024', **keys)
            data = pattern(64 * BLOCK, 8)
            task = s.start(WRITE10(t.region, 64), write=data)
            told = {}
            answered = set()
            while True:
                pdu = s.recv()
                if pdu.name == 'response':
                    break
                if pdu.name == 'reject':
                    equal(pdu.reason, BAD_DIGEST, 'the reason')
                    continue
                if pdu.r2tsn in told:
                    same(pdu, told[pdu.r2tsn])
                    continue
                told[pdu.r2tsn] = pdu
                bad = spoilt and pdu.offset not in answered
                answered.add(pdu.offset)
                snack = s.pdu('snack', flags=FINAL, itt=task.itt, begrun=pdu.r2tsn, runlength=1)
                out = s.pdu('data_out', lun=t.lun, itt=task.itt, ttt=pdu.ttt, offset=pdu.offset,
                            data=data[pdu.offset:pdu.offset + pdu.desired])
                s.send_bytes(snack.encode() + out.encode(False, True, 'data' if bad else None))
            equal(pdu.status, GOOD, 'the status')
            s.tasks.clear()
            equal(s.read(t.region, 64), data, 'the data')


def piece(s, task, r2t, sn, offset, length, final, spoil=None):
    s.send('data_out', spoil=spoil, lun=task.pdu.lun, itt=task.itt, ttt=r2t.ttt, datasn=sn, offset=offset,
           flags=FINAL if final else 0, data=task.write[offset:offset + length])


@conversation('RFC 7143 7.3, 7.8, 11.8, 11.17.4', 'Data-Out with a wrong digest: Reject with its header, and an R2T for what is missing')
def spoilt_data(t):
    for order in ('Yes', 'No'):
        s = log_in(t, CHECKED, DataPDUInOrder=order)
        for lost in range(4):
            task = s.start(WRITE10(t.region, 32), write=pattern(32 * BLOCK, lost))
            s.step(answer=False)
            r2t = task.r2ts[0]
            for n in range(4):
                piece(s, task, r2t, n, 4096 * n, 4096, n == 3, 'data' if n == lost else None)
            reject = s.expect('reject', reason=BAD_DIGEST)
            equal(reject.data[36:40], lost.to_bytes(4, 'big'), 'DataSN in the header that came back')
            again = s.expect('r2t', itt=task.itt, r2tsn=1, offset=4096 * lost, desired=16384 - 4096 * lost)
            check(again.ttt != r2t.ttt, 'the recovery R2T has the tag of the first')
            s.data_out(task, again.ttt, again.offset, again.desired, 4096)
            s.finish(task)
            equal(s.read(t.region, 32), task.write, 'the data')


@conversation('RFC 7143 7.9', 'a gap in DataSN is a loss too')
def missing_data(t):
    s = log_in(t)
    task = s.start(WRITE10(t.region, 32), write=pattern(32 * BLOCK, 5))
    s.step(answer=False)
    for n in (0, 2, 3):
        piece(s, task, task.r2ts[0], n, 4096 * n, 4096, n == 3)
    again = s.expect('r2t', itt=task.itt, r2tsn=1, offset=4096, desired=12288)
    piece(s, task, again, 1, 8192, 4096, False)
    piece(s, task, again, 2, 12288, 4096, True)
    again = s.expect('r2t', itt=task.itt, r2tsn=2, offset=4096, desired=12288)
    s.data_out(task, again.ttt, again.offset, again.desired)
    s.finish(task)
    equal(s.read(t.region, 32), task.write, 'the data')


@conversation('RFC 7143 7.8', 'unsolicited data that is lost is asked for')
def spoilt_unsolicited(t):
    s = log_in(t, CHECKED, InitialR2T='No', ImmediateData='Yes', FirstBurstLength='16384')
    for lost in range(3):
        data = pattern(32 * BLOCK, lost)
        pdu = s.pdu('command', flags=WRITE | SIMPLE, itt=s.new_itt(), lun=t.lun, edtl=len(data), cdb=WRITE10(t.region, 32),
                    data=data[:4096])
        s.send(pdu)
        task = s.tasks[pdu.itt] = Task(pdu, data, 0)
        for n in range(3):
            s.send('data_out', spoil='data' if n == lost else None, lun=task.pdu.lun, itt=task.itt, ttt=NONE, datasn=n,
                   offset=4096 * n + 4096, flags=FINAL if n == 2 else 0, data=data[4096 * n + 4096:4096 * n + 8192])
        s.expect('reject', reason=BAD_DIGEST)
        again = s.expect('r2t', itt=task.itt, offset=4096 * lost + 4096, desired=16384 - 4096 * lost - 4096)
        s.data_out(task, again.ttt, again.offset, again.desired)
        s.finish(task)
        equal(s.read(t.region, 32), data, 'the data')


@conversation('RFC 7143 7.2.1, 7.3', 'a command whose immediate data is spoilt is rejected, and retried with its CmdSN and tag')
def retry(t):
    s = log_in(t, CHECKED, ImmediateData='Yes')
    data = pattern(8 * BLOCK, 4)
    number = s.cmdsn
    pdu = s.pdu('command', flags=FINAL | WRITE | SIMPLE, itt=s.new_itt(), lun=t.lun, edtl=4096, cdb=WRITE10(t.region, 8), data=data)
    s.send(pdu, spoil='data')
    reject = s.expect('reject', reason=BAD_DIGEST, expcmdsn=number)
    equal(reject.data[:48], pdu.header()[:48], 'the header that came back')
    later = s.start(TEST_UNIT_READY, cmdsn=number + 1)
    s.silent(0.1)
    s.tasks[pdu.itt] = task = Task(pdu, data, 0)
    s.send(pdu)
    s.cmdsn = number + 2
    s.finish(task)
    s.finish(later)
    equal(s.read(t.region, 8), data, 'the data')


@conversation('RFC 7143 4.2.2.1, 7.2.1', 'a retry of what had come is ignored, in progress or done')
def needless_retry(t):
    s = log_in(t)
    task = s.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    s.step(answer=False)
    s.send(task.pdu)
    s.silent(0.1)
    s.answer_r2t(task, task.r2ts[0])
    s.finish(task)
    s.send(task.pdu)
    s.silent(0.1)
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 7.8', 'data that never comes right: the task ends at last', seconds=30)
def never_right(t):
    s = log_in(t, CHECKED)
    task = s.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    s.step(answer=False)
    r2t, tries = task.r2ts[0], 0
    while True:
        piece(s, task, r2t, 0, 0, 4096, True, 'data')
        s.expect('reject', reason=BAD_DIGEST)
        r2t = s.recv()
        if r2t.name != 'r2t':
            break
        tries += 1
        check(tries < 100, 'recovery R2Ts without end')
    if r2t.name == 'reject':
        r2t = s.expect('response')
    equal((r2t.status, int.from_bytes(r2t.data[2:][12:14], 'big') if r2t.data[2] & 0x7f == 0x70 else r2t.data[4] << 8 | r2t.data[5]),
          (CHECK_CONDITION, 0x4705), 'the status')
    s.tasks.clear()
    s.ping()


@conversation('bounded memory', 'thousands of statuses that nobody acknowledges: the oldest are forgotten', seconds=40)
def never_acknowledged(t):
    s = log_in(t)
    s.no_acknowledgement()
    first = s.expstatsn
    for _ in range(15):
        tasks = [s.start(TEST_UNIT_READY) for _ in range(100)]
        for task in tasks:
            s.finish(task)
    s.snack(STATUS_, first, 1)
    s.expect('reject', reason=NO_MORE)
    last = s.expstatsn - 1
    s.snack(STATUS_, last - 9, 9)
    for n in range(9):
        s.expect('response', statsn=last - 9 + n)
    for n in range(600):
        itt = s.new_itt()
        s.send('nop_out', itt=itt, immediate=True, data=bytes(4000))
        s.expect('nop_in', itt=itt)
    s.snack(STATUS_, last, 1)
    s.expect('reject', reason=NO_MORE)
    s.acknowledged = None
    s.good(TEST_UNIT_READY)


@conversation('bounded memory', 'read data that nobody acknowledges is given back; new commands find room', seconds=40)
def reads_never_acknowledged(t):
    s = log_in(t, MaxRecvDataSegmentLength='262144', MaxBurstLength='1048576')
    s.no_acknowledgement()
    tasks = [read(s, t.region, 1024) for _ in range(16)]
    s.snack(DATA, 0, 1, itt=tasks[0].itt)
    s.expect('reject', reason=NO_MORE)
    s.snack(R_DATA, itt=tasks[0].itt, ttt=77)              # GOOD without the data would be taken for all of it
    s.expect('reject', reason=NO_MORE)
    s.snack(STATUS_, tasks[0].end.statsn, 1)
    same(s.recv(), tasks[0].end)
    s.snack(DATA, 0, 1, itt=tasks[-1].itt)
    same(s.recv(), tasks[-1].data_ins[0])


@conversation('RFC 7143 11.2.1.8', 'a tag is used again before the old status is acknowledged')
def tag_again(t):
    s = log_in(t)
    s.no_acknowledgement()
    for n in range(5):
        task = s.finish(s.start(READ10(t.region, 8), read=8 * BLOCK, itt=0x1234))
        equal(task.status, GOOD, 'the status')
    s.write(t.region, pattern(8 * BLOCK), itt=0x1234)


@conversation('RFC 7143 7.14, 11.9.1', 'a connection that we drop: another one is told, takes over and logs it out')
def dropped(t):
    a = log_in(t)
    b = a.add(1, {'HeaderDigest': 'CRC32C'})
    b.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    b.step(answer=False)
    b.send('nop_out', spoil='header', itt=5, immediate=True)
    b.gone()
    a.expect('async', event=2, p1=1, p2=2, p3=20)
    a.failed(TEST_UNIT_READY, 0x06477f)
    a.good(TEST_UNIT_READY)
    itt = a.new_itt()
    a.send('logout', flags=FINAL | 2, itt=itt, cid=1)
    a.expect('logout_response', itt=itt, response=2)
    itt = a.new_itt()
    a.send('logout', flags=FINAL | 1, itt=itt, cid=1)
    a.expect('logout_response', itt=itt, response=0)
    itt = a.new_itt()
    a.send('logout', flags=FINAL | 1, itt=itt, cid=1)
    a.expect('logout_response', itt=itt, response=1)
    b = a.add(1)
    b.write(t.region, pattern(8 * BLOCK, 2))
    b.reset()
    a.good(TEST_UNIT_READY)
    a.add(1).good(TEST_UNIT_READY)


@conversation('RFC 7143 7.1, 11.16', 'what recovery has done is counted, each kind by itself', alone=True)
def counted(t):
    before = t.metrics()
    a = log_in(t, {**CHECKED, 'ErrorRecoveryLevel': '2'})
    a.no_acknowledgement()
    task = read(a, t.region, 16)
    for kind, times in ((DATA, 1), (STATUS_, 2), (DATA_ACK, 3), (R_DATA, 4)):
        for _ in range(times):
            a.snack(kind, begin=0x7fffff, length=1, itt=task.itt, ttt=task.itt)      # counted though it is refused
            a.expect('reject')
    task = a.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    a.step(answer=False)
    piece(a, task, task.r2ts[0], 0, 0, 8 * BLOCK, True, 'data')
    a.expect('reject', reason=BAD_DIGEST)
    again = a.expect('r2t', itt=task.itt)
    a.reset()
    b = a.add(0, {'DataDigest': 'CRC32C', 'HeaderDigest': 'CRC32C'})
    b.reassign(task)
    r2t = b.expect('r2t', itt=task.itt)
    check((r2t.offset, r2t.desired) == (again.offset, again.desired), 'the R2T of the other connection')
    b.data_out(task, r2t.ttt, r2t.offset, r2t.desired)
    equal(b.finish(task).status, GOOD, 'the status')
    after = t.metrics()
    for name, want in (('snacks_total{type="data"}', 1), ('snacks_total{type="status"}', 2), ('snacks_total{type="data_ack"}', 3),
                       ('snacks_total{type="r_data"}', 4), ('data_digest_errors_total', 1), ('recovery_r2ts_total', 1),
                       ('connections_recovered_total', 1), ('commands_reassigned_total', 1)):
        equal(after['sptgt_' + name] - before['sptgt_' + name], want, name)


@conversation('RFC 7143 7.1.4.3, 11.6.1', 'TASK REASSIGN below level 2: 4')
def no_reassign(t):
    s = log_in(t)
    task = s.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    s.step(answer=False)
    s.reassign(task, response=4)


@conversation('hostile', 'SNACKs of every kind and number, in the middle of everything; others are served', seconds=40)
def storm(t):
    chance = random.Random(11)
    for keys in (LEVEL, {**LEVEL, 'DataSequenceInOrder': 'No', 'DataPDUInOrder': 'No', 'MaxOutstandingR2T': '4'}):
        s = log_in(t, keys)
        s.no_acknowledgement()
        for n in range(400):
            if n % 20 == 0:
                s.start(READ10(t.region, 64), read=64 * BLOCK, itt=n)
            if n % 20 == 10:
                s.start(WRITE10(t.region, 64), write=bytes(64 * BLOCK), itt=n)
            if n % 50 == 49:
                s.send('text', itt=1000, immediate=True, data=text({'MaxRecvDataSegmentLength': str(chance.choice((512, 4096)))}))
            s.send('snack', flags=FINAL | chance.randrange(5), itt=chance.choice((NONE, n, n // 10 * 10, n // 20 * 20)),
                   ttt=chance.choice((NONE, 0, 1, n // 20 * 20, 77)), lun=chance.choice((0, t.lun)),
                   begrun=chance.choice((0, 0, 1, 5, s.expstatsn, s.expstatsn - 3, 0xffffffff, 1 << 31)),
                   runlength=chance.choice((0, 0, 1, 7, 0xffffffff, 1 << 31)))
            if n % 40 == 39:
                itt = 2000 + n
                s.send('nop_out', itt=itt, immediate=True)
                while (pdu := s.recv()).name != 'nop_in' or pdu.itt != itt:
                    pass
            if n % 30 == 29:
                s.acknowledged = chance.choice((s.expstatsn, s.expstatsn + 1000, s.expstatsn - 5))
        s.reset() if chance.randrange(2) else s.close()
