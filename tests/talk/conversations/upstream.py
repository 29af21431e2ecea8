# SPDX-License-Identifier: MIT
"""The iscsi backend in front of an upstream that is slow, gone, wrong or hostile: what a downstream session sees of it, and that
nobody else sees anything."""

import os
import subprocess
import time

from talk import *  # noqa: F403
import upstream as up
import scene

ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, CLEAR_TASK_SET, LOGICAL_UNIT_RESET, TARGET_WARM_RESET = 1, 2, 3, 4, 5, 6


class Scene(scene.Scene):
    """LUN 0 is an upstream's."""

    def __init__(self, t, keys=''):
        self.up = up.Upstream()
        super().__init__(t, section('device-up', 'backend = iscsi', 'url = ' + self.up.url() + keys, 'abort-wait = 1s',
                                    'reset-wait = 1s'),
                         device('disk', size='16M'), luns='lun.0 = up\nlun.1 = disk')

    def works_again(self):
        """With a good upstream a session (a new one, if need be) is served within some seconds."""
        self.up.behave()
        s = self.log_in('again')
        self.t.until(lambda: s.command(READ10(0, 1), read=BLOCK).status == GOOD,
                     'a good upstream is not used again', 15)

    def end(self):
        self.unharmed()
        try:
            self.stop()
        finally:
            self.up.stop()


def outcome(s, cdb, read=0, write=b'', seconds=12):
    """The status of a command, 'gone' when the session ends instead."""
    try:
        task = s.start(cdb, read, write)
        s.finish(task, seconds)
        return task.status
    except Gone:
        return 'gone'


@conversation('SAM-5 4.5',
              'a good upstream: its data, its sense and its residuals, and each initiator by its own name', seconds=60)
def good(t):
    scene = Scene(t)
    s = scene.session()
    task = s.good(INQUIRY(96), read=96)
    equal(bytes(task.data[8:16]), b'SPTGT   ', 'the vendor')
    equal((task.residual_flags(), task.residual), (UNDERFLOW, 60), 'residual flags and count')
    s.failed(bytes([0xc1]) + bytes(9), 0x052000)
    s.failed(INQUIRY(96, page=0x42), 0x052400, read=96)
    equal(s.read(0, 16), bytes(16 * BLOCK), 'the data')
    s.write(0, pattern(40 * BLOCK))
    other = scene.session('other')
    other.good(READ10(0, 1), read=BLOCK)
    names = {link.name for link in scene.up.links if link.name}
    check({s.name, other.name} <= names, 'the names shown upstream: %s', names)
    scene.end()


def reset_ends_those_of_others(t, keys):
    """An abort that upstream refuses comes to a reset, which there ends all that it had of the logical unit, without a word."""
    scene = Scene(t, keys)
    one, other = scene.session('one'), scene.session('other')
    resets = []

    def manage(link, pdu):
        abort = pdu.flags & 0x7f == ABORT_TASK
        if not abort:
            resets.append(pdu)
        link.send('tmf_response', itt=pdu.itt, response=0 if not abort else 1 if resets else 255)
    scene.up.on(0x28, lambda link, pdu: None)
    scene.up.on('tmf', manage)
    task = one.start(READ10(0, 1), read=BLOCK)
    theirs = other.start(READ10(0, 1), read=BLOCK)
    other.silent(0.3)
    itt = one.ask(ABORT_TASK, task=task)
    one.expect('tmf_response', itt=itt, seconds=10, response=0)
    equal(other.finish(theirs).sense_code(), 0x0b0000, 'the sense of a command that nobody had aborted')
    scene.end()


@conversation('SAM-5 7.7', 'the reset that an abort comes to ends the commands of others on a shared nexus, and they are answered', seconds=60)
def reset_of_a_shared_nexus(t):
    reset_ends_those_of_others(t, '\nnexus = shared\ninitiator-name = iqn.2026-11.org.sptgt:all')


@conversation('SAM-5 6.3.3', 'the same where each has an upstream nexus of its own, to which nobody tells of it', seconds=60)
def reset_by_another_nexus(t):
    reset_ends_those_of_others(t, '')


@conversation('SAM-5 5.4.2',
              'a command that fails upstream with less data than its residual has it brings nothing of what others have read', seconds=60)
def nothing_of_others(t):
    scene = Scene(t)
    one, other = scene.session('one'), scene.session('other')
    secret, brought = b'\xa5' * (8 * BLOCK), b'\x11' * 100

    def fails(data, **residual):
        def answer(link, pdu):
            if data:
                link.send('data_in', advance=False, itt=pdu.itt, lun=pdu.lun, ttt=NONE, flags=FINAL, data=data)
            link.sense(pdu, 0x03, 0x1100, **residual)
        return answer
    for data, residual in ((b'', {}), (brought, {}), (b'', {'flags': FINAL | UNDERFLOW, 'residual': 4}),
                           (brought, {'flags': FINAL | UNDERFLOW, 'residual': 4}),
                           (brought, {'flags': FINAL | UNDERFLOW, 'residual': 8 * BLOCK - 100})):
        scene.up.on(0x28, lambda link, pdu: link.data(pdu, secret, 1 << 30))
        equal(one.read(0, 8), secret, 'what one reads')
        scene.up.on(0x28, fails(data, **residual))
        task = other.failed(READ10(0, 8), 0x031100, read=8 * BLOCK)
        got = bytes(task.data)
        equal(got[:len(data)], data, 'what was brought of the data')
        check(not any(got[len(data):]), 'what nobody has brought: %s', got[len(data):].hex())
    scene.up.behave()
    scene.end()


@conversation('SAM-5 7.2',
              'ABORT TASK while the upstream keeps the command: it is aborted there, answered here, and nothing of it follows', seconds=60)
def aborted(t):
    scene = Scene(t)
    s = scene.session()
    scene.up.on(0x28, lambda link, pdu: None)
    task = s.start(READ10(0, 1), read=BLOCK)
    s.silent(0.3)
    itt = s.ask(ABORT_TASK, task=task)
    scene.unharmed()
    s.expect('tmf_response', itt=itt, response=0)
    s.silent(0.3)
    check(any(pdu.name == 'tmf' for link in scene.up.links for pdu in link.seen),
          'the upstream was not asked to abort')
    scene.works_again()
    scene.end()


@conversation('RFC 7143 11.5, 11.6',
              'each function reaches the upstream on its own session, with the task it is about, and its answer is the answer', seconds=60)
def functions(t):
    scene = Scene(t)
    s = scene.session()
    for function, there, answer, want in ((ABORT_TASK, ABORT_TASK, 0, 0), (ABORT_TASK, ABORT_TASK, 1, 0),
                                          (ABORT_TASK_SET, ABORT_TASK_SET, 0, 0), (CLEAR_ACA, CLEAR_ACA, 5, 5),
                                          (CLEAR_TASK_SET, CLEAR_TASK_SET, 0, 0),
                                          (LOGICAL_UNIT_RESET, LOGICAL_UNIT_RESET, 0, 0),
                                          (LOGICAL_UNIT_RESET, LOGICAL_UNIT_RESET, 2, 2),
                                          # what is reset of the upstream target is what this target has of it
                                          (TARGET_WARM_RESET, LOGICAL_UNIT_RESET, 0, 0)):
        held, asked = [], []

        def refuse_or_do(link, pdu):
            asked.append((link, pdu))
            # one by one what was refused together
            link.send('tmf_response', itt=pdu.itt, response=answer if len(asked) == 1 else 0)
        scene.up.on(0x28, lambda link, pdu: held.append((link, pdu)))
        scene.up.on('tmf', refuse_or_do)
        task = s.start(READ10(0, 1), read=BLOCK)
        t.until(lambda: held, 'the read does not reach the upstream')
        itt = s.ask(function, task=task if function == ABORT_TASK else None)
        s.expect('tmf_response', itt=itt, response=want)
        link, pdu = asked[0]
        equal(pdu.flags & 0x7f, there, 'the function that the upstream is asked for')
        check(link is held[0][0], 'the function comes on another session than the task')
        equal(pdu.rtt, held[0][1].itt if there == ABORT_TASK else NONE, 'its Referenced Task Tag')
        if there == ABORT_TASK:
            equal(pdu.refcmdsn, held[0][1].cmdsn, 'its RefCmdSN')
        check(len(asked) == 1 or answer, 'the upstream was asked for more: %s', asked)
        scene.up.behave()
        if function == CLEAR_ACA:                       # which ends nothing
            check(len(asked) == 1, 'the upstream was asked for more: %s', asked)
            held[0][0].data(held[0][1], bytes(BLOCK), 1 << 30)
            s.finish(task)
        s.silent(0.2)
        s.good(READ10(0, 1), read=BLOCK)
    scene.witness.failed(TEST_UNIT_READY, 0x062903, lun=1)  # the other unit has been reset with the target
    scene.end()


@conversation('bounded escalation',
              'an upstream that answers neither the command nor its abort: the function is answered all the same', seconds=60)
def aborted_in_vain(t):
    scene = Scene(t)
    s = scene.session()
    scene.up.on(0x28, lambda link, pdu: None)
    scene.up.on('tmf', lambda link, pdu: None)
    task = s.start(READ10(0, 1), read=BLOCK)
    s.silent(0.3)
    start = time.monotonic()
    itt = s.ask(LOGICAL_UNIT_RESET)
    scene.unharmed()
    s.expect('tmf_response', 15, itt=itt)
    check(time.monotonic() - start < 10, 'answered after %.1f s', time.monotonic() - start)
    check(task.status is None, 'the task was answered')
    scene.end()


@conversation('never GOOD',
              'the upstream drops the connection under a command: an error, never GOOD; and it is used again when it is back', seconds=60)
def dropped(t):
    scene = Scene(t)
    s = scene.session()
    for what, do, then in (('closes', lambda link, pdu: link.close(), None),
                           ('sends half a header and closes', lambda link,
                            pdu: link.socket.sendall(b'\x25\x80'), scene.up.drop)):
        scene.up.on(0x28, do)
        task = s.start(READ10(0, 8), read=8 * BLOCK)
        scene.unharmed()
        if then:
            then()
        s.finish(task, 15)
        check(task.status != GOOD, 'the upstream %s: a read ends with GOOD', what)
        scene.works_again()
        t.until(lambda: s.command(READ10(0, 1), read=BLOCK).status == GOOD,
                'the session does not get its upstream back', 15)
    scene.end()


@conversation('bounded waits',
              'an upstream that takes connections and says nothing: logins here do not wait for it', seconds=60)
def silent_login(t):
    scene = Scene(t)
    scene.up.on('login', lambda link, pdu: None)
    start = time.monotonic()
    s = scene.log_in('late')
    check(time.monotonic() - start < 3, 'the login took %.1f s', time.monotonic() - start)
    task = s.start(TEST_UNIT_READY)
    scene.unharmed()
    s.finish(task, 25)
    check(task.status != GOOD, 'TEST UNIT READY of an upstream that says nothing: GOOD')
    scene.works_again()
    scene.end()


def refuse_login(link, pdu):
    link.send('login_response', flags=0, isid=pdu.isid, itt=pdu.itt, status_class=2, status_detail=2)
    link.close()


@conversation('bounded waits', 'an upstream that refuses the login', seconds=60)
def refused(t):
    scene = Scene(t)
    scene.up.on('login', refuse_login)
    s = scene.log_in('refused')
    one_of(outcome(s, READ10(0, 1), read=BLOCK), (CHECK_CONDITION, 0x08, 'gone'), 'the outcome')
    scene.works_again()
    scene.end()


def raw(data):
    return lambda link, pdu: link.socket.sendall(data)


HOSTILE = {
    'CHECK CONDITION without sense': lambda link, pdu: link.status(pdu, 2),
    'sense of one byte': lambda link, pdu: link.status(pdu, 2, b'\0\1\x70'),
    'a sense length beyond the segment': lambda link, pdu: link.status(pdu, 2, b'\xff\xff' + bytes(18)),
    'a sense of 1000 bytes': lambda link, pdu: link.status(pdu, 2, b'\x03\xe8\x70' + bytes(999)),
    'Data-In beyond the buffer': lambda link, pdu: link.send('data_in', itt=pdu.itt, lun=pdu.lun, ttt=NONE,
                                                             offset=0, flags=0x81,
                                                             data=bytes(pdu.edtl + 4096)),
    'Data-In far beyond the buffer': lambda link, pdu: link.send('data_in', itt=pdu.itt, lun=pdu.lun, ttt=NONE,
                                                                 offset=0x7fffff00, flags=0x81,
                                                                 data=bytes(512)),
    'Data-In with an offset that wraps': lambda link, pdu: link.send('data_in', itt=pdu.itt, ttt=NONE,
                                                                     offset=0xffffff00, flags=0x81,
                                                                     data=bytes(512)),
    'Data-In for a task that there is not': lambda link, pdu: link.send('data_in', itt=0x7777, ttt=NONE,
                                                                        flags=0x81, data=bytes(512)),
    'GOOD with nothing read': lambda link, pdu: link.status(pdu, 0),
    'a residual larger than the transfer': lambda link,
    pdu: link.status(pdu, 0, flags=0x82, residual=0xfffffff0),
    'both residual bits': lambda link, pdu: link.status(pdu, 0, flags=0x86, residual=5),
    'an R2T for a read': lambda link, pdu: link.send('r2t', advance=False, itt=pdu.itt, ttt=5, offset=0,
                                                     desired=512),
    'an unknown opcode': raw(b'\x3a' + bytes(47)),
    'an initiator opcode': raw(b'\x01' + bytes(47)),
    'a data segment of 16 MiB': raw(b'\x25\x80\0\0\0\xff\xff\xff' + bytes(40)),
    'an AHS of 1020 bytes': raw(b'\x21\x80\0\0\xff\0\0\0' + bytes(40 + 1020)),
    'an answer to nothing': lambda link, pdu: (link.status(pdu, 0, flags=0x82, residual=512),
                                               link.status(pdu, 0)),
    'a reject': lambda link, pdu: link.send('reject', reason=4, itt=NONE, data=pdu.header()[:48]),
    'an async logout request': lambda link, pdu: link.send('async', itt=NONE, event=1, p3=1),
    'an async drop': lambda link, pdu: link.send('async', itt=NONE, event=2),
    'zeros': raw(bytes(480)),
}


@conversation('a hostile upstream',
              'answers that must not be: never a crash, never what was not read, and the daemon goes on',
              seconds=200)
def hostile_reads(t):
    scene = Scene(t)
    for n, (what, do) in enumerate(HOSTILE.items()):
        s = scene.session('hostile-%d' % n)
        scene.up.on(0x28, do)
        scene.up.on('tmf', lambda link, pdu: link.close())
        task = s.start(READ10(0, 1), read=BLOCK)
        try:
            s.finish(task, 1.5)
        except Late:
            scene.up.drop()                             # an upstream that waits for ever is another story
            try:
                s.finish(task, 12)
            except Gone:
                pass
        except Gone:
            pass
        t.remark('%s: %s %s', what, task.status, task.sense_code())
        if task.status == GOOD:
            check(len(task.data) + task.residual == BLOCK, '%s: GOOD with %d bytes and a residual of %d', what,
                  len(task.data), task.residual)
        check(scene.daemon.alive(), '%s: the daemon is gone\n%s', what, scene.daemon.log()[-2000:])
        scene.unharmed()
        scene.up.behave()
        s.close()
    scene.works_again()
    scene.end()


HOSTILE_R2T = {
    'beyond the data': dict(offset=0, desired=1 << 20),
    'an offset beyond the data': dict(offset=1 << 20, desired=512),
    'an offset that wraps': dict(offset=0xfffffe00, desired=1024),
    'nothing': dict(offset=0, desired=0),
    'everything': dict(offset=0, desired=0xffffffff),
}


@conversation('a hostile upstream', 'R2Ts out of bounds: never a byte that is not of the write', seconds=200)
def hostile_writes(t):
    scene = Scene(t)
    data = b'\xa5' * 40 * BLOCK
    for n, (what, fields) in enumerate(HOSTILE_R2T.items()):
        s = scene.session('hostile-%d' % n)
        scene.up.on(0x2a, lambda link, pdu: link.send('r2t', advance=False, itt=pdu.itt, lun=pdu.lun, ttt=5,
                                                      **fields))
        task = s.start(WRITE10(0, 40), write=data)
        try:
            s.finish(task, 1.5)
        except Late:
            scene.up.drop()
            try:
                # An R2T for 4 GiB is cut into 16,384 PDUs by libiscsi, each put where it belongs in its queue: a
                # second of a processor's time that is free.
                s.finish(task, 60)
            except Gone:
                pass
        except Gone:
            pass
        t.remark('%s: %s %s', what, task.status, task.sense_code())
        check(task.status != GOOD, 'an R2T for %s: the write ends with GOOD', what)
        for link in scene.up.links:
            for pdu in link.seen:
                check(pdu.name != 'data_out' or set(pdu.data) <= {0xa5},
                      'an R2T for %s: the upstream got other bytes', what)
        check(scene.daemon.alive(), 'an R2T for %s: the daemon is gone\n%s', what, scene.daemon.log()[-2000:])
        scene.unharmed()
        scene.up.behave()
        s.close()
    scene.works_again()
    scene.end()


@conversation('SIGTERM', 'an upstream that keeps a command for ever does not keep the daemon from ending',
              seconds=60)
def ends_all_the_same(t):
    scene = Scene(t)
    s = scene.session()
    scene.up.on(0x28, lambda link, pdu: None)
    scene.up.on('tmf', lambda link, pdu: None)
    scene.up.on('logout', lambda link, pdu: None)
    s.start(READ10(0, 1), read=BLOCK)
    s.silent(0.3)
    scene.end()


@conversation('SAM-5 7.2',
              'a frozen upstream: its way is fenced; when it thaws the operator unfences it, and the same session goes on', seconds=90)
def unfenced(t):
    scene = Scene(t)
    s = scene.session()
    other = scene.session('other')

    def sptgtctl(*words):
        return subprocess.run([os.path.join(os.path.dirname(t.daemon.process.args[0]), 'sptgtctl'), '--socket',
                               os.path.join(scene.daemon.dir, 'control.sock')] + list(words),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, text=True)
    frozen = []
    for what in (0x00, 0x28, 'tmf', 'nop_out', 'login', 'logout'):
        scene.up.on(what, lambda link, pdu: frozen.append((link, pdu)))
    task = s.start(READ10(0, 1), read=BLOCK)
    t.until(lambda: frozen, 'the read does not reach the upstream')
    itt = s.ask(ABORT_TASK, task=task)
    scene.unharmed()
    equal(s.expect('tmf_response', itt=itt, seconds=20).response, 0, 'the response')
    s.tasks.clear()
    equal(s.command(TEST_UNIT_READY).sense_code(), 0x020403, 'the sense while it is fenced')
    # unfenced too early: nothing waits for the upstream, and nobody is harmed
    early = sptgtctl('unfence', 'up')
    equal(early.returncode, 0, early.stdout)
    scene.unharmed()
    check(s.command(TEST_UNIT_READY).status != GOOD, 'a frozen upstream is ready')
    scene.up.behave()
    for session in (s, other):
        t.until(lambda: session.command(READ10(0, 1), read=BLOCK).status == GOOD, 'it is not used again', 30)
        session.write(0, pattern(40 * BLOCK))
    again = sptgtctl('unfence', 'up')
    check(again.returncode != 0 and 'not fenced' in again.stdout, 'what is not fenced is unfenced: %s', again.stdout)
    scene.end()


@conversation('SAM-5 5.2; RFC 7143 11.2.2.3, 11.2.2.4', 'a CDB of 32 bytes and data both ways, which do not go upstream: refused here, whole and with residuals',
              seconds=60)
def too_long_and_both_ways(t):
    scene = Scene(t)
    s = scene.session()
    data = pattern(BLOCK)
    read_length = b'\0\x05\x02\0' + BLOCK.to_bytes(4, 'big')
    long_cdb = bytes([0x7f, 0, 0, 0, 0, 0, 0, 24, 0, 9]) + bytes(6), b'\0\x11\x01\0' + bytes(15) + b'\x01'
    for cdb, ahs, flags, more in ((long_cdb[0], long_cdb[1], UNDERFLOW, {'read': BLOCK}),
                                  (bytes([0x53]) + bytes(7) + b'\x01\0', read_length, UNDERFLOW | 0x08,
                                   {'read': BLOCK, 'write': data, 'edtl': BLOCK})):
        task = s.failed(cdb, 0x052000, ahs=ahs, **more)
        equal((task.end.flags & 0x1e, task.end.residual), (flags, BLOCK), 'residual flags and count')
        equal(bytes(task.data), b'', 'the data')
        s.good(READ10(0, 1), read=BLOCK)
    sent = {pdu.cdb[0] for link in scene.up.links for pdu in link.seen if pdu.name == 'command'}
    check(READ10(0, 1)[0] in sent and not sent & {0x7f, 0x53}, 'the operation codes that came upstream: %s', sent)
    scene.end()
