# SPDX-License-Identifier: MIT
"""Two initiators and one disk: reservations of SPC-2 and persistent ones, SPC-5 5.14, 6.16, 6.17."""

import struct

from talk import *  # noqa: F403

CONFLICT = 0x18
REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT, REGISTER_AND_IGNORE = range(7)
WRITE_EXCLUSIVE, EXCLUSIVE_ACCESS, REGISTRANTS_ONLY = 1, 3, 6
RESERVE6, RELEASE6 = bytes([0x16]) + bytes(5), bytes([0x17]) + bytes(5)


def out(s, action, kind=0, key=0, action_key=0, status=GOOD, flags=0):
    cdb = struct.pack('>BBBHIB', 0x5f, action, kind, 0, 24, 0)
    task = s.command(cdb, write=struct.pack('>QQIBBH', key, action_key, 0, flags, 0, 0))
    equal(task.status, status, 'the status of service action %d' % action)
    return task


def keys(s):
    data = bytes(s.good(bytes([0x5e, 0, 0, 0, 0, 0, 0, 0x10, 0, 0]), read=4096).data)
    return [int.from_bytes(data[n:n + 8], 'big') for n in range(8, len(data), 8)]


def refused(s, cdb, **more):
    equal(s.command(cdb, **more).status, CONFLICT, 'the status of operation code %02x' % cdb[0])


def two(t):
    other = t.connect()
    other.name = t.name + '-other'
    return t.log_in().settle(), other.log_in().settle()


@conversation('RFC 7143 E; SPC-2 7.20', 'RESERVE keeps the other out until RELEASE, or until the session ends', alone=True)
def reserve(t):
    one, other = two(t)
    one.good(RESERVE6)
    refused(other, RESERVE6)
    refused(other, TEST_UNIT_READY)
    refused(other, READ10(t.region, 1), read=BLOCK)
    other.good(INQUIRY(36), read=36)
    other.good(RELEASE6)
    refused(other, TEST_UNIT_READY)
    one.good(RELEASE6)
    other.good(RESERVE6)
    refused(one, TEST_UNIT_READY)
    other.log_out()
    t.until(lambda: one.command(TEST_UNIT_READY).status == GOOD, 'the reservation outlives its session')


@conversation('SPC-5 5.14', 'persistent: read and write by kind, preempted by the other, who is told', alone=True)
def persistent(t):
    one, other = two(t)
    out(one, REGISTER, action_key=1)
    out(other, REGISTER, action_key=2)
    equal(keys(one), [1, 2], 'the keys')
    out(one, RESERVE, WRITE_EXCLUSIVE, key=1)
    other.read(t.region, 1)
    refused(other, WRITE10(t.region, 1), write=pattern(BLOCK))
    out(one, RELEASE, WRITE_EXCLUSIVE, key=1)
    out(one, RESERVE, EXCLUSIVE_ACCESS, key=1)
    refused(other, READ10(t.region, 1), read=BLOCK)
    out(other, RESERVE, EXCLUSIVE_ACCESS, key=2, status=CONFLICT)
    out(other, PREEMPT_AND_ABORT, EXCLUSIVE_ACCESS, key=2, action_key=1)
    one.failed(TEST_UNIT_READY, 0x062a05)
    refused(one, READ10(t.region, 1), read=BLOCK)
    equal(keys(one), [2], 'the keys')
    out(other, CLEAR, key=2)
    one.read(t.region, 1)


@conversation('RFC 7143 E; SPC-5 5.14.7', 'a registration outlives its session, and a new one of the same name has it', alone=True)
def outlives(t):
    one, other = two(t)
    out(one, REGISTER, action_key=1)
    out(one, RESERVE, REGISTRANTS_ONLY, key=1)
    one.log_out()
    refused(other, READ10(t.region, 1), read=BLOCK)
    one = t.log_in().settle()
    one.read(t.region, 1)
    out(one, CLEAR, key=1)
    other.read(t.region, 1)


@conversation('SPC-5 6.17', 'parameters that are refused', alone=True)
def refusals(t):
    s = t.log_in().settle()
    equal(out(s, REGISTER, action_key=1, flags=0x08, status=CHECK_CONDITION).sense_code(), 0x051a00, 'SPEC_I_PT without a list')
    equal(out(s, 8, action_key=1, status=CHECK_CONDITION).sense_code(), 0x052400, 'REPLACE LOST RESERVATION')
    s.failed(struct.pack('>BBBHIB', 0x5f, 0, 0, 0, 23, 0), 0x051a00, write=bytes(23))
    s.failed(struct.pack('>BBBHIB', 0x5f, 0, 0, 0, 24, 0), 0x051a00, write=bytes(16))
    equal(keys(s), [], 'the keys')
