# SPDX-License-Identifier: MIT
"""Sessions with several connections: the Response Fence (RFC 7143 4.2.2.3.3, 4.2.2.3.4) and the functions that end several tasks
(4.2.3.3, 4.2.3.4) across them."""

import time

from talk import *  # noqa: F403

CONFIG = config(device('second'), device('far', 'layers = fault', 'fault-rules = op=read(10) status=aca-active'), device('slow', 'layers = delay', 'delay-rules = op=write(10) before=400ms'),
                luns='lun.0 = disk\nlun.1 = second\nlun.2 = slow\nlun.3 = far', talk='response-fence-wait = 2s\nmax-connections = 16\nabort-data-wait = 1s')
ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, WARM_RESET = 1, 2, 3, 4, 5, 6
I_T_NEXUS_RESET = 12
COMPLETE, NO_LUN, NOT_SUPPORTED = 0, 2, 5
TASKS_TERMINATED = 5
KEYS = {'MaxConnections': 16, 'InitialR2T': 'Yes', 'ImmediateData': 'No', 'TaskReporting': 'ResponseFence'}
FAST = {**KEYS, 'TaskReporting': 'FastAbort'}


def session(t, connections, keys=KEYS, name='other'):
    """Its connections; no ping is answered by itself from here on."""
    a = t.connect()
    a.name = '%s-%s' % (t.name, name)
    a.log_in(keys)
    equal(a.answers['TaskReporting'], keys.get('TaskReporting'), 'TaskReporting')
    for lun in (0, 1, 2, 3):
        while a.command(TEST_UNIT_READY, lun=lun).status != GOOD:
            pass
    out = [a] + [a.add(cid) for cid in range(1, connections)]
    for s in out:
        s.ping()
        s.answer_pings = False
    acknowledged(out)
    return out


def acknowledged(connections):
    """The target knows that all it has sent has arrived."""
    for s in connections:
        s.send('nop_out', immediate=True, itt=NONE, ttt=NONE)      # that has no answer
        s.taken()


def unacknowledged(s, lun=0):
    """It has a status that ExpStatSN has not acknowledged."""
    s.no_acknowledgement()
    s.good(TEST_UNIT_READY, lun=lun)


def asked(s, seconds=3):
    """The NOP-In with which the target asks for ExpStatSN (4.2.2.3.3 b)."""
    pdu = s.expect('nop_in', seconds, itt=NONE)
    check(pdu.ttt != NONE, 'the NOP-In wants no answer')
    return pdu


def acknowledge(s, nop):
    s.acknowledged = None
    s.send('nop_out', immediate=True, itt=NONE, ttt=nop.ttt, lun=nop.lun)


def write(s, lun=0):
    task = s.start(WRITE10(s.talk.region, 8), write=pattern(8 * BLOCK), lun=lun)
    while not task.r2ts:
        s.step(answer=False)
    return task


@conversation('RFC 7143 4.2.2.3.3 b, 4.2.3.3', 'the response of a function waits until all that was sent on each connection is acknowledged', alone=True)
def all_before(t):
    for connections in (2, 4):
        for function in (ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, WARM_RESET):
            everybody = session(t, connections)
            a, others = everybody[0], everybody[1:]
            for s in others:
                unacknowledged(s)
            itt = a.ask(function)
            nops = [asked(s) for s in others]
            for s, nop in zip(others, nops):
                a.silent(0.1)                        # not before the last of them
                acknowledge(s, nop)
            a.expect('tmf_response', seconds=1.5, itt=itt, response=COMPLETE)
            acknowledge(a, asked(a))                 # c: the response itself is to be acknowledged, too
            a.answer_pings = True
            a.ping()
            for s in everybody:
                s.close()


@conversation('RFC 7143 4.2.2.3.3', 'connections that have nothing unacknowledged are not asked', alone=True)
def nothing_to_wait_for(t):
    everybody = session(t, 4)
    itt = everybody[0].ask(LOGICAL_UNIT_RESET)
    everybody[0].expect('tmf_response', seconds=1, itt=itt, response=COMPLETE)
    for s in everybody[1:]:
        s.silent(0.1)


@conversation('RFC 7143 4.2.2.3.3 d', 'no answer of the logical unit is sent before the fenced one is acknowledged; those of others are', alone=True)
def nothing_after(t):
    for connections in (2, 4):
        everybody = session(t, connections)
        a, b = everybody[0], everybody[-1]
        itt = a.ask(LOGICAL_UNIT_RESET)
        a.expect('tmf_response', itt=itt, response=COMPLETE)
        a.acknowledged = a.expstatsn - 1
        nop = asked(a)
        held = [b.start(TEST_UNIT_READY), b.start(INQUIRY(36), read=36), b.start(TEST_UNIT_READY)]
        b.silent(0.3)
        equal(b.command(READ_CAPACITY10, read=8, lun=1).status, GOOD, 'the status at another logical unit')
        function = b.ask(ABORT_TASK, task=held[0])
        b.silent(0.1)                                # a function of the logical unit waits as well
        acknowledge(a, nop)
        b.answer_pings = a.answer_pings = True
        # the first tells of the reset, and is fenced itself (4.2.2.3.4): its own acknowledgement lets the others through
        b.finish(held[0])
        equal(held[0].sense_code(), 0x062903, 'the sense of the first')
        b.finish(held[1])
        b.finish(held[2])
        equal((held[1].status, held[2].status), (GOOD, GOOD), 'the status of the others')
        b.expect('tmf_response', itt=function, response=1)
        for s in everybody:
            s.close()


@conversation('RFC 7143 4.2.2.3.4', 'a unit attention that a function of another session has left is fenced, and so is the end of PREEMPT AND ABORT', alone=True)
def third_party(t):
    one, = session(t, 1, name='one')
    a, b, c = session(t, 3, name='several')
    one.answer_pings = True
    itt = one.ask(LOGICAL_UNIT_RESET, lun=1)
    one.expect('tmf_response', itt=itt, response=COMPLETE)
    unacknowledged(c)
    task = a.start(TEST_UNIT_READY, lun=1)
    nop = asked(c)
    a.silent(0.3)
    acknowledge(c, nop)
    a.finish(task)
    equal(task.sense_code(), 0x062903, 'the sense')
    a.answer_pings = True
    a.ping()
    key = pattern(8)
    a.settle()
    register = bytes([0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0])
    a.good(register, write=bytes(8) + key + bytes(8), lun=1)
    b.good(TEST_UNIT_READY, lun=1)
    unacknowledged(b)
    task = a.start(bytes([0x5f, 5, 3, 0, 0, 0, 0, 0, 24, 0]), write=key + key + bytes(8), lun=1)
    a.step()
    nop = asked(b)
    a.silent(0.3)
    acknowledge(b, nop)
    a.finish(task)
    equal(task.status, GOOD, 'the status of PREEMPT AND ABORT')


@conversation('RFC 7143 4.2.2.3.4', 'no ACA of ours: NACA and the ACA attribute are refused; ACA ACTIVE of a device is fenced, as is the response to CLEAR ACA',
              alone=True)
def aca(t):
    a, b = session(t, 2)
    for n in range(2):                               # NACA: INVALID FIELD IN CDB, and no ACA is there after it
        task = a.failed(bytes([0, 0, 0, 0, 0, 4]), 0x052400)
        equal(bytes(task.sense[15:18]), b'\xca\0\5', 'the field pointer')
        a.good(TEST_UNIT_READY)
        b.good(TEST_UNIT_READY)
    equal(b.command(TEST_UNIT_READY, attribute=4).status, CHECK_CONDITION, 'the status with the ACA attribute')
    a.good(TEST_UNIT_READY, lun=3)
    acknowledged([a, b])
    unacknowledged(b, lun=3)
    task = a.start(READ10(0, 1), read=BLOCK, lun=3)
    nop = asked(b)
    a.silent(0.3)                                    # d: not before what b was told is acknowledged
    acknowledge(b, nop)
    a.finish(task)
    equal(task.status, 0x30, 'the status')
    acknowledge(a, asked(a))
    unacknowledged(b)
    itt = a.ask(CLEAR_ACA)
    nop = asked(b)
    a.silent(0.3)                                    # e
    acknowledge(b, nop)
    a.expect('tmf_response', itt=itt, response=NOT_SUPPORTED)


@conversation('RFC 7143 4.2.2.3.3, 13.23', 'without ResponseFence or FastAbort nothing is fenced, nor on a single connection', alone=True)
def not_negotiated(t):
    for connections, reporting in ((4, 'RFC3720'), (1, 'ResponseFence')):
        everybody = session(t, connections, {**KEYS, 'TaskReporting': reporting})
        for s in everybody:
            unacknowledged(s)
        itt = everybody[0].ask(LOGICAL_UNIT_RESET)
        everybody[0].expect('tmf_response', seconds=1, itt=itt, response=COMPLETE)
        for s in everybody:
            s.silent(0.1)


@conversation('RFC 7143 4.2.2.3.3 b, 7.14', 'a connection that never acknowledges is closed in time; with a level above 0 the session goes on', alone=True)
def never_acknowledges(t):
    for connections in (2, 4):
        everybody = session(t, connections, {**KEYS, 'ErrorRecoveryLevel': 1})
        a, b = everybody[:2]
        unacknowledged(b)
        itt = a.ask(LOGICAL_UNIT_RESET)
        start = time.monotonic()
        nop = asked(b)
        b.send('nop_out', immediate=True, itt=NONE, ttt=nop.ttt, lun=nop.lun)     # answers, and acknowledges nothing
        a.silent(0.5)
        b.gone()
        check(1 < time.monotonic() - start < 6, 'not closed in the time of the configuration')
        one, two = a.recv(), a.recv()
        equal({one.name, two.name}, {'async', 'tmf_response'}, 'what comes then')
        response = one if one.name == 'tmf_response' else two
        equal((response.itt, response.response), (itt, COMPLETE), 'the response')
        a.answer_pings = True
        a.ping()
        for s in everybody:
            s.close()


@conversation('RFC 7143 4.2.2.3.3', 'a connection that closes meanwhile has no part in the fence any more', alone=True)
def closes_meanwhile(t):
    for connections, level in ((2, 1), (4, 1), (2, 2), (4, 2)):
        for reset in (False, True):
            everybody = session(t, connections, {**KEYS, 'ErrorRecoveryLevel': level})
            a, b = everybody[:2]
            for s in everybody[1:]:
                unacknowledged(s)
            itt = a.ask(LOGICAL_UNIT_RESET)
            nops = [asked(s) for s in everybody[1:]]
            for s, nop in list(zip(everybody[1:], nops))[1:]:
                acknowledge(s, nop)
            a.silent(0.2)
            b.reset() if reset else b.close()
            a.expect('tmf_response', seconds=1.5, itt=itt, response=COMPLETE)
            a.answer_pings = True
            a.ping()
            for s in everybody:
                s.close()


@conversation('RFC 7143 4.2.2.3.3, 7.2.2', 'the connection of a fenced answer, or of one behind it, closes', alone=True)
def the_fenced_one_closes(t):
    for level in (0, 1, 2):
        a, b, c = session(t, 3, {**KEYS, 'ErrorRecoveryLevel': level})
        unacknowledged(b)
        a.ask(LOGICAL_UNIT_RESET)
        nop = asked(b)
        held = c.start(INQUIRY(36), read=36)
        c.silent(0.1)
        a.close()
        if level == 0:                               # 7.14 c: the session fails
            b.gone()
            c.gone()
            continue
        c.finish(held)
        equal(held.status, GOOD, 'the status of what was behind the fence')
        acknowledge(b, nop)
        b.answer_pings = c.answer_pings = True
        for s in (b, c):
            s.good(INQUIRY(36), read=36)
        for s in (b, c):
            s.close()


@conversation('RFC 7143 7.2.2, 4.2.2.3.3', 'what was held behind the fence when its connection was lost is reassigned', alone=True)
def reassigned(t):
    a, b = session(t, 2, {**KEYS, 'ErrorRecoveryLevel': 2})
    itt = a.ask(LOGICAL_UNIT_RESET)
    a.expect('tmf_response', itt=itt, response=COMPLETE)
    a.acknowledged = a.expstatsn - 1
    nop = asked(a)
    held = b.start(INQUIRY(36), read=36)
    b.silent(0.2)
    b.close()
    a.silent(0.2)
    logout = a.new_itt()
    a.send('logout', flags=FINAL | 2, itt=logout, cid=b.cid)
    a.expect('logout_response', itt=logout, response=0)
    a.reassign(held)
    a.silent(0.2)                                    # the fence is up still
    acknowledge(a, nop)
    a.answer_pings = True
    a.finish(held)
    equal(held.status, GOOD, 'the status')


@conversation('RFC 7143 4.2.3.4 d, g, 11.9.1', 'FastAbort: each other connection with a task is told for each logical unit, the issuing one is not', alone=True)
def fast_abort(t):
    for connections in (2, 4):
        everybody = session(t, connections, FAST)
        a, others = everybody[0], everybody[1:]
        tasks = [(s, write(s, lun)) for s in everybody for lun in (0, 1)]
        for s in everybody[:2]:
            write(s, 1)
        itt = a.ask(WARM_RESET)
        for s in others:
            s.answer_pings = True
            equal({s.expect('async', event=TASKS_TERMINATED).lun for _ in range(2)}, {lun_field(0), lun_field(1)}, 'the LUNs')
        for s in others:                             # the answer to the message is an acknowledgement
            s.send('nop_out', itt=NONE, immediate=True)
        a.expect('tmf_response', seconds=1.5, itt=itt, response=COMPLETE)
        for s, task in tasks:                        # late data is dropped, and is no error
            s.data_out(task, task.r2ts[0].ttt, 0, 8 * BLOCK)
        for s in everybody:
            s.tasks.clear()
            s.answer_pings = True
        for s in everybody:
            s.ping()
        for s in everybody:
            s.close()


@conversation('RFC 7143 4.2.3.4 b, d', 'FastAbort: a function that ends nothing tells nobody', alone=True)
def fast_abort_refused(t):
    a, b = session(t, 2, FAST)
    a.answer_pings = True
    task = write(b)
    for number, lun, response in ((I_T_NEXUS_RESET, 0, NOT_SUPPORTED), (LOGICAL_UNIT_RESET, 99, NO_LUN), (LOGICAL_UNIT_RESET, 1, COMPLETE)):
        a.expect('tmf_response', itt=a.ask(number, lun), response=response)
        b.silent(0.1)
    a.expect('tmf_response', itt=a.ask(ABORT_TASK, task=task), response=COMPLETE)
    b.silent(0.1)
    b.tasks.clear()
    for s in (a, b):
        s.ping()


@conversation('RFC 7143 4.2.3.3 a, b', 'data that was asked for and commands that are missing are awaited on every connection', alone=True)
def awaited_on_all(t):
    a, b, c = session(t, 3)
    for s in (a, b, c):
        s.answer_pings = True
    a.write(t.region, bytes(8 * BLOCK))
    task = write(b)
    base = a.cmdsn
    itt = a.ask(ABORT_TASK_SET, cmdsn=base + 1)
    b.data_out(task, task.r2ts[0].ttt, 0, 8 * BLOCK)
    a.silent(0.2)                                    # the command with CmdSN base has not come
    late = c.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK), cmdsn=base)
    a.cmdsn = base + 1
    pdus = Background(lambda: [b.silent(0.6), c.silent(0.6)])
    a.expect('tmf_response', seconds=0.9, itt=itt, response=COMPLETE)
    pdus.finish()
    for s in (b, c):
        s.tasks.clear()
    check(late.status is None, 'the late command has a status')
    equal(a.read(t.region, 8), bytes(8 * BLOCK), 'the blocks')


@conversation('RFC 7143 4.2.2.3.3', 'fences follow each other in the order of their answers, whatever comes between', alone=True)
def several_fences(t):
    everybody = session(t, 4)
    for s in everybody:
        s.answer_pings = True
    for _ in range(2):
        itts = [(s, s.ask(function, lun)) for s in everybody
                for function, lun in ((LOGICAL_UNIT_RESET, 0), (ABORT_TASK_SET, 1), (WARM_RESET, 0))]
        threads = [Background(lambda s=s: [s.expect('tmf_response', response=COMPLETE) for owner, _ in itts if owner is s] + [s.silent(0.4)])
                   for s in everybody]
        for thread in threads:
            thread.finish()
    everybody[2].ping()
