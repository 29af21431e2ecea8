# SPDX-License-Identifier: MIT
"""A write that is refused while its data still comes: the response waits for the last Data-Out. RFC 7143 11.4.2, 11.17.1, 7.8."""

import struct
import time

from talk import *  # noqa: F403

CONFIG = config(talk='data-out-wait = 1s\nmax-connections = 4')
KEYS = {'InitialR2T': 'No', 'ImmediateData': 'Yes', 'FirstBurstLength': 4096, 'MaxBurstLength': 4096, 'MaxOutstandingR2T': 4}
BLOCKS = 16
BEYOND = WRITE10(0xfffffff0, BLOCKS)                 # LOGICAL BLOCK ADDRESS OUT OF RANGE
PERSISTENT_RESERVE_OUT = 0x5f
ABORT_TASK, ABORT_TASK_SET, LOGICAL_UNIT_RESET, TASK_REASSIGN = 1, 2, 5, 8
COMPLETE, RESERVATION_CONFLICT = 0, 0x18


def announce(s, cdb, have=0, **fields):
    """A write that says that unsolicited data follows. Its Initiator Task Tag."""
    itt = s.new_itt()
    s.send('command', flags=WRITE | SIMPLE, itt=itt, edtl=BLOCKS * BLOCK, cdb=cdb, data=bytes(have), **{'lun': s.talk.lun, **fields})
    return itt


def data(s, itt, offset, length, flags, ttt=NONE, n=0):
    s.send('data_out', itt=itt, ttt=ttt, lun=s.talk.lun, datasn=n, offset=offset, data=bytes(length), flags=flags)


def code(pdu):
    """Of the sense data, in fixed format."""
    return (pdu.data[2 + 2] & 0xf) << 16 | pdu.data[2 + 12] << 8 | pdu.data[2 + 13] if pdu.data else None


def drained(s, itt, status, sense=None, have=0):
    """Nothing is said before the F of the unsolicited data, and this then."""
    s.silent(0.2)
    data(s, itt, have, 1024, 0)
    s.silent(0.2)
    data(s, itt, have + 1024, 4096 - have - 1024, FINAL, n=1)
    pdu = s.expect('response', itt=itt, status=status)
    equal(code(pdu), sense, 'the sense')
    s.ping()


def register(s, service, key, new):
    s.good(bytes([PERSISTENT_RESERVE_OUT, service, 3 if service else 0]) + bytes(2) + struct.pack('>IB', 24, 0),
           write=struct.pack('>QQ', key, new) + bytes(8))


@conversation('RFC 7143 11.4.2', 'a command that is refused before its data has come is answered after the F of its unsolicited data', alone=True)
def unsolicited(t):
    s = t.log_in(KEYS)
    while s.command(TEST_UNIT_READY).status != GOOD:
        pass
    good = WRITE10(t.region, BLOCKS)
    drained(s, announce(s, BEYOND), CHECK_CONDITION, 0x052100)
    drained(s, announce(s, BEYOND, have=512), CHECK_CONDITION, 0x052100, have=512)
    drained(s, announce(s, good, lun=77), CHECK_CONDITION, 0x052500)
    drained(s, announce(s, bytes([0xff]) + bytes(9)), CHECK_CONDITION, 0x052000)
    drained(s, announce(s, TEST_UNIT_READY), GOOD)           # it takes no data at all
    other = t.connect()
    other.name = t.name + '-other'
    other.log_in().settle()
    register(other, 0, 0, 1)
    register(other, 1, 1, 0)
    drained(s, announce(s, good), RESERVATION_CONFLICT)
    other.ask(LOGICAL_UNIT_RESET)
    other.expect('tmf_response', response=COMPLETE)
    other.settle()
    register(other, 3, 1, 0)                                 # CLEAR
    drained(s, announce(s, good), CHECK_CONDITION, 0x062903)         # the unit attention of the reset
    s.settle()
    s.write(t.region, pattern(BLOCKS * BLOCK))


@conversation('RFC 7143 11.4.2', 'other commands go on meanwhile, ORDERED ones, too, and the tag is not free before')
def others_go_on(t):
    s = t.log_in(KEYS).settle()
    itt = announce(s, BEYOND)
    block = pattern(BLOCK, 7)
    s.good(WRITE10(t.region, 1), write=block, attribute=2)
    equal(s.read(t.region, 1), block, 'the data')
    s.send('command', flags=FINAL | SIMPLE, itt=itt, lun=t.lun, cdb=TEST_UNIT_READY)
    equal(s.expect('reject').reason, 7, 'the reason of the Reject')          # task in progress
    data(s, itt, 0, 4096, FINAL)
    s.expect('response', itt=itt, status=CHECK_CONDITION)


@conversation('RFC 7143 11.17.1, 7.3', 'a wrong Data-Out is rejected at once; the response waits for the F of every R2T that is open')
def solicited(t):
    s = t.log_in({**KEYS, 'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxOutstandingR2T': 2}).settle()
    s.write(t.region, bytes(BLOCKS * BLOCK))
    for bad in (0, 1):                               # the wrong one ends its sequence, or does not
        itt = s.new_itt()
        s.send('command', flags=FINAL | WRITE | SIMPLE, itt=itt, lun=t.lun, edtl=BLOCKS * BLOCK, cdb=WRITE10(t.region, BLOCKS))
        first, second = s.expect('r2t', itt=itt), s.expect('r2t', itt=itt)
        data(s, itt, 512, 512, 0 if bad else FINAL, first.ttt)
        s.expect('reject')
        s.silent(0.2)
        if bad:
            data(s, itt, 0, 4096, FINAL, first.ttt, 1)
            s.silent(0.2)
        data(s, itt, 4096, 2048, 0, second.ttt)
        s.silent(0.2)
        data(s, itt, 6144, 2048, FINAL, second.ttt, 1)
        equal(code(s.expect('response', itt=itt, status=CHECK_CONDITION)), 0x0b0c0d, 'the sense')
        equal(s.read(t.region, BLOCKS), bytes(BLOCKS * BLOCK), 'the medium')


@conversation('RFC 7143 7.8', 'a task management command during the wait concludes the task: no response follows', alone=True)
def aborted(t):
    s = t.log_in(KEYS).settle()
    for function in (ABORT_TASK, ABORT_TASK_SET):
        itt, cmdsn, mine = announce(s, BEYOND), s.cmdsn - 1, s.new_itt()
        s.send('tmf', flags=FINAL | function, itt=mine, lun=t.lun, immediate=True,
               rtt=itt if function == ABORT_TASK else NONE, refcmdsn=cmdsn)
        s.expect('tmf_response', itt=mine, response=COMPLETE)
        data(s, itt, 0, 4096, FINAL)                 # for nobody
        s.silent(0.3)
        s.write(t.region, pattern(BLOCKS * BLOCK, function))


@conversation('RFC 7143 4.2.3.3', 'a function for several tasks waits for the R2Ts of one that has been refused', alone=True)
def function_waits(t):
    s = t.log_in({**KEYS, 'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxOutstandingR2T': 2}).settle()
    itt = s.new_itt()
    s.send('command', flags=FINAL | WRITE | SIMPLE, itt=itt, lun=t.lun, edtl=BLOCKS * BLOCK, cdb=WRITE10(t.region, BLOCKS))
    first, second = s.expect('r2t', itt=itt), s.expect('r2t', itt=itt)
    data(s, itt, 512, 512, FINAL, first.ttt)
    s.expect('reject')
    mine = s.ask(ABORT_TASK_SET)
    s.silent(0.3)
    data(s, itt, 4096, 4096, FINAL, second.ttt)
    s.expect('tmf_response', itt=mine, response=COMPLETE)
    s.silent(0.3)


@conversation('RFC 7143 7.1.4.1, 11.4.2', 'the wait has an end: who does not send what he has announced is answered in time, and what comes late is dropped')
def never_comes(t):
    for level in (0, 1):
        s = t.log_in({**KEYS, 'ErrorRecoveryLevel': level}).settle()
        start, itt = time.monotonic(), announce(s, BEYOND)
        equal(code(s.expect('response', itt=itt, status=CHECK_CONDITION)), 0x052100, 'the sense')
        check(time.monotonic() - start > 0.9, 'it ends before the time of the configuration')
        data(s, itt, 0, 4096, FINAL)
        s.write(t.region, pattern(BLOCKS * BLOCK))
        s.close()


@conversation('RFC 7143 11.14.5, 7.6', 'it ends with its connection or session')
def lost(t):
    s = t.log_in(KEYS).settle()
    announce(s, BEYOND)
    s.log_out()
    s = t.log_in(KEYS).settle()
    announce(s, BEYOND)
    s.reset()
    s = t.log_in(KEYS).settle()
    announce(s, BEYOND)
    t.log_in(KEYS).settle().ping()                   # takes its place
    s.gone(allowed=('async',))


@conversation('RFC 7143 7.2.2', 'on another connection no more data is waited for: the response is given at once')
def reassigned(t):
    s = t.log_in({**KEYS, 'ErrorRecoveryLevel': 2, 'MaxConnections': 2, 'DefaultTime2Wait': 0}).settle()
    other = s.add(1)
    itt = announce(other, BEYOND)
    other.silent(0.2)
    other.lose()
    mine = s.new_itt()
    s.send('logout', flags=FINAL | 2, itt=mine, cid=1)
    s.expect('logout_response', itt=mine, response=0)
    mine = s.new_itt()
    s.send('tmf', flags=FINAL | TASK_REASSIGN, itt=mine, immediate=True, rtt=itt)
    s.expect('tmf_response', itt=mine, response=COMPLETE)
    equal(code(s.expect('response', itt=itt, status=CHECK_CONDITION)), 0x052100, 'the sense')
