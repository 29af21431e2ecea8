# SPDX-License-Identifier: MIT
"""ErrorRecoveryLevel 2: commands outlive their connection and go on on another. RFC 7143 6.3.4, 7.1.4.3, 7.2.2, 7.5, 11.5, 11.6, 11.14."""

import random
import time

from talk import *  # noqa: F403

CONFIG = config(talk='default-time2wait = 0\nbudget = 4M')
LEVEL = {'ErrorRecoveryLevel': '2', 'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxBurstLength': '16384',
         'MaxRecvDataSegmentLength': '4096', 'MaxConnections': '4', 'DefaultTime2Wait': '0', 'DefaultTime2Retain': '20'}
NO_TASK, STILL_ALLEGIANT, NOT_SUPPORTED, REJECTED = 1, 3, 4, 255
RECOVERY = 2


def log_in(t, **more):
    s = t.log_in({**LEVEL, **more})
    equal(s.params['ErrorRecoveryLevel'], '2', 'ErrorRecoveryLevel')
    return s.settle()


def logout(s, reason, cid, response=0, **fields):
    itt = s.new_itt()
    s.send('logout', flags=FINAL | reason, itt=itt, cid=cid)
    return s.expect('logout_response', itt=itt, response=response, **fields)


def add(s, cid, keys=None):
    return s.add(cid, {'MaxRecvDataSegmentLength': '4096', **(keys or {})})


def writing(s, t, blocks=64, answered=1, seed=1):
    """A write in the middle of its R2Ts."""
    task = s.start(WRITE10(t.region, blocks), write=pattern(blocks * BLOCK, seed))
    for _ in range(answered):
        s.step()
    s.step(answer=False)
    return task


@conversation('RFC 7143 7.2.2', 'a write goes on where it was: R2Ts for what is missing, on the new connection')
def write(t):
    a = log_in(t)
    b = add(a, 1)
    task = writing(b, t, answered=1)
    b.lose()
    logout(a, RECOVERY, 1, time2wait=0, time2retain=20)
    a.reassign(task)
    r2t = a.expect('r2t', itt=task.itt, offset=16384, desired=16384)
    task.outstanding_r2ts = 0
    task.r2ts.append(r2t)
    a.data_out(task, r2t.ttt, r2t.offset, r2t.desired)
    a.finish(task)
    equal(task.status, GOOD, 'the status')
    equal(a.read(t.region, 64), task.write, 'the data')


@conversation('RFC 7143 7.2.2', 'a write half of whose sequence had come: only the rest is asked for')
def half_a_sequence(t):
    a = log_in(t)
    b = add(a, 1)
    task = writing(b, t, blocks=32, answered=0)
    b.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=task.r2ts[0].ttt, datasn=0, offset=0, flags=0, data=task.write[:6000])
    b.ping()
    b.lose()
    c = add(a, 1)                              # the login is the logout of the old one: 6.3.4
    c.reassign(task)
    r2t = c.expect('r2t', itt=task.itt, offset=6000, desired=16384 - 6000)
    c.data_out(task, r2t.ttt, r2t.offset, r2t.desired)
    c.finish(task)
    equal(a.read(t.region, 32), task.write, 'the data')


@conversation('RFC 7143 7.2.2', 'unsolicited data that was under way is asked for')
def unsolicited(t):
    a = log_in(t, InitialR2T='No', ImmediateData='Yes', FirstBurstLength='16384')
    b = add(a, 1)
    data = pattern(32 * BLOCK, 6)
    b.send('command', flags=WRITE | SIMPLE, itt=99, lun=t.lun, edtl=len(data), cdb=WRITE10(t.region, 32), data=data[:4096])
    b.send('data_out', lun=t.lun, itt=99, ttt=NONE, datasn=0, offset=4096, flags=0, data=data[4096:8192])
    b.ping()
    b.lose()
    logout(a, RECOVERY, 1)
    a.send('tmf', flags=FINAL | 8, itt=a.new_itt(), immediate=True, rtt=99)
    a.expect('tmf_response', response=0)
    r2t = a.expect('r2t', itt=99, offset=8192, desired=8192)
    a.send('data_out', lun=t.lun, itt=99, ttt=r2t.ttt, offset=8192, data=data[8192:])
    a.expect('response', itt=99, status=GOOD)
    equal(a.read(t.region, 32), data, 'the data')


def lost_read(a, t, taken, blocks=64):
    """A read of which @taken Data-In PDUs have come before the connection was lost."""
    want = pattern(blocks * BLOCK, t.number)
    a.write(t.region, want)
    b = add(a, 1)
    b.no_acknowledgement()
    task = b.start(READ10(t.region, blocks), read=blocks * BLOCK)
    for _ in range(taken):
        b.step()
    b.lose()
    logout(a, RECOVERY, 1)
    return task, want


@conversation('RFC 7143 7.2.2, 11.5.6, 11.6', 'a read sends what was not acknowledged, and its status with a new StatSN')
def read(t):
    for taken, exp in ((3, 0), (3, 3), (8, 0), (8, 8), (8, 5), (5, 9), (5, 0xffffffff)):
        a = log_in(t)
        task, want = lost_read(a, t, taken)
        a.reassign(task, exp)
        begin = exp if exp <= 8 else 0       # other values are ignored
        for n in range(begin, 8):
            a.expect('data_in', itt=task.itt, datasn=n, offset=4096 * n, data=want[4096 * n:4096 * n + 4096])
        a.expect('response', itt=task.itt, status=GOOD, expdatasn=8, snack_tag=0)
        a.tasks.clear()
        a.ping()
        a.log_out()


@conversation('RFC 7143 7.2.2, 11.5.6', 'data acknowledged by DataACK is not sent again; another MaxRecvDataSegmentLength is minded')
def read_elsewhere(t):
    a = log_in(t)
    want = pattern(64 * BLOCK, t.number)
    a.write(t.region, want)
    b = add(a, 1)
    b.no_acknowledgement()
    task = b.finish(b.start(READ10(t.region, 64), read=64 * BLOCK))
    pdu = task.data_ins[3]
    b.snack(2, 4, ttt=pdu.ttt, lun=pdu.lun)
    b.silent(0.05)
    b.send('text', itt=b.new_itt(), immediate=True, data=text({'MaxRecvDataSegmentLength': '512'}))
    b.expect('text_response')
    b.params['MaxRecvDataSegmentLength'] = '512'
    b.snack(3, itt=task.itt, ttt=7)
    b.expect('data_in', datasn=4, offset=16384)
    b.lose()
    c = a.add(1, {'MaxRecvDataSegmentLength': '8192'})
    c.reassign(task)
    for n in range(2):
        c.expect('data_in', itt=task.itt, datasn=4 + n, offset=16384 + 8192 * n, data=want[16384 + 8192 * n:][:8192])
    c.expect('response', itt=task.itt, snack_tag=0, expdatasn=6)
    c.tasks.clear()


@conversation('RFC 7143 7.2.2', 'status that was not acknowledged comes again on the new connection; once acknowledged it is no task')
def statuses(t):
    a = log_in(t)
    b = add(a, 1)
    done = b.good(TEST_UNIT_READY)
    b.ping()
    b.no_acknowledgement()
    tasks = [b.good(TEST_UNIT_READY), b.command(bytes([0x28, 0xff]) + bytes(8)), b.good(TEST_UNIT_READY)]
    b.lose()
    logout(a, RECOVERY, 1)
    a.reassign(done, response=NO_TASK)
    for task in (tasks[1], tasks[0], tasks[2]):
        a.reassign(task)
        pdu = a.expect('response', itt=task.itt, status=task.end.status)
        equal(pdu.data, task.end.data, 'the sense')
        del a.tasks[task.itt]
    a.ping()
    for task in tasks:
        a.reassign(task, response=NO_TASK)


@conversation('RFC 7143 7.2.2', 'read data that was given back for want of room cannot be brought to its end; its status alone is for who has the data')
def data_given_back(t):
    a = log_in(t, MaxBurstLength='1048576')
    b = a.add(1, {'MaxRecvDataSegmentLength': '262144'})
    b.no_acknowledgement()
    tasks = [b.good(READ10(t.region, 1024), read=1024 * BLOCK) for _ in range(8)]
    b.lose()
    logout(a, RECOVERY, 1)
    for exp in (0, 1):
        a.reassign(tasks[0], exp, response=NO_TASK)
    a.reassign(tasks[0], 2)
    a.expect('response', itt=tasks[0].itt, status=GOOD, expdatasn=2)
    a.tasks.clear()
    a.ping()


@conversation('RFC 7143 11.6.1', 'responses: no task 1, still allegiant 3, not immediate: rejected')
def responses(t):
    a = log_in(t)
    b = add(a, 1)
    task = writing(b, t)
    a.reassign(task, response=STILL_ALLEGIANT)
    b.reassign(task, response=STILL_ALLEGIANT)
    a.reassign(task, itt=0xabcdef, response=NO_TASK)
    a.reassign(task, itt=NONE, response=NO_TASK)
    a.reassign(task, immediate=False, response=REJECTED)
    b.lose()
    a.reassign(task, response=STILL_ALLEGIANT)          # 7.2.2: not before the logout of its connection
    logout(a, RECOVERY, 1)
    a.reassign(task)
    a.expect('r2t', itt=task.itt)
    a.reassign(task, response=STILL_ALLEGIANT)


@conversation('RFC 7143 11.14, 11.15.3', 'a connection that is there is removed for recovery, by itself or by another')
def removed(t):
    a = log_in(t)
    b, c = add(a, 1), add(a, 2)
    tasks = [writing(b, t, seed=4), writing(c, t, seed=5)]
    logout(b, RECOVERY, 1, time2wait=0, time2retain=20)
    b.gone(allowed=())
    logout(a, RECOVERY, 2)
    c.gone(allowed=())
    for task in tasks:
        a.reassign(task)
        r2t = a.expect('r2t', itt=task.itt)
        a.ask(1, task=task)
        a.expect('tmf_response', response=0)
        a.send('data_out', itt=task.itt, ttt=r2t.ttt, lun=t.lun, offset=r2t.offset, data=bytes(r2t.desired) [:4096])
    logout(a, RECOVERY, 1, 1)
    a.tasks.clear()
    a.ping()


@conversation('RFC 7143 6.3.4, 6.3.6', 'the only connection is lost; the session waits, and goes on with another one')
def the_only_one(t):
    for cid, keys in ((0, {}), (0, {'MaxConnections': '1'}), (1, {'MaxConnections': '1'})):
        a = log_in(t, **keys)
        task = writing(a, t, blocks=32, answered=0)
        number = a.cmdsn
        a.lose()
        b = add(a, cid)
        equal((b.tsih, b.expcmdsn), (a.tsih, number), 'TSIH and ExpCmdSN')
        if cid:
            logout(b, RECOVERY, 0)
        b.reassign(task)
        r2t = b.expect('r2t', itt=task.itt, offset=0)
        b.data_out(task, r2t.ttt, 0, r2t.desired)
        b.finish(task)
        equal(b.read(t.region, 32), task.write, 'the data')
        b.log_out()


def ended(a):
    other = a.beside(9)
    try:
        other.advance(other.names())
    except Refused as e:
        return e.status == 0x020a
    other.close()
    return False


@conversation('RFC 7143 7.5, 11.14.5, 13.16', 'when DefaultTime2Retain is over the session ends, or the tasks of the connection')
def too_late(t):
    a = log_in(t, DefaultTime2Retain='1')
    writing(a, t)
    a.lose()
    time.sleep(0.5)
    b = add(a, 0)
    b.ping()
    b.lose()
    time.sleep(1.6)
    check(ended(a), 'the session is there after Time2Retain')
    a = log_in(t, DefaultTime2Retain='1')
    b = add(a, 1)
    task = writing(b, t)
    b.lose()
    time.sleep(1.6)
    logout(a, RECOVERY, 1, 1)
    a.reassign(task, response=NO_TASK)
    a.failed(TEST_UNIT_READY, 0x06477f)             # SOME COMMANDS CLEARED BY ISCSI PROTOCOL EVENT
    a.good(TEST_UNIT_READY)


@conversation('RFC 7143 13.16', 'DefaultTime2Retain 0: nothing is retained')
def nothing_retained(t):
    a = log_in(t, DefaultTime2Retain='0')
    b = add(a, 1)
    task = writing(b, t)
    b.lose()
    a.reassign(task, response=NO_TASK)
    a.failed(TEST_UNIT_READY, 0x06477f)
    a.good(TEST_UNIT_READY)
    a.lose()
    t.until(lambda: ended(a), 'the session is there though nothing is retained', 2)


@conversation('RFC 7143 6.3.5', 'a session that waits is reinstated by a login without TSIH, at once', alone=True)
def reinstated(t):
    a = log_in(t)
    writing(a, t)
    a.lose()
    started = time.monotonic()
    b = log_in(t)
    check(time.monotonic() - started < 5, 'the login waits for the old session')
    check(b.tsih != a.tsih, 'the old TSIH')
    b.write(t.region, pattern(8 * BLOCK))


@conversation('RFC 7143 7.6, 11.14', 'a lost connection is logged out to be closed: its commands end, and then comes the answer')
def closed(t):
    a = log_in(t)
    b = add(a, 1)
    b.no_acknowledgement()
    tasks = [b.good(TEST_UNIT_READY), writing(b, t)]
    b.lose()
    logout(a, 1, 1)
    for task in tasks:
        a.reassign(task, response=NO_TASK)
    logout(a, 1, 1, 1)


@conversation('RFC 7143 11.14, 4.2.2.1', 'what had not got its turn is discarded, and retried on another connection')
def hole(t):
    a = log_in(t)
    b = add(a, 1)
    first = a.cmdsn
    late = b.start(TEST_UNIT_READY, cmdsn=first + 1)
    b.silent(0.05)
    b.lose()
    logout(a, RECOVERY, 1)
    a.reassign(late, response=NO_TASK)
    check(a.cmdsn == first + 1, 'CmdSN')
    a.send(late.pdu)                          # 7.2.1
    a.tasks[late.itt] = late
    a.cmdsn = first + 2
    a.finish(late)
    a.good(TEST_UNIT_READY)


@conversation('bounded memory', 'connections that come, leave something and are lost: the oldest is given up', seconds=40)
def many_lost(t):
    a = log_in(t)
    tasks = []
    for n in range(24):
        b = add(a, 1 + n)
        a.settle()                                  # what is given up is told
        tasks.append(writing(b, t, answered=0))
        b.lose()
    logout(a, RECOVERY, 1, 1)
    logout(a, RECOVERY, 24)
    a.reassign(tasks[-1])
    a.expect('r2t', itt=tasks[-1].itt)
    a.tasks.clear()
    a.ping()


@conversation('RFC 7143 7.2.2', 'disconnected anywhere, any number of times, the data is right in the end', seconds=60)
def anywhere(t):
    chance = random.Random(t.number)
    for digest in ('None', 'CRC32C'):
        a = log_in(t, DataDigest=digest, HeaderDigest=digest)
        keys = {'DataDigest': digest, 'HeaderDigest': digest}
        for turn in range(12):
            want = pattern(96 * BLOCK, turn)
            todo = [WRITE10(t.region, 96), READ10(t.region, 96)]
            for cdb in todo:
                is_write = cdb[0] == 0x2a
                task = a.start(cdb, write=want) if is_write else a.start(cdb, read=len(want))
                data = bytearray(len(want))
                losses = chance.randrange(4)
                left = chance.randrange(9)
                status = None
                while status is None:
                    if losses and not left:
                        losses, left = losses - 1, chance.randrange(9)
                        a.reset() if chance.randrange(2) else a.close()
                        time.sleep(chance.choice((0, 0.01)))
                        a = add(a, 0, keys)
                        a.reassign(task)
                        continue
                    left -= 1
                    pdu = a.recv()
                    equal(pdu.itt, task.itt, 'the task of %s' % pdu)
                    if pdu.name == 'r2t':
                        half = chance.randrange(3) == 0 and losses
                        a.send('data_out', lun=t.lun, itt=task.itt, ttt=pdu.ttt, offset=pdu.offset,
                               data=want[pdu.offset:pdu.offset + (pdu.desired // 2 if half else pdu.desired)],
                               flags=0 if half else FINAL)
                        if half:
                            left = 0
                    elif pdu.name == 'data_in':
                        data[pdu.offset:pdu.offset + len(pdu.data)] = pdu.data
                    else:
                        equal(pdu.name, 'response', 'the end')
                        status = pdu.status
                a.tasks.clear()
                equal(status, GOOD, 'the status')
                equal(bytes(data), want if not is_write else bytes(len(want)), 'the data')
        a.log_out()
