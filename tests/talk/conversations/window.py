# SPDX-License-Identifier: MIT
"""CmdSN: the command window and the order of delivery, RFC 7143 4.2.2.1."""

from talk import *  # noqa: F403

KEYS = {'InitialR2T': 'No', 'ImmediateData': 'Yes'}


def write_at(s, t, cmdsn, seed, blocks=1):
    """A write with all of its data in the command, at a CmdSN of our choice."""
    itt = s.new_itt()
    data = pattern(blocks * BLOCK, seed)
    s.send('command', flags=FINAL | WRITE | SIMPLE, itt=itt, lun=t.lun, edtl=len(data),
           cdb=WRITE10(t.region, blocks), data=data, cmdsn=cmdsn)
    return itt, data


@conversation('RFC 7143 4.2.2.1',
              'commands that come in the wrong order are executed in the order of their CmdSN')
def order(t):
    s = t.log_in(KEYS).settle()
    for _ in range(8):
        base = s.cmdsn
        last = None
        for n in (3, 2, 1):
            itt, data = write_at(s, t, base + n, base + n)
            last = data if n == 3 else last
        s.silent(0.1)                               # the hole at base holds all of them
        write_at(s, t, base, base)
        for _ in range(4):
            s.expect('response', status=GOOD)
        s.cmdsn = base + 4
        equal(s.expcmdsn, base + 4, 'ExpCmdSN')
        equal(s.read(t.region, 1), last, 'the block: the last write in the order of CmdSN')


@conversation('RFC 7143 4.2.2.1', 'a hole holds back what follows, and not what is immediate')
def hole(t):
    s = t.log_in(KEYS).settle()
    base = s.cmdsn
    s.send('command', flags=FINAL | READ | SIMPLE, itt=0x100, lun=t.lun, edtl=BLOCK, cdb=READ10(t.region, 1),
           cmdsn=base + 1)
    s.silent(0.2)
    s.send('nop_out', itt=0x101, immediate=True, cmdsn=base)
    s.expect('nop_in', itt=0x101)
    equal(s.expcmdsn, base, 'ExpCmdSN while there is a hole')
    s.send('nop_out', itt=0x102, cmdsn=base)
    seen = {s.recv().itt for _ in range(2)}
    equal(seen, {0x100, 0x102}, 'what comes when the hole is filled')
    equal(s.expcmdsn, base + 2, 'ExpCmdSN')
    s.cmdsn = base + 2
    s.ping()


@conversation('RFC 7143 4.2.2.1', 'a CmdSN that was there before is silently ignored')
def duplicates(t):
    s = t.log_in(KEYS).settle()
    s.good(TEST_UNIT_READY)
    for back in (1, 2, 3):
        s.send('command', flags=FINAL | SIMPLE, itt=s.new_itt(), lun=t.lun, cdb=TEST_UNIT_READY,
               cmdsn=s.cmdsn - back)
    s.silent(0.3)
    base = s.cmdsn
    write_at(s, t, base + 1, 1)
    write_at(s, t, base + 1, 2)                     # the same number again while it waits for the hole
    write_at(s, t, base, 3)
    s.expect('response', status=GOOD)
    s.expect('response', status=GOOD)
    s.silent(0.2)
    s.cmdsn = base + 2
    equal(s.read(t.region, 1), pattern(BLOCK, 1), 'the block: the first with that number counts')
    s.ping()


@conversation('RFC 7143 4.2.2.1', 'a CmdSN outside of the window is silently ignored')
def outside(t):
    s = t.log_in(KEYS).settle()
    s.write(t.region, pattern(BLOCK, 77))
    s.ping()
    for cmdsn in (s.maxcmdsn + 1, s.maxcmdsn + 2, s.maxcmdsn + 1000, s.cmdsn + (1 << 31),
                  s.cmdsn + (1 << 31) - 1, s.cmdsn - 1):
        write_at(s, t, cmdsn & NONE, 5)
    s.silent(0.3)
    equal(s.read(t.region, 1), pattern(BLOCK, 77), 'the block')
    s.ping()


@conversation('RFC 7143 4.2.2.1', 'the whole window is usable, and a full one is announced as full', seconds=30)
def whole_window(t):
    s = t.log_in({**KEYS, 'InitialR2T': 'Yes', 'ImmediateData': 'No'}).settle()
    tasks = []
    s.ping()
    while (s.maxcmdsn - s.cmdsn + 1) & NONE:
        tasks.append(s.start(WRITE10(t.region + len(tasks) % 64, 1), write=pattern(BLOCK, len(tasks))))
        while not tasks[-1].r2ts:
            s.step(answer=False)
        check(len(tasks) <= 4096, 'the window never closes')
    check(len(tasks) > 1, 'a window of %d commands', len(tasks))
    s.send('command', flags=FINAL | SIMPLE, itt=0x55555, lun=t.lun, cdb=TEST_UNIT_READY, cmdsn=s.cmdsn)
    s.silent(0.2)                                   # one too many
    for task in tasks:
        s.answer_r2t(task, task.r2ts[0])
    for task in tasks:
        equal(s.finish(task).status, GOOD, 'the status')
    s.ping()
    one_of((s.maxcmdsn - s.cmdsn + 1) & NONE, (len(tasks), len(tasks) - 1, len(tasks) + 1),
           'the window afterwards')
    s.good(TEST_UNIT_READY)


@conversation('RFC 7143 4.2.2.1', 'a window full of commands behind a hole, filled at last')
def full_of_holes(t):
    s = t.log_in(KEYS).settle()
    s.ping()
    base = s.cmdsn
    size = min((s.maxcmdsn - base + 1) & NONE, 64)
    for n in reversed(range(1, size)):
        s.send('command', flags=FINAL | READ | SIMPLE, itt=n, lun=t.lun, edtl=BLOCK, cdb=READ10(t.region, 1),
               cmdsn=base + n)
    s.silent(0.2)
    s.send('command', flags=FINAL | READ | SIMPLE, itt=size, lun=t.lun, edtl=BLOCK, cdb=READ10(t.region, 1),
           cmdsn=base)
    seen = set()
    while len(seen) < size:
        pdu = s.recv()
        if pdu.name == 'response' or pdu.has(STATUS):
            seen.add(pdu.itt)
    s.cmdsn = base + size
    s.ping()


@conversation('RFC 7143 4.2.2.1', 'serial numbers wrap: a session through ffffffffh')
def wrap(t):
    s = t.connect()
    s.cmdsn = 0xfffffff0
    s.log_in(KEYS).settle()
    for n in range(40):
        s.write(t.region, pattern(BLOCK, n))
        equal(s.read(t.region, 1), pattern(BLOCK, n), 'the block')
    base = s.cmdsn = (s.cmdsn) & NONE
    check(base < 1000, 'the numbers did not wrap')


@conversation('RFC 7143 7.15', 'a session that ends with commands behind a hole lets go of them')
def ends_with_a_hole(t):
    for _ in range(10):
        s = t.log_in(KEYS).settle()
        for n in range(1, 9):
            write_at(s, t, s.cmdsn + n, n)
        s.close()


@conversation('RFC 7143 4.2.2.1', 'a command that fails before its turn is answered after it: no status before the acknowledgement')
def status_after_acknowledgement(t):
    s = t.log_in({'InitialR2T': 'No', 'ImmediateData': 'No', 'FirstBurstLength': 4096}).settle()
    s.write(t.region, bytes(8 * BLOCK))
    base, itt = s.cmdsn, s.new_itt()
    s.send('command', flags=WRITE | SIMPLE, itt=itt, lun=t.lun, edtl=8 * BLOCK, cdb=WRITE10(t.region, 8), cmdsn=base + 1)
    s.send('data_out', itt=itt, ttt=NONE, lun=t.lun, offset=512, data=bytes(512), flags=FINAL)       # not where it begins
    s.expect('reject')
    s.silent(0.3)
    s.send('nop_out', itt=0x7003, cmdsn=base)
    s.expect('nop_in', itt=0x7003)
    pdu = s.expect('response', itt=itt, status=CHECK_CONDITION)
    equal(pdu.expcmdsn, base + 2, 'ExpCmdSN of the response')
    s.cmdsn = base + 2
    equal(s.read(t.region, 8), bytes(8 * BLOCK), 'the blocks')


@conversation('RFC 7143 4.2.2.1, 11.5.1', 'one that has failed before its turn can be aborted, and goes with its session')
def failed_and_aborted(t):
    for end in ('abort', 'logout', 'reset'):
        s = t.log_in({'InitialR2T': 'No', 'ImmediateData': 'No', 'FirstBurstLength': 4096}).settle()
        base, itt, mine = s.cmdsn, s.new_itt(), s.new_itt()
        s.send('command', flags=WRITE | SIMPLE, itt=itt, lun=t.lun, edtl=8 * BLOCK, cdb=WRITE10(t.region, 8), cmdsn=base + 1)
        s.send('data_out', itt=itt, ttt=NONE, lun=t.lun, offset=512, data=bytes(512), flags=FINAL)
        s.expect('reject')
        if end == 'abort':
            s.send('tmf', flags=FINAL | 1, itt=mine, lun=t.lun, immediate=True, rtt=itt, refcmdsn=base + 1)
            s.expect('tmf_response', itt=mine, response=0)
            s.send('nop_out', itt=0x7003, cmdsn=base)
            s.expect('nop_in', itt=0x7003, expcmdsn=base + 2)
            s.cmdsn = base + 2
            s.silent(0.2)
            s.ping()
        elif end == 'logout':
            s.send('logout', flags=FINAL, itt=mine, immediate=True, cid=0)
            s.expect('logout_response', itt=mine, response=0)
        s.reset()
