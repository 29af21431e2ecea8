# SPDX-License-Identifier: MIT
"""Data-Out in any order, where that was agreed: RFC 7143 13.18 DataPDUInOrder=No, 13.19 DataSequenceInOrder=No, 13.17 several R2Ts
of a command at a time; what has gaps is never written."""

import random

from talk import *  # noqa: F403

ANY = {'DataPDUInOrder': 'No', 'DataSequenceInOrder': 'No', 'InitialR2T': 'Yes', 'ImmediateData': 'No',
       'MaxBurstLength': '8192', 'MaxOutstandingR2T': '4'}
FREE = {**ANY, 'InitialR2T': 'No', 'ImmediateData': 'Yes', 'FirstBurstLength': '8192'}
WRONG_AMOUNT = 0x0b0c0d


def pieces(offset, length, step, order):
    """(offset, length) of the PDUs of a sequence, in this order of theirs"""
    parts = [(at, min(step, offset + length - at)) for at in range(offset, offset + length, step)]
    return order(parts)


def send(s, task, ttt, parts, last=True):
    for n, (offset, length) in enumerate(parts):
        s.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=ttt, datasn=n, offset=offset,
               flags=FINAL if last and n == len(parts) - 1 else 0, data=task.write[offset:offset + length])


def shuffled(seed):
    return lambda parts: random.Random(seed).sample(parts, len(parts))


ORDERS = {'forward': list, 'backward': lambda parts: parts[::-1], 'even first': lambda parts: parts[::2] + parts[1::2],
          'odd first': lambda parts: parts[1::2] + parts[::2], 'shuffled': shuffled(3), 'otherwise': shuffled(4)}


@conversation('RFC 7143 13.18', 'the PDUs of a solicited sequence come in any order')
def any_order_of_pdus(t):
    s = t.log_in(ANY).settle()
    equal((s.answers['DataPDUInOrder'], s.answers['DataSequenceInOrder']), ('No', 'No'), 'the answers')
    for n, (name, order) in enumerate(ORDERS.items()):
        for step in (512, 1000, 100):
            task = s.start(WRITE10(t.region, 40), write=pattern(40 * BLOCK, n + step))
            while task.status is None:
                before = len(task.r2ts)
                s.step(answer=False)
                for r2t in task.r2ts[before:]:
                    task.outstanding_r2ts -= 1
                    send(s, task, r2t.ttt, pieces(r2t.offset, r2t.desired, step, order))
            equal(task.status, GOOD, 'the status of PDUs %s' % name)
            equal(s.read(t.region, 40), task.write, 'what PDUs %s wrote' % name)


@conversation('RFC 7143 13.18', 'pieces that overlap count once')
def overlaps(t):
    s = t.log_in(ANY).settle()
    task = s.start(WRITE10(t.region, 16), write=pattern(16 * BLOCK))
    s.step(answer=False)
    send(s, task, task.r2ts[0].ttt, [(4096, 2048), (3072, 4096), (7168, 1024), (0, 2048), (1024, 2048), (512, 100), (0, 8192)])
    s.finish(task)
    equal(task.status, GOOD, 'the status')
    equal(s.read(t.region, 16), task.write, 'the data')


@conversation('RFC 7143 13.18', 'unsolicited data in any order, in front of its turn too')
def any_order_unsolicited(t):
    s = t.log_in(FREE).settle()
    for name, order in ORDERS.items():
        for early in (False, True):
            data = pattern(32 * BLOCK, len(name))
            number = s.cmdsn
            pdu = s.pdu('command', flags=WRITE | SIMPLE, itt=s.new_itt(), lun=t.lun, edtl=len(data), cdb=WRITE10(t.region, 32),
                        data=data[:1024], cmdsn=number + early)
            s.send(pdu)
            task = s.tasks[pdu.itt] = Task(pdu, data, 0)
            send(s, task, NONE, pieces(1024, 7168, 512, order))
            s.cmdsn = number
            if early:
                s.silent(0.05)
                s.good(TEST_UNIT_READY)
            s.cmdsn = number + 1 + early
            s.finish(task)
            equal(task.status, GOOD, 'the status of unsolicited PDUs %s' % name)
            equal(s.read(t.region, 32), data, 'what unsolicited PDUs %s wrote' % name)


@conversation('RFC 7143 13.17, 13.19', 'several R2Ts at a time, answered in any order, their PDUs mixed')
def any_order_of_sequences(t):
    s = t.log_in(ANY).settle()
    for seed in range(6):
        task = s.start(WRITE10(t.region, 128), write=pattern(128 * BLOCK, seed))
        for _ in range(4):
            s.step(answer=False)
        equal(len(task.r2ts), 4, 'R2Ts at a time')
        todo = list(task.r2ts)
        chance = random.Random(seed)
        while task.status is None:
            while todo:
                now = [todo.pop(chance.randrange(len(todo))) for _ in range(min(2, len(todo)))]
                parts = {r2t.ttt: pieces(r2t.offset, r2t.desired, 1024, shuffled(seed)) for r2t in now}
                for n in range(8):
                    for r2t in now:
                        offset, length = parts[r2t.ttt][n]
                        s.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=r2t.ttt, datasn=n, offset=offset,
                               flags=FINAL if n == 7 else 0, data=task.write[offset:offset + length])
                task.outstanding_r2ts -= len(now)
            before = len(task.r2ts)
            s.step(answer=False)
            todo += task.r2ts[before:]
        equal(task.status, GOOD, 'the status')
        equal(s.read(t.region, 128), task.write, 'the data')


@conversation('RFC 7143 7.8', 'a sequence that ends with a gap is not written: without recovery its task ends')
def gaps(t):
    s = t.log_in(ANY).settle()
    s.write(t.region, pattern(16 * BLOCK, 9))
    for parts in ([(0, 4096), (4608, 3584)], [(512, 7680)], [(0, 8191)], [(8191, 1)], [(2048, 1024), (4096, 512)]):
        task = s.start(WRITE10(t.region, 16), write=pattern(16 * BLOCK))
        s.step(answer=False)
        send(s, task, task.r2ts[0].ttt, parts)
        s.expect('reject', reason=4)
        s.finish(task)
        equal((task.status, task.sense_code()), (CHECK_CONDITION, WRONG_AMOUNT), 'the status')
        equal(s.read(t.region, 16), pattern(16 * BLOCK, 9), 'what is there')


@conversation('RFC 7143 11.7, 11.7.6, 11.17.1', 'in any order, but within what the R2T asked for')
def outside(t):
    s = t.log_in(ANY).settle()
    for offset, length in ((8192, 512), (8000, 512), (0xfffffe00, 512), (0, 8704), (7 << 28, 1)):
        task = s.start(WRITE10(t.region, 16), write=pattern(16 * BLOCK))
        s.step(answer=False)
        s.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=task.r2ts[0].ttt, datasn=0, offset=offset, data=b'W' * length)
        s.expect('reject', reason=9)
        s.finish(task)
        equal(task.status, CHECK_CONDITION, 'the status')


@conversation('bounded memory', 'more pieces than a target could want to count: the task ends, nothing else')
def dust(t):
    s = t.log_in({**ANY, 'MaxBurstLength': '262144'}).settle()
    task = s.start(WRITE10(t.region, 512), write=pattern(512 * BLOCK))
    s.step(answer=False)
    send(s, task, task.r2ts[0].ttt, [(at, 1) for at in range(1, 2000, 2)] + [(0, 8192)] +
         [(at, 8192) for at in range(8192, 262144, 8192)])
    pdu = s.recv()
    if pdu.name == 'reject':
        s.finish(task)
    else:
        equal(pdu.name, 'response', 'the answer')
        s.tasks.clear()
    s.ping()
    s.write(t.region, pattern(512 * BLOCK, 2))
