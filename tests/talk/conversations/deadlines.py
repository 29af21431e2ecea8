# SPDX-License-Identifier: MIT
"""No state waits without a deadline: data of a write that never comes (RFC 7143 7.1.4.1, 7.9), commands that do not leave
their device while their initiator logs out (11.14, 11.15.1)."""

import time

from talk import *  # noqa: F403

CONFIG = config(device('stuck', 'layers = fault', 'fault-rules = op=write(10) hang=reset'), luns='lun.0 = disk\nlun.1 = stuck',
                talk='data-out-wait = 1s\nbudget = 1M\nmax-connections = 4')
KEYS = {'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxOutstandingR2T': 1, 'MaxConnections': 4}
RECOVERS = {**KEYS, 'ErrorRecoveryLevel': 1}
TIMEOUT = 0x0b4b06                                   # INITIATOR RESPONSE TIMEOUT
LOGICAL_UNIT_RESET = 5


def asked(s, task):
    """The next R2T of the task, not answered."""
    n = len(task.r2ts)
    while len(task.r2ts) == n:
        s.step(answer=False)
    task.outstanding_r2ts = 0
    return task.r2ts[-1]


def ended(s, task, since):
    s.finish(task)
    equal((task.status, task.sense_code()), (CHECK_CONDITION, TIMEOUT), 'status and sense')
    check(time.monotonic() - since > 0.9, 'it ends before the time of the configuration')


@conversation('RFC 7143 7.1.4.1', 'at level 0 a write whose data does not come ends in time, and gives back its budget')
def never_comes(t):
    for keys in (KEYS, {**KEYS, 'InitialR2T': 'No', 'FirstBurstLength': 65536}):
        s = t.log_in(keys).settle()
        start, data = time.monotonic(), pattern(1000 * BLOCK)
        tasks = []
        for n in range(2):                           # both together have all of the budget
            cdb = WRITE10(t.region, 1000)
            s.send('command', flags=SIMPLE | WRITE | (0 if keys['InitialR2T'] == 'No' else FINAL), itt=s.new_itt(), lun=0,
                   edtl=len(data), cdb=cdb)
            tasks.append(s.itt)
        for _ in tasks:
            while (pdu := s.recv()).name == 'r2t':
                pass
            equal(pdu.name, 'response', 'what comes')
            check(pdu.itt in tasks, 'an answer of another task')
            equal(pdu.data[2 + 2] & 0xf, 0xb, 'the sense key')
            equal(pdu.data[2 + 12:2 + 14], bytes([0x4b, 6]), 'the additional sense code and qualifier')
        check(0.9 < time.monotonic() - start < 8, 'not in the time of the configuration')
        s.send('data_out', itt=tasks[0], ttt=0 if keys is KEYS else NONE, lun=0, flags=FINAL, data=data[:BLOCK])     # late: dropped
        s.write(t.region, data)
        equal(s.read(t.region, 1000), data, 'the data')
        s.close()


@conversation('RFC 7143 7.1.4.1', 'data that comes slowly is waited for')
def comes_slowly(t):
    for keys in (KEYS, RECOVERS):
        s = t.log_in(keys).settle()
        data = pattern(8 * BLOCK)
        task = s.start(WRITE10(t.region, 8), write=data)
        r2t = asked(s, task)
        for n in range(8):
            time.sleep(0.4)
            s.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=r2t.ttt, datasn=n, offset=n * BLOCK,
                   flags=FINAL if n == 7 else 0, data=data[n * BLOCK:(n + 1) * BLOCK])
        equal(s.finish(task).status, GOOD, 'the status')
        equal(s.read(t.region, 8), data, 'the data')


@conversation('RFC 7143 7.1.4.1, 7.9', 'above level 0 what is missing is asked for again, and what comes late with the old tag is dropped')
def asked_again(t):
    for have in (0, 3):                              # blocks that came before the silence
        s = t.log_in(RECOVERS).settle()
        data = pattern(8 * BLOCK, have + 1)
        task = s.start(WRITE10(t.region, 8), write=data)
        first = asked(s, task)
        for n in range(have):
            s.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=first.ttt, datasn=n, offset=n * BLOCK, flags=0,
                   data=data[n * BLOCK:(n + 1) * BLOCK])
        second = asked(s, task)
        check(second.ttt != first.ttt, 'the recovery R2T has the old tag')
        equal((second.offset, second.desired), (have * BLOCK, (8 - have) * BLOCK), 'what is asked for')
        s.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=first.ttt, datasn=have, offset=have * BLOCK, flags=FINAL,
               data=bytes((8 - have) * BLOCK))
        s.data_out(task, second.ttt, second.offset, second.desired)
        equal(s.finish(task).status, GOOD, 'the status')
        equal(s.read(t.region, 8), data, 'the data')


@conversation('RFC 7143 7.1.4.1, 7.9', 'unsolicited data that was announced and does not come is asked for')
def unsolicited(t):
    s = t.log_in({**RECOVERS, 'InitialR2T': 'No', 'FirstBurstLength': 4096}).settle()
    data = pattern(8 * BLOCK)
    s.send('command', flags=SIMPLE | WRITE, itt=s.new_itt(), lun=0, edtl=len(data), cdb=WRITE10(t.region, 8))
    r2t = s.expect('r2t', seconds=5, itt=s.itt, offset=0, desired=len(data))
    s.send('data_out', itt=s.itt, ttt=NONE, lun=0, flags=FINAL, data=bytes(len(data)))                     # late
    s.send('data_out', itt=s.itt, ttt=r2t.ttt, lun=0, flags=FINAL, data=data)
    s.expect('response', itt=s.itt, status=GOOD)
    equal(s.read(t.region, 8), data, 'the data')


@conversation('RFC 7143 7.1.4.1', 'it is asked for three times, and then the command ends')
def asked_in_vain(t):
    s = t.log_in(RECOVERS).settle()
    task = s.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    start = time.monotonic()
    for _ in range(4):
        asked(s, task)
    ended(s, task, start)
    check(t.metrics()['sptgt_data_out_timeouts_total'] > 0, 'it is not counted')
    equal(len(task.r2ts), 4, 'the number of R2Ts')
    s.ping()
    s.write(t.region, pattern(8 * BLOCK))


def logout(s, reason):
    itt = s.new_itt()
    s.send('logout', flags=FINAL | reason, itt=itt, cid=s.cid)
    return itt


@conversation('RFC 7143 11.14', 'the answer to a logout waits until the commands have left their device', alone=True)
def logout_waits(t):
    for reason in (0, 1):
        other = t.connect()
        other.name = t.name + '-other'
        other.log_in().settle()
        s = t.log_in({**KEYS, 'ErrorRecoveryLevel': 1})
        for lun in (0, 1):
            while s.command(TEST_UNIT_READY, lun=lun).status != GOOD:
                pass
        s.add(1)
        task = s.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK), lun=1)
        s.step()
        itt = logout(s, reason)
        s.silent(0.5)
        mine = other.ask(LOGICAL_UNIT_RESET, 1)
        s.expect('logout_response', itt=itt, response=0)
        s.gone(allowed=())
        check(task.status is None, 'the command has an answer')
        other.expect('tmf_response', itt=mine, response=0)
        other.close()


@conversation('RFC 7143 11.14, 11.15.1', 'but not for ever: cleanup failed', alone=True)
def logout_ends(t):
    other = t.connect()
    other.name = t.name + '-other'
    other.log_in().settle()
    s = t.log_in(KEYS)
    while s.command(TEST_UNIT_READY, lun=1).status != GOOD:
        pass
    s.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK), lun=1)
    s.step()
    itt = logout(s, 0)
    s.expect('logout_response', seconds=8, itt=itt, response=3)
    s.gone(allowed=())
    other.ask(LOGICAL_UNIT_RESET, 1)
    other.expect('tmf_response', response=0)


@conversation('RFC 7143 4.2.2.1', 'commands behind a gap in CmdSN end in time, and give back what they hold; they are not done, and answered when the gap is closed',
              alone=True)
def behind_a_gap(t):
    for level in (0, 2):
        s = t.log_in({**KEYS, 'ImmediateData': 'Yes', 'FirstBurstLength': 65536, 'ErrorRecoveryLevel': level}).settle()
        s.write(t.region, bytes(128 * BLOCK))
        base, before = s.cmdsn, t.metrics()['sptgt_data_out_timeouts_total']
        tasks = [s.start(WRITE10(t.region, 128), write=pattern(128 * BLOCK), cmdsn=base + 1 + n) for n in range(15)]    # nearly all of the budget
        tasks.append(s.start(READ10(t.region, 8), read=8 * BLOCK, cmdsn=base + 16))
        t.until(lambda: t.metrics()['sptgt_data_out_timeouts_total'] - before == len(tasks), 'they do not end', 8)
        s.silent(0.2)
        s.cmdsn = base
        s.write(t.region + 128, pattern(1000 * BLOCK))       # the missing one
        s.cmdsn = base + 17
        for task in tasks:
            s.finish(task)
            equal((task.status, task.sense_code()), (CHECK_CONDITION, TIMEOUT), 'status and sense')
        equal(s.read(t.region, 128), bytes(128 * BLOCK), 'the blocks of the writes that were given up')
        s.log_out()
