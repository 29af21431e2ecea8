# SPDX-License-Identifier: MIT
"""Who sees which logical unit, who may use it, and who keeps its medium in: several initiators at one target."""

from talk import *  # noqa: F403

CONFLICT = 0x18
PREVENT, ALLOW = bytes([0x1e, 0, 0, 0, 1, 0]), bytes([0x1e, 0, 0, 0, 0, 0])
EJECT, LOAD = bytes([0x1b, 0, 0, 0, 2, 0]), bytes([0x1b, 0, 0, 0, 3, 0])
RESERVE6 = bytes([0x16]) + bytes(5)
EVERYBODY, SOME, EXCLUSIVE, REMOVABLE = range(4)

CONFIG = """
[daemon]
workers = 2
control-socket = {dir}/control.sock
state-dir = {dir}
[portal-main]
listen = 127.0.0.1:0
[device-disk]
backend = mem
size = 64M
[device-secret]
backend = mem
size = 1M
[device-drive]
backend = mem
size = 1M
exclusive = yes
[device-floppy]
backend = mem
size = 1M
removable = yes
[target-talk]
name = iqn.2026-11.org.sptgt:talk
portal = main
lun.0 = disk
lun.1 = secret
lun.1.initiators = iqn.2026-11.org.sptgt:*-b*, iqn.2026-11.org.sptgt:nobody
lun.2 = drive
lun.3 = floppy
initiators = iqn.2026-11.org.sptgt:*
"""


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
    equal(luns(a), [0, 2, 3], 'the LUNs of a')
    equal(luns(b), [0, 1, 2, 3], 'the LUNs of b')
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
