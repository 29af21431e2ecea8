# SPDX-License-Identifier: MIT
"""Persistent reservations for others, through all ports, and handed on: SPC-5 5.14.7, 5.14.8, 6.17.3, 6.17.4."""

import struct

from talk import *  # noqa: F403

CONFLICT, INVALID, LENGTH = 0x18, 0x052600, 0x051a00
REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT, REGISTER_AND_IGNORE, MOVE = range(8)
WRITE_EXCLUSIVE, EXCLUSIVE_ACCESS, REGISTRANTS_ONLY = 1, 3, 6
SPEC_I_PT, ALL_TG_PT, APTPL = 8, 4, 1
TWIN = 'iqn.2026-11.org.sptgt:twin'

CONFIG = config(target('twin'), portals=('main', 'second\ntag = 2'), portal='main, second')


def transport_id(name, isid=None):
    text = (name + (',i,0x' + isid.hex() if isid else '')).encode() + b'\0'
    text += bytes(max(-len(text) % 4, 20 - len(text)))
    return struct.pack('>BBH', 0x45 if isid else 0x05, 0, len(text)) + text


def nexus(t, name, isid=1, portal=None, **more):
    c = t.connect(portal)
    c.name = t.name + '-' + name
    c.isid = bytes([0x80, 0, 0, 0, 0, isid])
    return c.log_in(**more).settle()


def id_of(s):
    return transport_id(s.name, s.isid)


def send(s, action, parameters, kind=0, status=GOOD):
    cdb = struct.pack('>BBBHIB', 0x5f, action, kind, 0, len(parameters), 0)
    task = s.command(cdb, write=parameters)
    equal(task.status, status, 'the status of service action %d' % action)
    return task


def out(s, action, kind=0, key=0, action_key=0, flags=0, ids=None, status=GOOD):
    parameters = struct.pack('>QQIBBH', key, action_key, 0, flags, 0, 0)
    if ids is not None:
        parameters += struct.pack('>I', len(ids)) + ids
    return send(s, action, parameters, kind, status)


def move(s, key, action_key, port, to, unreg=False, status=GOOD):
    return send(s, MOVE, struct.pack('>QQBBHI', key, action_key, 0, 2 if unreg else 0, port, len(to)) + to, status=status)


def full_status(s):
    """Of each descriptor: the initiator port, all target ports or which, the key, does it hold."""
    data = bytes(s.good(bytes([0x5e, 3, 0, 0, 0, 0, 0, 0x20, 0, 0]), read=8192).data)
    found, at = [], 8
    while at < len(data):
        key, bits, port, more = struct.unpack('>Q4xB5xHI', data[at:at + 24])
        name = data[at + 28:at + 24 + more].split(b'\0')[0].decode()
        found.append((name, 'all' if bits & 2 else port, key, bool(bits & 1)))
        at += 24 + more
    return found


def port_name(s):
    return '%s,i,0x%s' % (s.name, s.isid.hex())


def read(s, t):
    return s.command(READ10(t.region, 1), read=BLOCK).status


@conversation('SPC-5 6.17.3', 'SPEC_I_PT: one registers for another that is there and one that comes later', alone=True)
def for_others(t):
    one, two = nexus(t, 'one'), nexus(t, 'two')
    later = transport_id(t.name + '-later', bytes([0x80, 0, 0, 0, 0, 9]))
    out(one, REGISTER, action_key=7, flags=SPEC_I_PT, ids=id_of(two) + later)
    equal(full_status(two), [(port_name(one), 1, 7, False), (port_name(two), 1, 7, False),
                             (t.name + '-later,i,0x800000000009', 1, 7, False)], 'full status')
    out(one, RESERVE, REGISTRANTS_ONLY, key=7)
    equal(read(two, t), GOOD, 'the status of READ of who was registered by another')
    equal(read(nexus(t, 'later', isid=9), t), GOOD, 'the same, logged in afterwards')
    equal(read(nexus(t, 'later', isid=8), t), CONFLICT, 'that of another port of it')
    out(two, CLEAR, key=7)


@conversation('SPC-5 7.6.4.6', 'a TransportID without an ISID is for every port that is known; unknown names are refused', alone=True)
def device_names(t):
    one, first, second = nexus(t, 'one'), nexus(t, 'two', 1), nexus(t, 'two', 2)
    capitals = transport_id(first.name.replace('talk', 'TALK'))
    out(one, REGISTER, action_key=7, flags=SPEC_I_PT, ids=capitals)
    equal(full_status(one), [(port_name(s), 1, 7, False) for s in (one, first, second)], 'full status')
    out(one, CLEAR, key=7)
    for s in (first, second):
        s.failed(TEST_UNIT_READY, 0x062a03)
    refusal = out(one, REGISTER, action_key=7, flags=SPEC_I_PT, ids=id_of(first) + transport_id('iqn.2026-11.org.sptgt:nobody'),
                  status=CHECK_CONDITION)
    equal(refusal.sense_code(), INVALID, 'an unknown name')
    equal(full_status(one), [], 'full status')


@conversation('SPC-5 6.17.3', 'lists that are not what they say are refused as a whole', alone=True)
def bad_lists(t):
    s = nexus(t, 'one')
    good = transport_id(t.name + '-x', bytes(6))
    rows = [
        (INVALID, good + good), (INVALID, b'\0' + good[1:]), (INVALID, b'\x85' + good[1:]), (INVALID, b'\x40' + good[1:]),
        (INVALID, good + bytes(20)), (INVALID, good[:-4]), (INVALID, good + b'\x45\0\0\x13' + good[4:23]),
        (INVALID, transport_id('iqn.bad name of nobody')), (INVALID, transport_id('x' * 230)),
        (INVALID, good + b'\x05\0\xff\xfc' + bytes(40)),
    ]
    for code, ids in rows:
        equal(out(s, REGISTER, action_key=7, flags=SPEC_I_PT, ids=ids, status=CHECK_CONDITION).sense_code(), code, ids.hex())
    fixed = struct.pack('>QQIBBH', 0, 7, 0, SPEC_I_PT, 0, 0)
    for parameters in (fixed, fixed + bytes(3), fixed + struct.pack('>I', 0xffffffff) + good,
                       fixed + struct.pack('>I', len(good) - 4) + good):
        equal(send(s, REGISTER, parameters, status=CHECK_CONDITION).sense_code(), LENGTH, 'lengths of %d bytes' % len(parameters))
    many = b''.join(transport_id(t.name, struct.pack('>HI', 0x8000, n)) for n in range(1, 257))
    equal(out(s, REGISTER, action_key=7, flags=SPEC_I_PT, ids=many, status=CHECK_CONDITION).sense_code(), 0x055504, 'too many')
    for action in (RESERVE, REGISTER_AND_IGNORE):
        equal(out(s, action, action_key=7, flags=SPEC_I_PT, status=CHECK_CONDITION).sense_code(), INVALID, 'SPEC_I_PT elsewhere')
    equal(full_status(s), [], 'full status')


@conversation('SPC-5 6.17.3, 6.16.5', 'ALL_TG_PT: both portal groups, and the other target that has the device', alone=True)
def all_ports(t):
    one, other = nexus(t, 'one'), nexus(t, 'other')
    out(one, REGISTER, action_key=7, flags=ALL_TG_PT)
    equal(full_status(one), [(port_name(one), 'all', 7, False)], 'full status')
    out(one, RESERVE, REGISTRANTS_ONLY, key=7)
    second = nexus(t, 'one', portal='second')
    twin = nexus(t, 'one', keys={'TargetName': TWIN})
    for s in (second, twin):
        equal(read(s, t), GOOD, 'READ through another target port')
    equal(read(other, t), CONFLICT, 'READ of the other')
    out(second, REGISTER, key=7, action_key=0)
    equal([row[1:] for row in full_status(one)], [(1, 7, True), (1, 7, False)], 'full status, without one of them')
    equal(read(second, t), CONFLICT, 'READ through the port that is not registered any more')
    out(one, REGISTER, key=7, action_key=0, flags=ALL_TG_PT)
    equal(full_status(one), [], 'full status')
    equal(read(other, t), GOOD, 'READ of the other')


@conversation('SPC-5 5.14.8', 'REGISTER AND MOVE: the reservation goes to another nexus, at the other portal group', alone=True)
def moved(t):
    one, two = nexus(t, 'one'), nexus(t, 'two', portal='second')
    equal(move(one, 0, 8, 2, id_of(two), status=CONFLICT).status, CONFLICT, 'who is not registered')
    out(one, REGISTER, action_key=7)
    equal(move(one, 7, 8, 2, id_of(two), status=CHECK_CONDITION).sense_code(), 0x052400, 'without a reservation')
    out(one, RESERVE, EXCLUSIVE_ACCESS, key=7)
    for port, to in ((3, id_of(two)), (1, id_of(one)), (2, transport_id(two.name)), (2, b''), (2, id_of(two) + id_of(two))):
        equal(move(one, 7, 8, port, to, status=CHECK_CONDITION).sense_code(), INVALID, 'port %d and %s' % (port, to.hex()))
    equal(read(two, t), CONFLICT, 'READ before')
    move(one, 7, 8, 2, id_of(two), unreg=True)
    equal(full_status(one), [(port_name(two), 2, 8, True)], 'full status')
    equal(read(two, t), GOOD, 'READ of the new holder')
    equal(read(one, t), CONFLICT, 'READ of the old one')
    out(two, CLEAR, key=8)


@conversation('SPC-5 6.16.4, 6.34', 'what is reported is so', alone=True)
def reported(t):
    s = nexus(t, 'one')
    data = bytes(s.good(bytes([0x5e, 2, 0, 0, 0, 0, 0, 0, 8, 0]), read=8).data)
    equal(data, bytes([0, 8, 0x1d, 0xc0, 0xea, 0x01, 0, 0]), 'REPORT CAPABILITIES: CRH, SIP_C, ATP_C, PTPL_C; TMV, 100b')
    for action, support in ((MOVE, 3), (8, 1)):
        cdb = bytes([0xa3, 0x0c, 2, 0x5f, 0, action, 0, 0, 0, 64, 0, 0])
        equal(bytes(s.good(cdb, read=64).data)[1] & 7, support, 'support of service action %d' % action)
