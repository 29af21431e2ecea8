# SPDX-License-Identifier: MIT
"""Task management functions in every state of a task, RFC 7143 11.5, 11.6, 4.2.3.3; SAM-5 7."""

from talk import *  # noqa: F403

ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, WARM_RESET, COLD_RESET, TASK_REASSIGN = range(1, 9)
COMPLETE, NO_TASK, NO_LUN, STILL_ALLEGIANT, NO_REASSIGN, NOT_SUPPORTED, AUTHORIZATION, REJECTED = 0, 1, 2, 3, 4, 5, 6, 255
KEYS = {'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxOutstandingR2T': 1}
CONFIG = config(device('second'), target('other', luns='lun.5 = second'), luns='lun.0 = disk\nlun.1 = second')


def function(s, number, *allowed, **fields):
    """The function, answered with one of these responses and nothing else before it."""
    itt = s.ask(number, **fields)
    pdu = s.expect('tmf_response', itt=itt)
    one_of(pdu.response, allowed or (COMPLETE,), 'the response to function %d' % number)
    return pdu.response


def waiting_write(s, blocks=8, lun=None):
    """A write that has its R2T and waits for data."""
    task = s.start(WRITE10(s.talk.region, blocks), write=pattern(blocks * BLOCK), lun=lun)
    while not task.r2ts:
        s.step(answer=False)
        check(task.status is None, 'the write ends without its data')
    return task


def other_session(t, name='other'):
    s = t.connect()
    s.name = t.name + '-' + name
    return s.log_in(KEYS).settle()


def attention(s, lun=None):
    """The unit attention that waits for this session, or None."""
    task = s.command(TEST_UNIT_READY, **({} if lun is None else {'lun': lun}))
    if task.status == GOOD:
        return None
    equal(task.sense_code() >> 16, 6, 'the sense key')
    return task.sense_code() & 0xffff


def no_attention(s, lun=None):
    while attention(s, lun) is not None:
        pass


@conversation('RFC 7143 11.5.1',
              'ABORT TASK of a write that waits for its data: complete, and no response of the task follows', alone=True)
def abort_waiting_for_data(t):
    s = t.log_in(KEYS).settle()
    s.write(t.region, bytes(8 * BLOCK))
    task = waiting_write(s)
    function(s, ABORT_TASK, task=task)
    s.silent(0.3)
    equal(s.read(t.region, 8), bytes(8 * BLOCK), 'the blocks of the aborted write')
    function(s, ABORT_TASK, COMPLETE, NO_TASK, task=task)
    s.write(t.region, pattern(8 * BLOCK, 2))


@conversation('RFC 7143 4.2.3.3, 10.7, 11.7',
              'Data-Out for a write that was aborted changes nothing and hurts nobody', alone=True)
def data_after_abort(t):
    s = t.log_in(KEYS).settle()
    s.write(t.region, bytes(8 * BLOCK))
    task = waiting_write(s)
    function(s, ABORT_TASK, task=task)
    s.data_out(task, task.r2ts[0].ttt, 0, 8 * BLOCK)
    s.send('nop_out', itt=0x7001, immediate=True)
    pdu = s.recv()
    if pdu.name == 'reject':
        pdu = s.recv()
    equal((pdu.name, pdu.itt), ('nop_in', 0x7001), 'the answer')
    equal(s.read(t.region, 8), bytes(8 * BLOCK), 'the blocks of the aborted write')


@conversation('RFC 7143 11.5.1',
              'ABORT TASK of a command behind a hole in CmdSN: it is never executed, and the hole still closes', alone=True)
def abort_behind_a_hole(t):
    s = t.log_in({'ImmediateData': 'Yes', 'InitialR2T': 'Yes'}).settle()
    s.write(t.region, bytes(BLOCK))
    base = s.cmdsn
    task = s.start(WRITE10(t.region, 1), write=pattern(BLOCK), cmdsn=base + 1)
    s.silent(0.1)
    itt = s.ask(ABORT_TASK, rtt=task.itt, refcmdsn=base + 1)
    pdu = s.expect('tmf_response', itt=itt)
    one_of(pdu.response, (COMPLETE, NO_TASK), 'the response')
    s.send('nop_out', itt=0x7002, cmdsn=base)
    s.cmdsn = base + 2
    s.expect('nop_in', itt=0x7002)
    if pdu.response == COMPLETE:
        s.silent(0.2)
        equal(s.read(t.region, 1), bytes(BLOCK), 'the block of the aborted write')
    s.ping()


@conversation('RFC 7143 11.5.5, 11.6.1', 'ABORT TASK of what there is not, with RefCmdSN in and out of the window',
              alone=True)
def abort_of_nothing(t):
    s = t.log_in().settle()
    s.good(TEST_UNIT_READY)
    for refcmdsn in (s.cmdsn - 1, s.cmdsn - 1000, 0, s.cmdsn + 100000):
        function(s, ABORT_TASK, COMPLETE, NO_TASK, rtt=0xabcdef, refcmdsn=refcmdsn & NONE)
    function(s, ABORT_TASK, NO_TASK, COMPLETE, REJECTED, rtt=NONE, refcmdsn=0)
    done = s.good(READ10(t.region, 1), read=BLOCK)
    function(s, ABORT_TASK, COMPLETE, NO_TASK, task=done)
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 7.11, 11.5.1, 11.5.5, 11.6.1',
              'ABORT TASK that comes before its command does: the command is not executed afterwards',
              alone=True)
def abort_before_command(t):
    s = t.log_in({'ImmediateData': 'Yes', 'InitialR2T': 'Yes'}).settle()
    s.write(t.region, bytes(BLOCK))
    base = s.cmdsn
    itt = s.ask(ABORT_TASK, rtt=0x6001, refcmdsn=base)          # its command got lost on the way
    pdu = s.expect('tmf_response', itt=itt)
    one_of(pdu.response, (COMPLETE, NO_TASK), 'the response')
    if pdu.response == COMPLETE:                                # 11.6.1 b: the CmdSN counts as received
        equal(s.expcmdsn, base + 1, 'ExpCmdSN')
        s.cmdsn = base + 1
    s.ping()
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 11.5.1, 11.5.4', 'ABORT TASK of another session, or by another LUN: it finds nothing',
              alone=True)
def abort_of_others(t):
    one, two = t.log_in(KEYS).settle(), other_session(t)
    two.itt += 1000                                             # no function of its own has the tag
    task = waiting_write(one)
    function(two, ABORT_TASK, NO_TASK, COMPLETE, task=task)
    one_of(function(one, ABORT_TASK, NO_TASK, COMPLETE, REJECTED, NO_LUN, lun=1, rtt=task.itt,
                    refcmdsn=task.pdu.cmdsn), (NO_TASK, REJECTED, NO_LUN),
           'the response by another LUN')
    one.answer_r2t(task, task.r2ts[0])
    equal(one.finish(task).status, GOOD, 'the status of the write')


@conversation('RFC 7143 4.2.3.2, 11.5.1, 11.6.2', 'ABORT TASK SET takes all tasks of this session on that LUN, and no others',
              alone=True)
def abort_task_set(t):
    one, two = t.log_in({**KEYS}).settle(), other_session(t)
    no_attention(one, lun=1)
    mine = [waiting_write(one) for _ in range(4)]
    elsewhere = waiting_write(one, lun=1)
    theirs = waiting_write(two)
    function(one, ABORT_TASK_SET)
    one.silent(0.2)
    one.answer_r2t(elsewhere, elsewhere.r2ts[0])
    equal(one.finish(elsewhere).status, GOOD, 'the status of the write to another LUN')
    two.answer_r2t(theirs, theirs.r2ts[0])
    equal(two.finish(theirs).status, GOOD, "the status of another session's write")
    check(all(task.status is None for task in mine), 'an aborted task has a status')
    equal(attention(two), None, 'the unit attention of the other session')


@conversation('SAM-5 7.4, 5.14; SPC-5 7.5.10 (TST)',
              'CLEAR TASK SET takes the tasks of the whole task set; other sessions in it are told (2F00h or TASK ABORTED)', alone=True)
def clear_task_set(t):
    one, two = t.log_in(KEYS).settle(), other_session(t)
    task = waiting_write(one)
    theirs = waiting_write(two)
    function(one, CLEAR_TASK_SET)
    check(task.status is None, 'a cleared task of the own session has a status')
    control = two.good(bytes([0x1a, 8, 0x0a, 0, 64, 0]), read=64).data
    if control[4 + 2] >> 5 == 1:                    # TST: a task set for each I_T nexus, and theirs is not cleared
        two.answer_r2t(theirs, theirs.r2ts[0])
        equal(two.finish(theirs).status, GOOD, "the status of the other session's write")
        return
    try:
        two.step(answer=False, seconds=0.5)
        equal(theirs.status, 0x40, 'the status of the cleared task')              # TAS=1: TASK ABORTED
    except Late:
        equal(attention(two), 0x2f00, 'the unit attention: COMMANDS CLEARED BY ANOTHER INITIATOR')
    two.tasks.clear()
    one.settle()
    two.settle()
    one.write(t.region, pattern(BLOCK))
    two.write(t.region, pattern(BLOCK))


@conversation('SAM-5 7.7, 5.14',
              'LOGICAL UNIT RESET takes the tasks of every session on that LUN; the others are told 29xxh', alone=True)
def logical_unit_reset(t):
    one, two = t.log_in(KEYS).settle(), other_session(t)
    no_attention(two, lun=1)
    no_attention(one, lun=1)
    waiting_write(one)
    theirs = waiting_write(two)
    elsewhere = waiting_write(two, lun=1)
    function(one, LOGICAL_UNIT_RESET)
    two.answer_r2t(elsewhere, elsewhere.r2ts[0])
    equal(two.finish(elsewhere).status, GOOD, 'the status of a write to another LUN')
    del two.tasks[theirs.itt]
    equal((attention(two) or 0) >> 8, 0x29, "the unit attention of the other session, its upper byte")
    equal(attention(two, lun=1), None, 'the unit attention on another LUN')
    one.settle()
    one.write(t.region, pattern(8 * BLOCK, 3))
    equal(two.read(t.region, 8), pattern(8 * BLOCK, 3), 'what was written')


@conversation('RFC 7143 11.5.1',
              'a reset by one target is told to the sessions of another target with the same device', alone=True)
def reset_through_another_target(t):
    one = t.log_in(KEYS).settle()
    no_attention(one, lun=1)
    two = t.connect()
    two.name = t.name + '-two'
    two.log_in(KEYS, target='iqn.2026-11.org.sptgt:other')
    no_attention(two, lun=5)
    waiting_write(two, lun=5)
    function(one, LOGICAL_UNIT_RESET, lun=1)
    two.tasks.clear()
    equal((attention(two, lun=5) or 0) >> 8, 0x29, 'the unit attention at the other target')


@conversation('RFC 7143 11.5.1', 'TARGET WARM RESET resets every LUN; the sessions stay', alone=True)
def warm_reset(t):
    one, two = t.log_in(KEYS).settle(), other_session(t)
    no_attention(two, lun=1)
    waiting_write(one)
    itt = one.ask(WARM_RESET)
    one.expect('tmf_response', itt=itt, response=COMPLETE)
    for lun in (0, 1):
        equal((attention(two, lun=lun) or 0) >> 8, 0x29,
              'the unit attention of the other session on LUN %d' % lun)
    two.ping()
    one.ping()
    no_attention(one)
    one.tasks.clear()
    one.write(t.region, pattern(BLOCK))


@conversation('RFC 7143 11.5.1', 'TARGET COLD RESET: every connection of the target ends',
              alone=True)
def cold_reset(t):
    one, two = t.log_in(KEYS).settle(), other_session(t)
    itt = one.ask(COLD_RESET)
    one.expect('tmf_response', itt=itt, response=COMPLETE)
    one.gone()
    two.gone()
    t.log_in(KEYS).settle()


@conversation('RFC 7143 11.6.1', 'CLEAR ACA, TASK REASSIGN and functions that there are not', alone=True)
def other_functions(t):
    s = t.log_in(KEYS).settle()
    task = waiting_write(s)
    function(s, CLEAR_ACA, COMPLETE, NOT_SUPPORTED, REJECTED)
    function(s, TASK_REASSIGN, NO_REASSIGN, NOT_SUPPORTED, NO_TASK, REJECTED, rtt=task.itt,
             refcmdsn=task.pdu.cmdsn)
    for number in (0, 9, 10, 11, 12, 13, 64, 127):
        itt = s.ask(number)
        try:
            pdu = s.recv()
        except Gone:
            s = t.log_in(KEYS).settle()
            continue
        if pdu.name == 'tmf_response':
            equal(pdu.itt, itt, 'the tag')
            one_of(pdu.response, (NOT_SUPPORTED, REJECTED), 'the response to function %d' % number)
        else:
            equal(pdu.name, 'reject', 'the answer to function %d' % number)
    s.ping()


@conversation('RFC 7143 11.6.1', 'functions for a LUN that does not exist', alone=True)
def no_such_lun(t):
    s = t.log_in(KEYS).settle()
    for lun in (9, 300, 0x8000000000000000):
        for number in (ABORT_TASK, ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET):
            function(s, number, NO_LUN, *([NO_TASK] if number == ABORT_TASK else []), lun=lun, rtt=0x99,
                     refcmdsn=s.cmdsn - 1)
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 4.2.2.1', 'a function that is not immediate waits for its CmdSN and is then answered',
              alone=True)
def not_immediate(t):
    s = t.log_in(KEYS).settle()
    task = waiting_write(s)
    function(s, ABORT_TASK, task=task, immediate=False)
    base = s.cmdsn
    s.send('tmf', flags=FINAL | ABORT_TASK_SET, itt=0x7003, lun=t.lun, rtt=NONE, cmdsn=base + 1)
    s.silent(0.2)
    s.send('nop_out', itt=0x7004, cmdsn=base)
    equal({s.recv().itt, s.recv().itt}, {0x7003, 0x7004}, 'what is answered when the hole is filled')
    s.cmdsn = base + 2
    s.ping()


@conversation('RFC 7143 11.5', 'many aborts at once, and a session that ends while they run', alone=True,
              seconds=30)
def many_aborts(t):
    for end in ('answered', 'dropped'):
        s = t.log_in(KEYS).settle()
        tasks = [waiting_write(s, blocks=1) for _ in range(32)]
        itts = [s.ask(ABORT_TASK, task=task, immediate=False) for task in tasks]
        if end == 'dropped':
            s.reset()
            continue
        for itt in itts:
            s.expect('tmf_response', itt=itt, response=COMPLETE)
        s.silent(0.1)
        s.good(TEST_UNIT_READY)


@conversation('RFC 7143 11.5, E', 'a session resets the unit and leaves at once; another works on', alone=True)
def reset_and_leave(t):
    two = other_session(t)
    for _ in range(20):
        s = t.log_in(KEYS).settle()
        waiting_write(s)
        s.ask(LOGICAL_UNIT_RESET)
        s.reset()
    two.settle()
    two.write(t.region, pattern(BLOCK))
