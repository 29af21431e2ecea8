# SPDX-License-Identifier: MIT
"""Functions that end several tasks: what they wait for (RFC 7143 4.2.3.3), FastAbort (4.2.3.4), TASK ABORTED status
(SAM-5 5.6), resets of the target by configuration, and the functions of RFC 7144."""

import re

from talk import *  # noqa: F403

ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, WARM_RESET, COLD_RESET = range(1, 8)
TASK_REASSIGN = 8
QUERY_TASK, QUERY_TASK_SET, NEXUS_RESET, QUERY_EVENT = 9, 10, 11, 12
COMPLETE, NO_TASK, NO_LUN, NOT_SUPPORTED, AUTHORIZATION, SUCCEEDED, REJECTED = 0, 1, 2, 5, 6, 7, 255
SEVERAL = (ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, WARM_RESET)
TASKS_TERMINATED = 5
KEYS = {'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxOutstandingR2T': 1}
LEVEL_2 = {**KEYS, 'iSCSIProtocolLevel': 2}
FAST = {**KEYS, 'TaskReporting': 'FastAbort'}
BLOCKS = 8
CONFIG = config(device('second'), target('denied', 'target-reset = deny'), target('unsupported', 'target-reset = unsupported'),
                luns='lun.0 = disk\nlun.1 = second\nlun.300 = second', talk='abort-data-wait = 1s')


def function(s, number, response, **fields):
    return s.expect('tmf_response', itt=s.ask(number, **fields), response=response)


def waiting_write(s, lun=None):
    task = s.start(WRITE10(s.talk.region, BLOCKS), write=pattern(BLOCKS * BLOCK), lun=lun)
    while not task.r2ts:
        s.step(answer=False)
    return task


def session(t, keys=KEYS, name='other', target=True):
    s = t.connect()
    s.name = '%s-%s' % (t.name, name)
    s.log_in(keys, target)
    for lun in (0, 1) if target is True else (0,):
        while s.command(TEST_UNIT_READY, lun=lun).status != GOOD:
            pass
    return s


def untouched(s, lun=0):
    while s.command(TEST_UNIT_READY, lun=lun).status != GOOD:
        pass
    task = s.good(READ10(s.talk.region, BLOCKS), read=BLOCKS * BLOCK, lun=lun)
    equal(bytes(task.data), bytes(BLOCKS * BLOCK), 'the blocks of the aborted write')


@conversation('RFC 7143 4.2.3.3 a, 11.5.1', 'the data that R2Ts have asked for is awaited, and the write is not done', alone=True)
def data_is_awaited(t):
    for number in SEVERAL:
        s = session(t)
        s.write(t.region, bytes(BLOCKS * BLOCK))
        task = waiting_write(s)
        itt = s.ask(number)
        s.silent(0.2)
        s.data_out(task, task.r2ts[0].ttt, 0, BLOCKS * BLOCK)
        s.expect('tmf_response', seconds=0.7, itt=itt, response=COMPLETE)
        s.tasks.clear()
        untouched(s)
        s.close()


@conversation('RFC 7143 11.5.1', 'the sequence may end early with the F bit while a function waits for it, and only then', alone=True)
def sequence_ends_early(t):
    s = session(t)
    s.write(t.region, bytes(BLOCKS * BLOCK))
    task = waiting_write(s)
    itt = s.ask(ABORT_TASK_SET)
    s.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=task.r2ts[0].ttt, datasn=0, offset=0, flags=FINAL, data=task.write[:BLOCK])
    s.expect('tmf_response', seconds=0.7, itt=itt, response=COMPLETE)
    s.tasks.clear()
    untouched(s)
    task = waiting_write(s)
    s.send('data_out', lun=task.pdu.lun, itt=task.itt, ttt=task.r2ts[0].ttt, datasn=0, offset=0, flags=FINAL, data=task.write[:BLOCK])
    s.expect('reject', reason=9)


@conversation('RFC 7143 4.2.3.3 a', 'an initiator that sends nothing more is waited for as long as the target says, no longer', alone=True)
def nothing_comes(t):
    s = session(t)
    s.write(t.region, bytes(BLOCKS * BLOCK))
    task = waiting_write(s)
    itt = s.ask(LOGICAL_UNIT_RESET)
    s.silent(0.5)
    s.expect('tmf_response', itt=itt, response=COMPLETE)
    s.data_out(task, task.r2ts[0].ttt, 0, BLOCKS * BLOCK)           # late: dropped, and no Reject
    s.tasks.clear()
    s.ping()
    untouched(s)


@conversation('RFC 7143 4.2.3.2, 4.2.3.3 a', 'data of other logical units is not waited for, nor that of commands which came later', alone=True)
def only_what_is_affected(t):
    s = session(t)
    other = waiting_write(s, lun=1)
    function(s, ABORT_TASK_SET, COMPLETE)
    first = waiting_write(s)
    itt = s.ask(ABORT_TASK_SET)
    later = waiting_write(s)
    s.data_out(first, first.r2ts[0].ttt, 0, BLOCKS * BLOCK)
    s.expect('tmf_response', seconds=0.7, itt=itt, response=COMPLETE)
    del s.tasks[first.itt]
    for task in (other, later):
        s.answer_r2t(task, task.r2ts[0])
        equal(s.finish(task).status, GOOD, 'the status of a write that is not affected')


@conversation('RFC 7143 4.2.3.3 b, 11.5.1', 'commands with a lower CmdSN that come after the function are awaited, and aborted', alone=True)
def commands_are_awaited(t):
    for keys in (KEYS, FAST):
        s = session(t, keys)
        s.write(t.region, bytes(BLOCKS * BLOCK))
        base = s.cmdsn
        itt = s.ask(ABORT_TASK_SET, cmdsn=base + 1)                    # immediate, behind a hole
        s.silent(0.2)
        task = s.start(WRITE10(t.region, BLOCKS), write=pattern(BLOCKS * BLOCK), cmdsn=base)
        s.cmdsn = base + 1
        s.expect('tmf_response', seconds=0.7, itt=itt, response=COMPLETE)   # and no R2T
        del s.tasks[task.itt]
        untouched(s)
        s.close()


@conversation('RFC 7143 4.2.3.3 b', 'a reset of the target does not wait for commands: they count as received', alone=True)
def reset_plugs_the_hole(t):
    s = session(t)
    s.write(t.region, bytes(BLOCKS * BLOCK))
    base = s.cmdsn
    s.expect('tmf_response', seconds=0.7, itt=s.ask(WARM_RESET, cmdsn=base + 2), response=COMPLETE)
    s.cmdsn = base + 2
    s.ping()
    equal(s.expcmdsn, base + 2, 'ExpCmdSN')
    late = s.start(WRITE10(t.region, BLOCKS), write=pattern(BLOCKS * BLOCK), cmdsn=base)
    s.silent(0.2)
    del s.tasks[late.itt]
    untouched(s)


@conversation('RFC 7143 4.2.2.1, 4.2.3.3 b', 'a reset with a CmdSN beyond the window plugs nothing, and keeps nobody waiting', alone=True)
def reset_beyond_the_window(t):
    s = session(t)
    for ahead in (0x7fffffff, 1000):
        function(s, WARM_RESET, COMPLETE, cmdsn=(s.cmdsn + ahead) & NONE)
        s.settle()


@conversation('RFC 7143 4.2.3.3', 'a function that is refused in the end holds nothing back', alone=True)
def refused_in_the_end(t):
    s = session(t)
    task = waiting_write(s)
    function(s, NEXUS_RESET, NOT_SUPPORTED)                         # level 1
    function(s, LOGICAL_UNIT_RESET, NO_LUN, lun=9)
    s.answer_r2t(task, task.r2ts[0])
    equal(s.finish(task).status, GOOD, 'the status of the write')


@conversation('RFC 7143 4.2.3.3', 'two functions wait for the same data; the connection may go meanwhile', alone=True)
def two_functions_wait(t):
    for end in ('data', 'reset', 'close'):
        s = session(t)
        task = waiting_write(s)
        itts = {s.ask(ABORT_TASK_SET), s.ask(LOGICAL_UNIT_RESET)}
        s.silent(0.1)
        if end == 'data':
            s.data_out(task, task.r2ts[0].ttt, 0, BLOCKS * BLOCK)
            equal({s.expect('tmf_response', response=COMPLETE).itt for _ in itts}, itts, 'what is answered')
        elif end == 'reset':
            s.reset()
        else:
            s.close()


@conversation('RFC 7143 4.2.3.4', 'with FastAbort data is not waited for, and what comes late is dropped', alone=True)
def fast_abort(t):
    for number in SEVERAL:
        s = session(t, FAST)
        equal(s.answers['TaskReporting'], 'FastAbort', 'TaskReporting')
        s.write(t.region, bytes(BLOCKS * BLOCK))
        task = waiting_write(s)
        s.expect('tmf_response', seconds=0.7, itt=s.ask(number), response=COMPLETE)
        s.data_out(task, task.r2ts[0].ttt, 0, BLOCKS * BLOCK)
        s.tasks.clear()
        s.ping()
        untouched(s)
        s.close()


@conversation('RFC 7143 4.2.3.4 d, 4.2.3.5, 11.9.1', 'with FastAbort other sessions that lose tasks are told which logical unit, and no others', alone=True)
def fast_abort_tells_others(t):
    one, two, three, plain = session(t, FAST, 'a'), session(t, FAST, 'b'), session(t, FAST, 'c'), session(t, KEYS, 'd')
    waiting_write(two)
    waiting_write(two)
    waiting_write(two, lun=1)
    task = waiting_write(plain)
    function(one, LOGICAL_UNIT_RESET, COMPLETE)
    two.expect('async', event=TASKS_TERMINATED, lun=0, itt=NONE)
    two.send('nop_out', itt=NONE, lun=0, immediate=True)              # the acknowledgement: no answer
    two.silent(0.2)
    three.silent(0.1)
    plain.silent(0.1)
    function(one, WARM_RESET, COMPLETE)
    two.expect('async', event=TASKS_TERMINATED, lun=1)
    plain.data_out(task, task.r2ts[0].ttt, 0, BLOCKS * BLOCK)
    plain.tasks.clear()
    two.tasks.clear()
    for s in (one, two, three, plain):
        s.settle()


def set_tas(s, on):
    s.good(bytes([0x15, 0x10, 0, 0, 16, 0]), write=bytes([0, 0, 0, 0, 0x0a, 0x0a, 0x20, 0x10, 0, 0x40 if on else 0]) + bytes(6))


@conversation('SAM-5 5.6; SPC-5 7.5.10 (TAS)', 'with TAS one the tasks that another nexus ends have status TASK ABORTED; the own ones have none', alone=True)
def task_aborted_status(t):
    one, two = session(t, FAST, 'a'), session(t, KEYS, 'b')
    set_tas(one, True)
    equal(one.good(bytes([0x1a, 8, 0x0a, 0, 64, 0]), read=64).data[4 + 5] & 0x40, 0x40, 'TAS')
    two.settle()
    waiting_write(one)
    theirs = waiting_write(two)
    function(one, LOGICAL_UNIT_RESET, COMPLETE)
    two.step(answer=False)
    equal(theirs.status, 0x40, 'the status')
    one.silent(0.1)
    one.tasks.clear()
    one.settle()
    two.settle()
    equal(one.good(bytes([0x1a, 8, 0x0a, 0, 64, 0]), read=64).data[4 + 5] & 0x40, 0, 'TAS after a reset')
    theirs = waiting_write(two)
    function(one, LOGICAL_UNIT_RESET, COMPLETE)
    two.silent(0.2)
    two.tasks.clear()


@conversation('RFC 7143 11.5.1, 11.6.1', 'TARGET WARM RESET and COLD RESET are answered as the configuration says, and nobody is hurt', alone=True)
def target_reset_refused(t):
    for name, response in (('denied', AUTHORIZATION), ('unsupported', NOT_SUPPORTED)):
        s = session(t, KEYS, name, 'iqn.2026-11.org.sptgt:' + name)
        task = waiting_write(s)
        for number in (WARM_RESET, COLD_RESET):
            function(s, number, response)
        s.answer_r2t(task, task.r2ts[0])
        equal(s.finish(task).status, GOOD, 'the status of the write')
        function(s, LOGICAL_UNIT_RESET, COMPLETE)


@conversation('SAM-5 5.6 (TAS); RFC 7143 13.20', 'a write that is ended in the middle of a Data-Out keeps its buffer until that has come', alone=True)
def task_aborted_while_data_comes(t):
    half, blocks = 65536, 256
    one = session(t, KEYS, 'a')
    two = session(t, {**KEYS, 'ErrorRecoveryLevel': '1', 'MaxConnections': '2'}, 'b')
    beside = two.add(1)
    set_tas(one, True)
    two.settle()
    task = two.start(WRITE10(t.region, blocks), write=b'\xee' * 2 * half)
    two.step(answer=False)
    late = two.pdu('data_out', lun=t.lun, itt=task.itt, ttt=task.r2ts[0].ttt, flags=0, data=task.write[:half]).encode()
    two.send_bytes(late[:200])
    two.taken()
    function(one, LOGICAL_UNIT_RESET, COMPLETE)
    two.step(answer=False)
    equal(task.status, 0x40, 'the status')
    beside.settle()
    mine = beside.start(WRITE10(t.region, blocks), write=pattern(2 * half, 9))
    beside.step(answer=False)
    r2t = mine.r2ts[0]
    beside.send('data_out', lun=t.lun, itt=mine.itt, ttt=r2t.ttt, flags=0, data=mine.write[:half])
    beside.ping()
    two.send_bytes(late[200:])
    two.ping()
    beside.send('data_out', lun=t.lun, itt=mine.itt, ttt=r2t.ttt, datasn=1, offset=half, data=mine.write[half:])
    beside.finish(mine)
    equal(beside.read(t.region, blocks), mine.write, 'the data of the other write')
    one.settle()


@conversation('RFC 7144 4.1, 6.4.2', 'QUERY TASK and QUERY TASK SET: function succeeded when there is one, function complete when not', alone=True)
def query_task(t):
    s = session(t, LEVEL_2)
    equal(s.answers['iSCSIProtocolLevel'], '2', 'iSCSIProtocolLevel')
    function(s, QUERY_TASK_SET, COMPLETE)
    task = waiting_write(s)
    function(s, QUERY_TASK, SUCCEEDED, task=task)
    function(s, QUERY_TASK_SET, SUCCEEDED)
    function(s, QUERY_TASK_SET, COMPLETE, lun=1)
    function(s, QUERY_TASK, COMPLETE, task=task, lun=1)
    function(s, QUERY_TASK, COMPLETE, rtt=task.itt + 1, refcmdsn=task.pdu.cmdsn)
    function(s, QUERY_TASK_SET, NO_LUN, lun=9)
    s.answer_r2t(task, task.r2ts[0])
    s.finish(task)
    function(s, QUERY_TASK, COMPLETE, task=task)


@conversation('RFC 7144 6.3.3, 6.4.2', 'QUERY TASK of a command that is still on its way, or that was before the window: complete, and nothing is changed by it',
              alone=True)
def query_before_command(t):
    s = session(t, LEVEL_2)
    number = s.cmdsn
    s.cmdsn += 1
    for refcmdsn in (number, number - 1, number + 1, number + 1000):
        function(s, QUERY_TASK, COMPLETE, rtt=0x4711, refcmdsn=refcmdsn)
    equal(s.expcmdsn, number, 'ExpCmdSN, where the command is awaited')
    task = s.start(TEST_UNIT_READY, itt=0x4711, cmdsn=number)       # ABORT TASK would have taken it for received (11.6.1)
    s.finish(task)
    equal(task.status, GOOD, 'the status')


@conversation('RFC 7144 6.4.2; SAM-5 7.8', 'QUERY ASYNCHRONOUS EVENT tells the unit attention that waits, and takes none', alone=True)
def query_event(t):
    one, two = session(t, LEVEL_2, 'a'), session(t, KEYS, 'b')
    equal(function(one, QUERY_EVENT, COMPLETE).additional, 0, 'the additional response information')
    function(two, LOGICAL_UNIT_RESET, COMPLETE)
    for _ in range(2):
        pdu = function(one, QUERY_EVENT, SUCCEEDED)
        equal(pdu.additional & 0xffff, 0x2903, 'additional sense code and qualifier')
        equal(pdu.additional >> 16 & 0xf, 6, 'the sense key')
    one.failed(TEST_UNIT_READY, 0x062903)


RETAINED = {'ErrorRecoveryLevel': 2, 'MaxConnections': 4, 'DefaultTime2Retain': 20}


@conversation('RFC 7144 6.3, 6.5', 'I_T NEXUS RESET ends the tasks of this nexus on every logical unit, and all its connections; nothing is retained',
              alone=True)
def nexus_reset(t):
    one, two = session(t, {**LEVEL_2, **RETAINED}, 'a'), session(t, KEYS, 'b')
    beside = one.add(1)
    waiting_write(one)
    waiting_write(beside, lun=1)
    theirs = waiting_write(two)
    itt = one.ask(NEXUS_RESET)
    one.silent(0.3)                                    # the data that was asked for is awaited
    one.expect('tmf_response', itt=itt, response=COMPLETE)
    one.gone(allowed=())
    beside.gone()
    try:
        one.add(2)
    except Refused as e:
        equal(e.status, 0x020a, 'the status of a login to the session')
    else:
        raise Wrong('the session is still there')
    two.answer_r2t(theirs, theirs.r2ts[0])
    equal(two.finish(theirs).status, GOOD, 'the status of the write of another nexus')


@conversation('RFC 7143 11.5.1; RFC 7144 6.3', 'a function is not aborted, queried or reassigned; nor is a negotiation reassigned', alone=True)
def of_functions(t):
    s = session(t, {**LEVEL_2, **RETAINED})
    task = waiting_write(s)
    waits = s.ask(ABORT_TASK_SET)
    for number in (ABORT_TASK, QUERY_TASK, TASK_REASSIGN):
        function(s, number, REJECTED, rtt=waits, refcmdsn=s.cmdsn)
        function(s, number, REJECTED, rtt=s.itt + 1, refcmdsn=s.cmdsn)         # itself
    s.answer_r2t(task, task.r2ts[0])
    s.expect('tmf_response', itt=waits, response=COMPLETE)
    s.tasks.clear()
    function(s, QUERY_TASK, COMPLETE, rtt=waits, refcmdsn=s.cmdsn)
    function(s, TASK_REASSIGN, NO_TASK, rtt=waits)
    text = s.new_itt()
    s.send('text', flags=0, itt=text, ttt=NONE, immediate=True, data=b'X-org.sptgt.talk=1\0')
    s.expect('text_response', itt=text)
    function(s, TASK_REASSIGN, REJECTED, rtt=text)


@conversation('RFC 7144 4.1, 6.3', 'below protocol level 2 the functions of RFC 7144 are not supported', alone=True)
def level_1(t):
    s = session(t, {**KEYS, 'iSCSIProtocolLevel': 1})
    for number in (QUERY_TASK, QUERY_TASK_SET, NEXUS_RESET, QUERY_EVENT):
        function(s, number, NOT_SUPPORTED)


@conversation('RFC 7143 11.5.1; SAM-5 4.7', 'a function finds its logical unit by any format of its LUN', alone=True)
def formats_of_lun(t):
    s = session(t)
    flat, extended = 0x4000 << 48, 0xd2 << 56
    for lun in (flat, extended):
        task = waiting_write(s)
        s.expect('tmf_response', itt=s.ask(ABORT_TASK, lun=lun, task=task), response=COMPLETE)
        s.silent(0.1)
        s.tasks.clear()
        function(s, LOGICAL_UNIT_RESET, COMPLETE, lun=lun)
        s.settle()
    function(s, LOGICAL_UNIT_RESET, COMPLETE, lun=0x412c << 48)        # 300, flat
    function(s, LOGICAL_UNIT_RESET, COMPLETE, lun=0xd200012c << 32)    # 300, extended flat
    for lun in (0xc101 << 48, 0xc102 << 48, 1 << 32, 0xe1 << 56, NONE << 32 | NONE):
        function(s, LOGICAL_UNIT_RESET, NO_LUN, lun=lun)


@conversation('RFC 7143 11.5', 'a flood of functions is answered one by one and fills no log', alone=True)
def flood(t):
    s = session(t)
    for _ in range(20):
        for _ in range(30):
            s.ask(LOGICAL_UNIT_RESET)
        for _ in range(30):
            s.expect('tmf_response')
    s.log_out()
    log = t.daemon.says(re.compile(':%d,.* closed' % s.local_port)) if t.daemon else ''
    check(log.count('LOGICAL UNIT RESET of LUN') < 150, 'a log line for each function')
