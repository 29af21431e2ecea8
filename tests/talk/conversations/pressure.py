# SPDX-License-Identifier: MIT
"""More than a device can take at the moment: the window, immediate commands, memory; and what a command says of its own rank."""

from talk import *  # noqa: F403

DEPTH, BUDGET_KIB, IMMEDIATE = 16, 4096, 64
TOO_MANY_IMMEDIATE = 0x06              # RFC 7143 11.17.1
TASK_SET_FULL, BUSY = 0x28, 0x08
SLOW, LAZY = 1, 2
CONFIG = config(device('slow', 'layers = delay\ndelay-rules = op=write(10) before=400ms'),
                device('lazy', 'layers = delay\ndelay-rules = op=read(10) before=2s', size='1M'), workers=1,
                luns='lun.0 = disk\nlun.1 = slow\nlun.2 = lazy', talk='queue-depth = 16\nbudget = 4M')


def session(t, keys=None):
    s = t.log_in(keys).settle()
    for lun in (SLOW, LAZY):
        while s.command(TEST_UNIT_READY, lun=lun).status != GOOD:
            pass
    return s


def room(s):
    """How many commands the window takes from here on."""
    return (s.maxcmdsn - s.cmdsn + 1) & NONE


@conversation('RFC 7143 4.2.2.1', 'a slow device closes the window; what does not fit is ignored; it opens again')
def slow_device(t):
    s = session(t)
    s.ping()
    equal(room(s), DEPTH, 'the window of an idle session')
    for _ in range(2):
        tasks = [s.start(WRITE10(n, 1), write=pattern(BLOCK, n), lun=SLOW) for n in range(DEPTH)]
        s.ping()
        equal(room(s), 0, 'the window while all of it is at the device')
        s.send('command', flags=FINAL | SIMPLE, itt=0x55555, lun=t.lun, cdb=TEST_UNIT_READY, cmdsn=s.cmdsn)
        s.silent(0.1)
        for task in tasks:
            equal(s.finish(task).status, GOOD, 'the status')
        s.ping()
        equal(room(s), DEPTH, 'the window afterwards')
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 4.2.2.1, SAM-5 5.3', 'a slow device and writes of 1 MiB: memory stays within the budget, and each has its status',
              alone=True, seconds=60)
def bounded_memory(t):
    s = session(t, {'InitialR2T': 'Yes', 'ImmediateData': 'No'})
    data = pattern(2048 * BLOCK)
    before = t.daemon.memory_kib()
    most = full = 0
    for _ in range(2):
        tasks = [s.start(WRITE10(2048 * n, 2048), write=data, lun=SLOW) for n in range(DEPTH)]
        while any(task.status is None for task in tasks):
            s.step()
            most = max(most, t.daemon.memory_kib() - before)
        for task in tasks:
            one_of(task.status, (GOOD, TASK_SET_FULL, BUSY), 'the status')
        full += sum(task.status != GOOD for task in tasks)
        check(any(task.status == GOOD for task in tasks), 'none of them is executed')
    t.remark('grown by %d KiB, %d of %d not taken', most, full, 2 * DEPTH)
    check(full, 'the budget is never reached')
    # What was written is in memory too, 8 MiB at most: the disk's own.
    check(most < 8 * 1024 + 4 * BUDGET_KIB, 'the daemon grew by %d KiB', most)
    for n in range(2):
        equal(s.command(WRITE10(0, 2048), write=data, lun=SLOW).status, GOOD, 'the status of one alone')


@conversation('RFC 7143 4.2.2.1, 11.17.1', 'immediate commands have a limit; over it there is a Reject, and the session goes on')
def too_many_immediate(t):
    s = session(t)
    tasks = [s.start(READ10(0, 1), read=BLOCK, lun=LAZY, immediate=True) for _ in range(IMMEDIATE)]
    for _ in range(3):
        itt = s.new_itt()
        s.send('command', flags=FINAL | READ | SIMPLE, itt=itt, lun=LAZY, edtl=BLOCK, cdb=READ10(0, 1), immediate=True)
        pdu = s.expect('reject', reason=TOO_MANY_IMMEDIATE)
        equal(int.from_bytes(pdu.data[16:20], 'big'), itt, 'the ITT in the Reject')
    s.ping()                                           # it is no SCSI command
    s.good(TEST_UNIT_READY)                            # nor is this immediate
    for task in tasks:
        equal(s.finish(task).status, GOOD, 'the status')
    s.good(TEST_UNIT_READY, immediate=True)


@conversation('RFC 7144 5.1.1', 'command priority: taken at protocol level 2, ignored below')
def priority(t):
    for level in (2, 1, None):
        s = t.log_in({'iSCSIProtocolLevel': level} if level else None).settle()
        if level:
            equal(s.answers['iSCSIProtocolLevel'], str(level), 'the level')
        for n in range(16):
            itt = s.new_itt()
            s.send('command', flags=FINAL | READ | SIMPLE, itt=itt, lun=t.lun, edtl=BLOCK, cdb=READ10(n, 1), patch={2: n << 4})
            s.expect('data_in', itt=itt, status=GOOD)


@conversation('RFC 7143 11.3.1, SAM-5 8.6', 'task attribute ACA where no ACA is in effect: refused; reserved attributes: a Reject')
def aca(t):
    s = t.log_in().settle()
    s.write(t.region, pattern(BLOCK, 1))
    for cdb, more in ((TEST_UNIT_READY, {}), (READ10(t.region, 1), {'read': BLOCK}), (WRITE10(t.region, 1), {'write': bytes(BLOCK)})):
        task = s.command(cdb, attribute=4, **more)
        equal((task.status, task.sense_code() >> 16), (CHECK_CONDITION, 5), 'status and sense key with attribute ACA')
    for attribute in (5, 6, 7):
        itt = s.new_itt()
        s.send('command', flags=FINAL | attribute, itt=itt, lun=t.lun, cdb=TEST_UNIT_READY)
        pdu = s.expect('reject', reason=0x04)
        equal(int.from_bytes(pdu.data[16:20], 'big'), itt, 'the ITT in the Reject')
    equal(s.read(t.region, 1), pattern(BLOCK, 1), 'the medium')
