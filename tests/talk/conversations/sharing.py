# SPDX-License-Identifier: MIT
"""Who sees which logical unit, who may use it, and who keeps its medium in: several initiators at one target."""

from talk import *  # noqa: F403

CONFLICT = 0x18
PREVENT, ALLOW = bytes([0x1e, 0, 0, 0, 1, 0]), bytes([0x1e, 0, 0, 0, 0, 0])
EJECT, LOAD = bytes([0x1b, 0, 0, 0, 2, 0]), bytes([0x1b, 0, 0, 0, 3, 0])
RESERVE6 = bytes([0x16]) + bytes(5)
EVERYBODY, SOME, EXCLUSIVE, REMOVABLE = range(4)

CONFIG = config(device('secret', size='1M'), device('drive', 'exclusive = yes', size='1M'),
                device('floppy', 'removable = yes', size='1M'), target('near', 'addresses = 127.0.0.2/31, fd00::/8'),
                luns='lun.0 = disk\nlun.1 = secret\nlun.1.initiators = iqn.2026-11.org.sptgt:*-b*, iqn.2026-11.org.sptgt:nobody\nlun.2 = drive\nlun.3 = floppy\nlun.4 = disk\nlun.4.vendor = TALK\nlun.4.serial = LUN-4\nlun.4.naa = 3000000000000004\nlun.5 = secret\nlun.5.addresses = 10.0.0.0/8, 127.0.0.2, ::1')


def nexus(t, name, port=1):
    c = t.connect()
    c.name = t.name + '-' + name
    c.isid = bytes([0x80, 0, 0, 0, 0, port])
    return c.log_in()


def luns(s):
    data = bytes(s.good(bytes([0xa0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]), read=1024).data)
    return [data[n + 1] for n in range(8, len(data), 8)]


def settle(s, lun):
    """Until no unit attention waits: REQUEST SENSE takes them, whoever has reserved the unit."""
    for _ in range(8):
        if bytes(s.good(bytes([0x03, 0, 0, 0, 18, 0]), read=18, lun=lun).data)[2] & 0xf != 6:
            return
    raise Failure('unit attentions without end')  # noqa: F405


def status(s, cdb, lun, **more):
    return s.command(cdb, lun=lun, **more).status


@conversation('SPC-5 6.33', 'a LUN that is not for an initiator is not there for it, whatever it asks', alone=True)
def hidden(t):
    a, b = nexus(t, 'a'), nexus(t, 'b')
    equal(luns(a), [0, 2, 3, 4], 'the LUNs of a')
    equal(luns(b), [0, 1, 2, 3, 4], 'the LUNs of b')
    a.failed(TEST_UNIT_READY, 0x052500, lun=SOME)
    equal(bytes(a.good(INQUIRY(36), read=36, lun=SOME).data)[0], 0x7f, 'the device type')
    settle(b, SOME)
    b.good(TEST_UNIT_READY, lun=SOME)


@conversation('SPC-2 5.5.1', 'an exclusive device is the first initiator\'s by all its sessions, then the next one\'s', alone=True)
def exclusive(t):
    a, b = nexus(t, 'a'), nexus(t, 'b')
    second = nexus(t, 'a', port=2)
    for s in (a, b, second):
        settle(s, EXCLUSIVE)
    for s in (a, second):
        equal(status(s, TEST_UNIT_READY, EXCLUSIVE), GOOD, 'TEST UNIT READY of the first')
    for cdb in (TEST_UNIT_READY, RESERVE6, READ10(0, 1)):
        equal(status(b, cdb, EXCLUSIVE, read=BLOCK if cdb[0] == 0x28 else 0), CONFLICT, 'status of %02x of the other' % cdb[0])
    b.good(INQUIRY(36), read=36, lun=EXCLUSIVE)
    equal(status(b, TEST_UNIT_READY, EVERYBODY) in (GOOD, 2), True, 'another device is free')
    a.log_out()
    t.until(lambda: status(second, TEST_UNIT_READY, EXCLUSIVE) == GOOD, 'the second session of the first has it')
    equal(status(b, TEST_UNIT_READY, EXCLUSIVE), CONFLICT, 'the other, while a session is left')
    second.log_out()
    t.until(lambda: status(b, TEST_UNIT_READY, EXCLUSIVE) == GOOD, 'the other may use it now')


@conversation('SPC-5 6.15', 'a medium is kept in while anybody wants that; the end of a session lets it go', alone=True)
def removal(t):
    a, b = nexus(t, 'a'), nexus(t, 'b')
    for s in (a, b):
        settle(s, REMOVABLE)
        s.good(PREVENT, lun=REMOVABLE)
    a.good(ALLOW, lun=REMOVABLE)
    for s in (a, b):
        s.failed(EJECT, 0x055302, lun=REMOVABLE)
    b.log_out()
    t.until(lambda: status(a, EJECT, REMOVABLE) == GOOD, 'the medium can be ejected')
    a.good(LOAD, lun=REMOVABLE)
    a.failed(bytes([0x1e, 0, 0, 0, 2, 0]), 0x052400, lun=REMOVABLE)
    settle(a, EVERYBODY)
    a.failed(PREVENT, 0x052000, lun=EVERYBODY)


@conversation('SAM-5 5.2', 'NACA is refused by every device', alone=True)
def naca(t):
    a = nexus(t, 'a')
    for lun in (EVERYBODY, EXCLUSIVE, REMOVABLE):
        settle(a, lun)
        a.failed(bytes([0, 0, 0, 0, 0, 4]), 0x052400, lun=lun)


@conversation('SPC-5 6.6.2, 7.7.6, 7.7.9', 'a device is at one LUN who it is, and at another who it is told to be there', alone=True)
def identity_by_lun(t):
    s = nexus(t, 'a')
    own = bytes(s.good(INQUIRY(36), read=36, lun=0).data)
    here = bytes(s.good(INQUIRY(36), read=36, lun=4).data)
    equal(here[8:16], b'TALK    ', 'the vendor at LUN 4')
    equal(here[16:], own[16:], 'product and revision, which nobody has told')
    equal(own[8:16] == here[8:16], False, 'the vendor at LUN 0 is that of LUN 4')
    serial = bytes(s.good(bytes([0x12, 1, 0x80, 0, 64, 0]), read=64, lun=4).data)
    equal(serial[4:], b'LUN-4', 'the serial number at LUN 4')
    designators = bytes(s.good(bytes([0x12, 1, 0x83, 0, 252, 0]), read=252, lun=4).data)
    equal(designators[8:16].hex(), '3000000000000004', 'the NAA designator at LUN 4')
    equal(designators[8:16] in bytes(s.good(bytes([0x12, 1, 0x83, 0, 252, 0]), read=252, lun=0).data), False,
          'the designator is that of LUN 0, too')


NEAR = 'iqn.2026-11.org.sptgt:near'


def from_address(t, source, name):
    c = t.connect(source=source)
    c.name, c.isid = t.name + '-' + name, bytes([0x80, 0, 0, 0, 0, 9])
    return c


def targets(t, source):
    s = from_address(t, source, 'd').log_in(target=False)
    itt = s.new_itt()
    s.send('text', itt=itt, data=text({'SendTargets': 'All'}))
    pdu = s.expect('text_response', itt=itt)
    equal(pdu.has(FINAL), True, 'the answer is whole')
    return [value for key, value in pairs(pdu.data) if key == 'TargetName']


@conversation('RFC 7143 11.13.5', 'a target, and a LUN, are for some addresses: others are refused and see nothing of it', alone=True)
def by_address(t):
    try:
        from_address(t, '127.0.0.1', 'a').log_in({'TargetName': NEAR})
        raise Wrong('a login from elsewhere was not refused')
    except Refused as e:
        equal(e.status, 0x0202, 'the status of a login from elsewhere')
    near = from_address(t, '127.0.0.3', 'a').log_in({'TargetName': NEAR})
    near.settle().good(TEST_UNIT_READY, lun=0)
    for source, sees, there in (('127.0.0.1', False, 0x7f), ('127.0.0.2', True, 0)):
        equal(NEAR in targets(t, source), sees, 'discovery from %s names it' % source)
        s = from_address(t, source, 'l').log_in()
        equal(5 in luns(s), sees, 'LUN 5 is there for %s' % source)
        equal(bytes(s.good(INQUIRY(36), read=36, lun=5).data)[0], there, 'the device type of LUN 5 for %s' % source)
        s.log_out()
