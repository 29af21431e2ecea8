# SPDX-License-Identifier: MIT
"""A device that goes wrong, by its fault layer, and what an operator does about it: SAM-5 7, RFC 7143 11.5, 11.6.

Nothing but the device itself is touched: other LUNs, other sessions and logins go on while an abort escalates."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time

from talk import *  # noqa: F403

ABORT_TASK, LOGICAL_UNIT_RESET = 1, 5
COMPLETE, NO_TASK, REJECTED = 0, 1, 255
WAIT, RESET_WAIT = 2.0, 1.0
DEVICES = ['esxi', 'linux', 'kind', 'deaf', 'live', 'free', 'op', 'loops', 'sense', 'slow', 'mixed', 'seen']
LUN = {name: n + 1 for n, name in enumerate(DEVICES)}
MIXED = 'layers = fault\nfault-rules = op=read(10) lba=100-199 check=medium-error/11/00'
CONFIG = config(*(device(name, 'abort-wait = %dms' % (WAIT * 1000), 'reset-wait = %dms' % (RESET_WAIT * 1000),
                         MIXED if name == 'mixed' else '') for name in DEVICES),
                luns='lun.0 = disk\n' + '\n'.join('lun.%d = %s' % (LUN[name], name) for name in DEVICES),
                talk='default-time2wait = 0', daemon='drain-timeout = 1s')


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def control(t, method, path, status=200, **request):
    c = Unix(os.path.join(t.daemon.dir, 'control.sock'))
    c.request(method, '/v1/' + path, json.dumps(request) if request else None)
    answer = c.getresponse()
    body = json.loads(answer.read())
    c.close()
    check(answer.status == status, 'the control socket answers %d: %s', answer.status, body)
    return body


def layer(t, device, name, setting):
    control(t, 'POST', 'layers', device=device, layer=name, setting=setting)


def rules(t, device):
    return [r for r in control(t, 'GET', 'layers')['layers'] if r['device'] == device]


def lun(t, device):
    return next(r for r in control(t, 'GET', 'luns')['luns'] if r['device'] == device)


def settle(s, unit):
    for _ in range(4):
        if s.command(TEST_UNIT_READY, lun=unit).status == GOOD:
            return s
    raise Wrong('unit attentions without end')


def answer(s, itt, seconds=8):
    """The response, and after how long."""
    began = time.monotonic()
    pdu = s.expect('tmf_response', itt=itt, seconds=seconds)
    return pdu.response, time.monotonic() - began


def hang(t, s, device, rule='op=28h hang'):
    """A read that does not come back."""
    layer(t, device, 'fault', rule)
    task = s.start(READ10(0, 1), read=512, lun=LUN[device])
    t.until(lambda: rules(t, device)[0]['held'] == 1, 'the read does not hang')
    return task


def others_go_on(t, s):
    """Another LUN of this session, another session and a login; the function's answer comes after all of them."""
    s.good(INQUIRY(36), read=36, lun=0)
    s.read(0, 8, lun=0)
    other = t.connect()
    other.name = t.name + '-other%d' % len(t.connections)
    other.log_in()
    settle(other, 0).read(0, 8, lun=0)
    other.log_out()


@conversation('SAM-5 7.2', 'as ESXi does: ABORT TASK of a command that never comes back, then LOGICAL UNIT RESET')
def esxi(t):
    s = settle(settle(t.log_in(), 0), LUN['esxi'])
    unit = LUN['esxi']
    task = hang(t, s, 'esxi', 'op=28h hang=fence')
    abort = s.ask(ABORT_TASK, unit, task)
    began = time.monotonic()
    others_go_on(t, s)
    check(not lun(t, 'esxi')['fenced'], 'it is fenced before abort-wait and reset-wait are over')
    response, _ = answer(s, abort)
    equal(response, COMPLETE, 'the response to ABORT TASK')
    took = time.monotonic() - began
    check(took >= WAIT + RESET_WAIT - 0.02, 'fenced after %.2f s, and the escalation takes %.2f', took, WAIT + RESET_WAIT)
    s.tasks.clear()
    check(lun(t, 'esxi')['fenced'], 'it is not fenced')
    equal(s.command(READ10(0, 1), read=512, lun=unit).sense_code(), 0x020403, 'the sense while it is fenced')
    response, took = answer(s, s.ask(LOGICAL_UNIT_RESET, unit))
    check(response == COMPLETE and took < WAIT, 'the reset of a fenced unit: %d after %.1f s', response, took)
    others_go_on(t, s)
    layer(t, 'esxi', 'fault', 'off')
    control(t, 'POST', 'unfence', device='esxi')
    check(not lun(t, 'esxi')['fenced'], 'it is still fenced')
    equal(s.command(TEST_UNIT_READY, lun=unit).sense_code(), 0x062900, 'what is told first')
    s.write(0, pattern(512), lun=unit)
    equal(s.read(0, 1, lun=unit), pattern(512), 'what is read')
    t.remark('aborted, reset, fenced, brought back')


@conversation('SAM-5 7.7', 'as Linux does: ABORT TASK, no answer in its time, then LOGICAL UNIT RESET, which ends both')
def linux(t):
    s = settle(t.log_in(), LUN['linux'])
    task = hang(t, s, 'linux', 'op=28h hang=reset')
    abort = s.ask(ABORT_TASK, LUN['linux'], task)
    s.silent(0.2)
    reset = s.ask(LOGICAL_UNIT_RESET, LUN['linux'])
    for itt in (abort, reset):
        equal(s.expect('tmf_response', itt=itt, seconds=8).response, COMPLETE, 'the response')
    s.tasks.clear()
    check(not lun(t, 'linux')['fenced'], 'it is fenced although the reset helped')
    layer(t, 'linux', 'fault', 'off')
    equal(s.command(TEST_UNIT_READY, lun=LUN['linux']).sense_code(), 0x062903, 'what is told')
    s.good(TEST_UNIT_READY, lun=LUN['linux'])


@conversation('SAM-5 7.2', 'an abort is waited for, then the unit is reset, which helps: it is not fenced')
def reset_helps(t):
    s = settle(t.log_in(), LUN['kind'])
    other = t.connect()
    other.name = t.name + '-other'
    settle(other.log_in(), LUN['kind'])
    task = hang(t, s, 'kind')
    theirs = other.start(READ10(0, 1), read=512, lun=LUN['kind'])
    response, took = answer(s, s.ask(ABORT_TASK, LUN['kind'], task))
    check(response == COMPLETE and took >= WAIT - 0.02, 'the abort: %d after %.2f s', response, took)
    s.tasks.clear()
    check(not lun(t, 'kind')['fenced'], 'it is fenced')
    equal(other.finish(theirs).sense_code(), 0x0b0000, 'the sense of a command that nobody had aborted')
    equal(s.command(TEST_UNIT_READY, lun=LUN['kind']).sense_code(), 0x062903, 'what is told')
    task = hang(t, s, 'kind', 'op=28h hang=abort')
    response, took = answer(s, s.ask(ABORT_TASK, LUN['kind'], task))
    check(response == COMPLETE and took < WAIT, 'the abort of what can be aborted: %d after %.2f s', response, took)
    s.tasks.clear()
    layer(t, 'kind', 'fault', 'off')


@conversation('SAM-5 7.7', 'a unit that does not even answer its reset: the function is rejected, the unit fenced')
def deaf(t):
    s = settle(settle(t.log_in(), 0), LUN['deaf'])
    hang(t, s, 'deaf', 'op=28h hang=fence')
    reset = s.ask(LOGICAL_UNIT_RESET, LUN['deaf'])
    others_go_on(t, s)
    one_of(answer(s, reset)[0], (COMPLETE, REJECTED), 'the response')
    s.tasks.clear()
    check(lun(t, 'deaf')['fenced'], 'it is not fenced')
    # The rule still holds: what comes after the unfencing hangs again, and is fenced again.
    control(t, 'POST', 'unfence', device='deaf')
    settle(s, LUN['deaf'])
    task = s.start(READ10(0, 1), read=512, lun=LUN['deaf'])
    response, took = answer(s, s.ask(ABORT_TASK, LUN['deaf'], task))
    check(response == COMPLETE and took >= WAIT + RESET_WAIT - 0.02, 'the abort: %d after %.2f s', response, took)
    s.tasks.clear()
    check(lun(t, 'deaf')['fenced'], 'it is not fenced again')
    layer(t, 'deaf', 'fault', 'off')
    control(t, 'POST', 'unfence', device='deaf')
    settle(s, LUN['deaf']).read(0, 1, lun=LUN['deaf'])


@conversation('SAM-5 4.7', 'what hangs goes on when it is released, or when its rule is no more')
def released(t):
    s = settle(t.log_in(), LUN['free'])
    s.write(0, pattern(512, 5), lun=LUN['free'])
    for how in ('release', 'op=28h lba=9999 hang', 'off'):
        task = hang(t, s, 'free', 'op=28h hang=fence')
        layer(t, 'free', 'fault', how)
        s.finish(task)
        equal(task.status, GOOD, 'the status after ' + how)
        equal(bytes(task.data), pattern(512, 5), 'the data')


@conversation('SAM-5 7.7', 'the operator resets the unit: everybody\'s commands end, everybody is told')
def reset_by_operator(t):
    s = settle(t.log_in(), LUN['op'])
    other = t.connect()
    other.name = t.name + '-other'
    settle(other.log_in(), LUN['op'])
    hang(t, s, 'op')
    control(t, 'POST', 'reset', device='op')
    equal(rules(t, 'op')[0]['held'], 0, 'commands that hang')
    s.silent(0.2)       # an aborted task has no response
    s.tasks.clear()
    layer(t, 'op', 'fault', 'off')
    for session in (s, other):
        equal(session.command(TEST_UNIT_READY, lun=LUN['op']).sense_code(), 0x062903, 'what is told')
        session.read(0, 1, lun=LUN['op'])


@conversation('RFC 7143 11.4.3', 'every way to fail, on both loops')
def failures(t):
    sessions = []
    for n in range(4):      # more than there are loops
        s = t.connect()
        s.name = t.name + '-%d' % n
        sessions.append(settle(s.log_in(), LUN['sense']))
    unit = LUN['sense']
    layer(t, 'sense', 'fault', 'op=28h lba=0-9 check=3/11/00 | op=28h lba=10-19 status=busy | op=28h lba=20 status=reservation-conflict'
          ' | op=28h lba=30 drop | op=28h lba=40 corrupt=1:ff0f | op=28h lba=50 short=100 | op=2ah lba=60 corrupt=0'
          ' | op=12h initiator=*-1 check=hardware-error/44/00')
    for n, s in enumerate(sessions):
        s.write(40, bytes(512), lun=unit)
        s.failed(READ10(5, 1), 0x031100, read=512, lun=unit)
        equal(s.command(READ10(9, 2), read=1024, lun=unit).sense_code(), 0x031100, 'a range that is touched')
        equal(s.command(READ10(10, 1), read=512, lun=unit).status, 0x08, 'BUSY')
        equal(s.command(READ10(20, 1), read=512, lun=unit).status, 0x18, 'RESERVATION CONFLICT')
        equal(s.read(40, 1, lun=unit), b'\0\xff\x0f' + bytes(509), 'the corrupted data')
        task = s.good(READ10(50, 1), read=512, lun=unit)
        equal((len(task.data), task.residual), (100, 412), 'a short read and its residual')
        s.write(60, bytes(512), lun=unit)
        equal(s.read(60, 1, lun=unit), b'\xff' + bytes(511), 'what a corrupted write has left')
        if n == 1:
            s.failed(INQUIRY(36), 0x044400, read=36, lun=unit)
        else:
            s.good(INQUIRY(36), read=36, lun=unit)
        task = s.start(READ10(30, 1), read=512, lun=unit)
        equal(s.expect('response', itt=task.itt).response, 1, 'the response to what was lost: Target Failure')
        s.tasks.clear()
    layer(t, 'sense', 'fault', 'op=28h every=3 count=2 status=busy')
    equal([sessions[n % 4].command(READ10(0, 1), read=512, lun=unit).status for n in range(12)],
          [0, 0, 8, 0, 0, 8, 0, 0, 0, 0, 0, 0], 'every third, twice, over all loops')
    layer(t, 'sense', 'fault', 'off')
    equal(sessions[0].read(40, 1, lun=unit), bytes(512), 'the medium itself')


@conversation('SAM-5 5.3', 'commands are delayed on either way, and only those that are meant')
def delays(t):
    s = settle(t.log_in(), LUN['slow'])
    unit = LUN['slow']

    def seconds(cdb, read):
        began = time.monotonic()
        s.good(cdb, read=read, lun=unit)
        return time.monotonic() - began

    layer(t, 'slow', 'delay', 'op=28h before=150ms after=150ms | op=12h after=100ms-200ms')
    check(seconds(READ10(0, 1), 512) >= 0.29, 'a read is not delayed')
    check(seconds(INQUIRY(36), 36) >= 0.09, 'an INQUIRY is not delayed')
    seconds(READ_CAPACITY10, 8)
    equal([r['hits'] for r in rules(t, 'slow')], [1, 1], 'commands that were delayed')
    layer(t, 'slow', 'delay', 'before=30s')
    task = s.start(READ10(0, 1), read=512, lun=unit)
    t.until(lambda: rules(t, 'slow')[0]['held'] == 1, 'the read is not delayed')
    response, took = answer(s, s.ask(ABORT_TASK, unit, task))
    check(response == COMPLETE and took < WAIT, 'an abort waits for a delay: %d after %.1f s', response, took)
    s.tasks.clear()
    layer(t, 'slow', 'delay', 'off')
    seconds(READ10(0, 1), 512)


@conversation('SAM-5 5.1', 'layers and rules from the configuration; they change under load and no command suffers')
def under_load(t):
    s = settle(t.log_in(), LUN['mixed'])
    s.failed(READ10(150, 1), 0x031100, read=512, lun=LUN['mixed'])
    s.read(0, 8, lun=LUN['mixed'])
    stop = []

    def load():
        other = t.connect()
        other.name = t.name + '-load'
        settle(other.log_in(), LUN['mixed'])
        while not stop:
            equal(other.read(0, 8, lun=LUN['mixed']), bytes(4096), 'what is read')

    loads = [Background(load)]
    for n in range(30):
        layer(t, 'mixed', 'fault', ['off', 'op=read* lba=100-199 check=3/11/00', 'op=28h every=4 hang=fence', 'release'][n % 4])
        layer(t, 'mixed', 'delay', ['op=28h after=1ms-3ms', 'off'][n % 2])
    layer(t, 'mixed', 'fault', 'off')
    stop.append(True)
    for one in loads:
        one.finish()


@conversation('RFC 7143 11.3, 11.4', 'a trace tells every command, in words and as packets that tshark takes apart')
def traced(t):
    unit, text, pcap = LUN['seen'], os.path.join(t.daemon.dir, 'seen.txt'), os.path.join(t.daemon.dir, 'seen.pcap')
    s = settle(t.log_in(), unit)
    control(t, 'POST', 'layers', status=404, device='seen', layer='trace', setting='file=/nonexistent/x')
    layer(t, 'seen', 'fault', 'op=28h lba=200 check=3/11/00')
    layer(t, 'seen', 'trace', 'file=' + text)
    layer(t, 'seen', 'trace', 'pcap=' + pcap)
    s.write(0, pattern(65536), lun=unit)
    s.read(0, 128, lun=unit)
    s.failed(READ10(200, 1), 0x031100, read=512, lun=unit)
    s.failed(b'\x99' + bytes(15), 0x052000, lun=unit)
    row = next(r for r in rules(t, 'seen') if r['layer'] == 'trace')
    equal((row['seen'], row['lost']), (4, 0), 'commands that are in the trace, and that are not')
    layer(t, 'seen', 'fault', 'off')
    layer(t, 'seen', 'trace', 'off')
    s.read(0, 1, lun=unit)
    fds = '/proc/%d/fd' % t.daemon.process.pid
    t.until(lambda: text not in [os.path.realpath(os.path.join(fds, f)) for f in os.listdir(fds)], 'the trace stays open')
    t.until(lambda: open(text).read().count('\n') == 4, 'the trace is not written: ' + open(text).read())
    equal(os.stat(text).st_mode & 0o777, 0o600, 'the mode of a trace')
    lines = open(text).read().splitlines()
    for line, words in zip(lines, (['WRITE(10) lba 0 blocks 128 ', ' GOOD out 65536 '], [' READ(10) lba 0 blocks 128 ', ' GOOD in 65536 '],
                                   [' lba 200 blocks 1 [28 ', 'CHECK CONDITION (MEDIUM ERROR, UNRECOVERED READ ERROR (3/11/00))',
                                    'in 0 (512 less than expected)'],
                                   ['opcode 99h', 'INVALID COMMAND OPERATION CODE', ' refused '])):
        for word in [s.name] + words:
            check(word in line, '%r is not in the line %r', word, line)
    tshark = shutil.which('tshark')
    if not tshark:
        t.remark('no tshark: the packets are not looked at')
        return
    about = subprocess.run(['capinfos', '-t', '-c', '-E', '-M', '-T', pcap], capture_output=True, text=True, timeout=60)
    check('pcap\trawip4\t12' in about.stdout, 'capinfos says: %s%s', about.stdout, about.stderr)
    out = subprocess.run([tshark, '-r', pcap, '-d', 'tcp.port==3260,iscsi', '-T', 'fields', '-e', 'iscsi.opcode',
                          '-e', '_ws.col.Info', '-e', '_ws.malformed'], capture_output=True, text=True, timeout=60)
    rows = [line.split('\t') for line in out.stdout.splitlines()]
    equal([int(r[0], 0) for r in rows], [1, 5, 5, 0x21, 1, 0x25, 0x25, 0x21, 1, 0x21, 1, 0x21], 'the PDUs that tshark sees')
    check('Write(10)' in rows[0][1] and 'Check Condition' in rows[9][1], 'what tshark tells: %s', rows)
    check(not any('alformed' in r[-1] for r in rows), 'tshark finds a packet malformed: %s', rows)


@conversation('RFC 7143 7.6, 11.14', 'a session ends though the last that is left of it is the command of a connection that was logged out')
def last_of_a_session(t):
    unit, level = LUN['live'], {'ErrorRecoveryLevel': '2', 'MaxConnections': '2'}
    s = settle(t.log_in(level), unit)
    beside = s.add(1)
    hang(t, beside, 'live', 'op=28h hang=reset')
    s.send('logout', flags=FINAL | 1, itt=s.new_itt(), cid=1)       # answered when its command has ended
    beside.gone(allowed=())
    s.silent(0.1)
    s.send('logout', flags=FINAL | 1, itt=s.new_itt(), cid=0)
    s.expect('logout_response')
    s.gone(allowed=())

    def mine():
        return [row for row in control(t, 'GET', 'sessions')['sessions'] if row['initiator'] == t.name]
    equal(len(mine()), 1, 'sessions while the command is at the device')
    layer(t, 'live', 'fault', 'off')
    t.until(lambda: not mine(), 'the session is there without a connection or a command', seconds=3)


@conversation('RFC 7143 11.14, 11.15.1', 'a logout that waits for commands at a device is answered, whatever becomes of the connection', alone=True)
def logout_waits(t):
    unit, level = LUN['live'], {'ErrorRecoveryLevel': '2', 'MaxConnections': '2', 'DefaultTime2Wait': '0', 'DefaultTime2Retain': '20'}

    def close_lost(s):
        beside = s.add(1)
        hang(t, beside, 'live', 'op=28h hang=reset')
        beside.reset()
        time.sleep(0.7)
        itt = s.new_itt()
        s.send('logout', flags=FINAL | 1, itt=itt, cid=1)
        return itt

    # Others come and are lost: one too many, and this one is given up.
    s = settle(t.log_in(level), unit)
    itt = close_lost(s)
    s.silent(0.1)
    for _ in range(16):
        s.add(2).reset()
    s.expect('logout_response', itt=itt, response=3)
    layer(t, 'live', 'fault', 'off')
    s.log_out()
    # There is little left of the time to retain it: the end of the command has its own.
    s = settle(t.log_in({**level, 'DefaultTime2Retain': '1'}), unit)
    itt = close_lost(s)
    s.silent(1)
    layer(t, 'live', 'fault', 'off')
    s.expect('logout_response', itt=itt, response=0)
    s.log_out()


@conversation('SAM-5 7.2', 'several sessions hang on both loops; one unfencing brings all of them back', alone=True)
def both_loops(t):
    unit = LUN['loops']
    sessions = []
    for n in range(4):
        s = t.connect()
        s.name = t.name + '-%d' % n
        sessions.append(settle(s.log_in(), unit))
    layer(t, 'loops', 'fault', 'op=28h hang=fence')
    tasks = [s.start(READ10(0, 1), read=512, lun=unit) for s in sessions]
    t.until(lambda: rules(t, 'loops')[0]['held'] == 4, 'they do not hang')
    aborts = [s.ask(ABORT_TASK, unit, task) for s, task in zip(sessions, tasks)]
    for s, itt in zip(sessions, aborts):
        equal(answer(s, itt)[0], COMPLETE, 'the response')
        s.tasks.clear()
    equal(lun(t, 'loops')['fenced_ways'], 2, 'loops whose way is fenced')
    layer(t, 'loops', 'fault', 'off')
    control(t, 'POST', 'unfence', device='loops')
    equal(lun(t, 'loops')['fenced_ways'], 0, 'loops whose way is fenced')
    control(t, 'POST', 'unfence', device='loops', status=409)
    for s in sessions:
        equal(s.command(TEST_UNIT_READY, lun=unit).sense_code(), 0x062900, 'what is told')
        s.read(0, 8, lun=unit)
