# SPDX-License-Identifier: MIT
"""Unit attentions that are told as they come (RFC 7143 11.9.1, AsyncEvent 0; SAM-5 5.14), where the target is configured so."""

from talk import *  # noqa: F403

SCSI_EVENT = 0
QUERY_EVENT, LOGICAL_UNIT_RESET, WARM_RESET = 12, 5, 6
RESET, MODE_CHANGED = 0x062903, 0x062a01
MOST = 64                                           # messages that one turn of the loop may make
MANY = range(2, MOST + 20)
KEYS = {'InitialR2T': 'Yes', 'ImmediateData': 'No', 'iSCSIProtocolLevel': 2}
TOLD, QUIET = True, 'iqn.2026-11.org.sptgt:quiet'
CONFIG = config(device('second', size='8M'), device('third', size='8M'), target('quiet', luns='lun.0 = disk\nlun.1 = second\nlun.2 = third'),
                workers=1, talk='scsi-events = yes',
                luns='lun.0 = disk\nlun.1 = second\nlun.300 = second\n' + '\n'.join('lun.%d = third' % n for n in MANY))


def session(t, name, target=TOLD, luns=(0, 1)):
    s = t.connect()
    s.name = '%s-%s' % (t.name, name)
    s.log_in(KEYS, target)
    for lun in luns:
        while s.command(TEST_UNIT_READY, lun=lun).status != GOOD:
            pass
    return s


def function(s, number, lun=0):
    return s.expect('tmf_response', itt=s.ask(number, lun))


def told(s, lun, code):
    """A message is next: SenseLength, sense data, and nothing behind it."""
    pdu = s.expect('async', event=SCSI_EVENT, itt=NONE, lun=lun, vcode=0, p1=0, p2=0, p3=0)
    length = int.from_bytes(pdu.data[:2], 'big')
    equal(len(pdu.data), length + 2, 'the length of the data segment')
    sense = pdu.data[2:]
    equal(sense[0], 0x70, 'the response code')
    equal((sense[2] & 0xf) << 16 | int.from_bytes(sense[12:14], 'big'), code, 'the sense data')


def change_mode(s, value, lun=0):
    """TAS of the Control mode page: others are told when it changes."""
    s.good(bytes([0x15, 0x10, 0, 0, 16, 0]), lun=lun,
           write=bytes([0, 0, 0, 0, 0x0a, 0x0a, 0x20, 0x10, 0, 0x40 if value else 0]) + bytes(6))


@conversation('RFC 7143 11.9.1, 11.9.3, 11.9.4; SAM-5 5.14', 'who is idle is told of a reset by another nexus, and the unit attention waits', alone=True)
def reset_is_told(t):
    idle, plain, other = session(t, 'a', luns=(0, 1, 300)), session(t, 'b', QUIET), session(t, 'c', QUIET)
    idle.silent(0.2)                                # nothing of the conditions of the login itself
    equal(function(other, LOGICAL_UNIT_RESET).response, 0, 'the response')
    told(idle, 0, RESET)
    equal(function(idle, QUERY_EVENT).response, 7, 'the response to QUERY ASYNCHRONOUS EVENT (RFC 7144): it still waits')
    idle.failed(TEST_UNIT_READY, RESET)
    idle.good(TEST_UNIT_READY)
    idle.silent(0.2)
    plain.silent(0.1)                               # the key is off
    plain.failed(TEST_UNIT_READY, RESET)
    plain.good(TEST_UNIT_READY)
    function(other, LOGICAL_UNIT_RESET, lun=1)      # at each LUN that leads there
    for lun in (1, 300):
        told(idle, lun, RESET)
    for lun in (1, 300):
        idle.failed(TEST_UNIT_READY, RESET, lun=lun)
        idle.good(TEST_UNIT_READY, lun=lun)


@conversation('RFC 7143 11.9.1; SAM-5 5.14', 'one message for each unit attention that comes to wait, however often its cause comes', alone=True)
def no_flood(t):
    idle, other = session(t, 'a'), session(t, 'b', QUIET)
    for _ in range(2):
        for n in range(6):
            change_mode(other, n & 1)
        told(idle, 0, MODE_CHANGED)
        idle.silent(0.1)
        idle.failed(TEST_UNIT_READY, MODE_CHANGED)
    for _ in range(20):
        function(other, LOGICAL_UNIT_RESET)
    told(idle, 0, RESET)
    idle.silent(0.1)
    idle.failed(TEST_UNIT_READY, RESET)
    idle.good(TEST_UNIT_READY)


@conversation('RFC 7143 11.9.1; SAM-5 5.14', 'who has a command at the logical unit hears of it by the next one, and gets no message', alone=True)
def busy(t):
    s, other = session(t, 'a'), session(t, 'b', QUIET)
    task = s.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    while not task.r2ts:
        s.step(answer=False)
    change_mode(other, 1)
    s.silent(0.2)
    change_mode(other, 1, lun=1)                    # there it has none
    told(s, 1, MODE_CHANGED)
    told(s, 300, MODE_CHANGED)
    s.answer_r2t(task, task.r2ts[0])
    equal(s.finish(task).status, GOOD, 'the status of the write')
    for lun in (0, 1):
        s.failed(TEST_UNIT_READY, MODE_CHANGED, lun=lun)
        s.good(TEST_UNIT_READY, lun=lun)


@conversation('RFC 7143 11.9.1', 'over all LUNs together no more messages than a session may have on their way', alone=True)
def bounded(t):
    s, other = session(t, 'a', luns=MANY), session(t, 'b', QUIET, luns=(2,))
    function(other, LOGICAL_UNIT_RESET, lun=2)
    for lun in MANY[:MOST]:
        told(s, lun, RESET)
    s.silent(0.2)
    for lun in MANY:
        s.failed(TEST_UNIT_READY, RESET, lun=lun)
    function(other, LOGICAL_UNIT_RESET, lun=2)      # they are sent: there is room again
    told(s, MANY[0], RESET)


@conversation('RFC 7143 11.9.1', 'sessions come and go while what there is to tell is on its way', alone=True)
def comes_and_goes(t):
    other = session(t, 'other', QUIET)
    for n in range(30):
        s = session(t, 'a%d' % n)
        itt = other.ask(LOGICAL_UNIT_RESET)
        s.close()
        other.expect('tmf_response', itt=itt, response=0)
