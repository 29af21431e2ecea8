# SPDX-License-Identifier: MIT
"""A configuration that is read again while sessions run, and what initiators are told (RFC 7143 11.9, SPC-5 6.33)."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket

from talk import *  # noqa: F403

LOGOUT_REQUEST, DROP_SESSION, NEGOTIATE = 1, 3, 4
KEYS = {'InitialR2T': 'Yes', 'ImmediateData': 'No', 'MaxOutstandingR2T': 1}
TASK_ABORTED = 0x40
NOT_FOUND = 0x0203
CONFIG = config(device('second', size='8M'), target('other', luns='lun.5 = second'), luns='lun.0 = disk\nlun.1 = second',
                daemon='logout-wait = 1s')
OTHER = 'iqn.2026-11.org.sptgt:other'
OTHER_SECTION = CONFIG[CONFIG.index('[target-other]'):]


class Control(http.client.HTTPConnection):
    def __init__(self, daemon):
        super().__init__('localhost', timeout=15)
        self.path = daemon.dir + '/control.sock'

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(t, method, path):
    """Status and body."""
    control = Control(t.daemon)
    try:
        control.request(method, path)
        answer = control.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        control.close()


def put(t, config):
    path = t.daemon.dir + '/sptgt.conf'
    with open(path + '.new', 'w') as f:
        f.write(config.replace('{dir}', t.daemon.dir))
    os.chmod(path + '.new', 0o600)
    os.rename(path + '.new', path)


def reload(t, config):
    """Must be taken; what it reports."""
    put(t, config)
    status, body = ask(t, 'POST', '/v1/reload')
    equal(status, 200, 'the status of a reload: %s' % body)
    return body['report']


@contextlib.contextmanager
def afterwards(t):
    """Whatever happens, the configuration of the beginning is back for the next conversation."""
    try:
        yield
    finally:
        reload(t, CONFIG)


def session(t, name='one', target=True, keys=KEYS):
    s = t.connect()
    s.name = '%s-%s' % (t.name, name)
    s.log_in(keys, target)
    for lun in (0, 1) if target is True else (5,):
        while s.command(TEST_UNIT_READY, lun=lun).status != GOOD:
            pass
    return s


def waiting_write(s, lun=0, blocks=8):
    task = s.start(WRITE10(s.talk.region % 8192, blocks), write=pattern(blocks * BLOCK), lun=lun)
    while not task.r2ts:
        s.step(answer=False)
    return task


def luns(s, lun=0):
    task = s.good(bytes([0xa0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]), read=512, lun=lun)
    n = int.from_bytes(task.data[:4], 'big')
    return [task.data[8 + i + 1] for i in range(0, n, 8)]


@conversation('SPC-5 6.33, SAM-5 5.14', 'a new LUN: sessions stay, are told by a unit attention, and find it; what runs goes on', alone=True)
def new_lun(t):
    s = session(t)
    with afterwards(t):
        task = waiting_write(s)
        reload(t, CONFIG.replace('lun.1 = second\n', 'lun.1 = second\nlun.7 = second\n'))
        t.until(lambda: s.command(TEST_UNIT_READY).sense_code() == 0x063f0e, 'no unit attention')
        s.failed(TEST_UNIT_READY, 0x063f0e, lun=1)
        equal(luns(s), [0, 1, 7], 'the LUNs')
        s.failed(TEST_UNIT_READY, 0x062900, lun=7)
        while s.command(TEST_UNIT_READY, lun=7).status != GOOD:
            pass
        s.answer_r2t(task, task.r2ts[0])
        equal(s.finish(task).status, GOOD, 'the status of the write that was under way')
        equal(session(t, 'two').command(TEST_UNIT_READY, lun=7).status, CHECK_CONDITION, 'the first command there')


@conversation('operation', 'one reload at a time: who asks meanwhile is told so', alone=True)
def one_at_a_time(t):
    controls = [Control(t.daemon) for _ in range(4)]
    for control in controls:
        control.connect()
    t.daemon.process.send_signal(signal.SIGSTOP)        # so that all are there at the same moment
    for control in controls:
        control.request('POST', '/v1/reload')
    t.daemon.process.send_signal(signal.SIGCONT)
    answers = []
    for control in controls:
        answer = control.getresponse()
        answers.append((answer.status, json.loads(answer.read()).get('error')))
        control.close()
    equal({a for a in answers if a[0] != 200}, {(409, 'a reload is under way already')}, 'the refusals')
    check(any(a[0] == 200 for a in answers), 'none of them is done')


@conversation('RFC 7143 7.5', 'sessions that wait for their initiator to come back are ended at once where nobody is to be asked', alone=True)
def nobody_to_ask(t):
    for n in range(8):
        s = session(t, 'lost%d' % n, OTHER, {**KEYS, 'ErrorRecoveryLevel': '2'})
        s.reset()

    def theirs():
        rows = ask(t, 'GET', '/v1/sessions')[1]['sessions']
        return [row for row in rows if row['initiator'].startswith(t.name + '-lost')]
    t.until(lambda: [row['connections'] for row in theirs()] == [0] * 8, 'the sessions do not wait')
    with afterwards(t):
        reload(t, CONFIG.replace(OTHER_SECTION, '').replace('logout-wait = 1s', 'logout-wait = 0'))
        t.until(lambda: not theirs(), 'the sessions are there')


@conversation('SPC-5 6.33', 'REPORT LUNS tells of the change, and takes the unit attention', alone=True)
def report_luns_is_enough(t):
    s = session(t)
    with afterwards(t):
        reload(t, CONFIG.replace('lun.1 = second\n', 'lun.1 = second\nlun.7 = second\n'))
        t.until(lambda: luns(s) == [0, 1, 7], 'the LUN is not there')
        s.good(TEST_UNIT_READY)


@conversation('SAM-5 5.14, 5.6', 'a LUN that is gone: its tasks end with TASK ABORTED, others go on, the session stays', alone=True)
def lun_gone(t):
    s = session(t)
    with afterwards(t):
        theirs, mine = waiting_write(s, lun=1), waiting_write(s)
        reload(t, CONFIG.replace('lun.1 = second\n', ''))
        s.step(answer=False)
        equal(theirs.status, TASK_ABORTED, 'the status')
        s.data_out(theirs, theirs.r2ts[0].ttt, 0, len(theirs.write))         # on its way: dropped
        s.failed(TEST_UNIT_READY, 0x052500, lun=1)
        s.failed(TEST_UNIT_READY, 0x063f0e)
        s.answer_r2t(mine, mine.r2ts[0])
        equal(s.finish(mine).status, GOOD, 'the status of the write to the LUN that stays')
        equal(luns(s), [0], 'the LUNs')


@conversation('sptgtd(8)', 'a file with faults: all of them are told, with their lines, and nothing has changed', alone=True)
def faults(t):
    s = session(t)
    where = 'sptgt.conf:%d:' % (CONFIG.split('\n').index('size = 64M') + 1)
    with afterwards(t):
        put(t, CONFIG.replace('size = 64M', 'size = 64 Martians').replace('lun.5 = second', 'lun.5 = secund'))
        status, body = ask(t, 'POST', '/v1/reload')
        equal(status, 422, 'the status')
        for word in (where, 'Martians', 'secund', 'nothing has changed'):
            check(word in body['error'], 'the answer does not say %s: %s', word, body['error'])
        s.good(TEST_UNIT_READY)
        session(t, 'two', OTHER)
    t.daemon.says(where)


@conversation('sptgtd(8)', 'a device that cannot be opened, an address that cannot be had: nothing has changed', alone=True)
def cannot_open(t):
    s = session(t)
    taken = socket.create_server(('127.0.0.1', 0))
    with taken, afterwards(t):
        for config, word in (
                (CONFIG.replace('[target-talk]', '[device-gone]\nbackend = file\npath = {dir}/no/such\n[target-talk]')
                 .replace('lun.1 = second', 'lun.1 = gone'), 'no/such'),
                (CONFIG.replace('listen = 127.0.0.1:0', 'listen = 127.0.0.1:0, 127.0.0.1:%d' % taken.getsockname()[1]),
                 'cannot listen')):
            put(t, config)
            status, body = ask(t, 'POST', '/v1/reload')
            equal(status, 422, 'the status')
            check(word in body['error'], 'the answer does not say %s: %s', word, body['error'])
        s.good(TEST_UNIT_READY)
        equal(luns(s), [0, 1], 'the LUNs')


@conversation('RFC 7143 11.9.1 (1)', 'a target that is gone: its sessions are asked to log out, and may; logins are refused', alone=True)
def target_gone(t):
    s, bystander = session(t, 'one', OTHER), session(t, 'two')
    with afterwards(t):
        report = reload(t, CONFIG.replace(OTHER_SECTION, ''))
        check('[target-other] is gone' in report, 'the report: %s', report)
        pdu = s.expect('async', event=LOGOUT_REQUEST, itt=NONE)
        equal((pdu.p1, pdu.p2, pdu.p3), (0, 0, 1), 'the parameters')
        s.log_out()
        try:
            session(t, 'three', OTHER)
        except Refused as e:
            equal(e.status, NOT_FOUND, 'the status of the login')
        else:
            check(False, 'a login to a target that is gone succeeds')
        bystander.silent(0.1)
        bystander.good(TEST_UNIT_READY)
    session(t, 'four', OTHER)


@conversation('RFC 7143 11.9.1 (1, 3)', 'who does not log out in that time is told that the session is dropped, and it is', alone=True)
def no_logout(t):
    s = session(t, 'one', OTHER)
    with afterwards(t):
        reload(t, CONFIG.replace(OTHER_SECTION, ''))
        s.expect('async', event=LOGOUT_REQUEST)
        s.good(TEST_UNIT_READY, lun=5)                       # until then it works
        pdu = s.expect('async', event=DROP_SESSION)
        equal((pdu.p2, pdu.p3), (2, 20), 'Time2Wait and Time2Retain')
        s.gone(allowed=())


@conversation('RFC 7143 11.9.1', 'an initiator that is not on the access list any more has to go, others stay', alone=True)
def access_list(t):
    s, other = session(t, 'one'), session(t, 'two')
    with afterwards(t):
        allowed = 'initiators = %s-two, iqn.2026-11.org.sptgt:x*\n' % t.name
        reload(t, CONFIG.replace('initiators = iqn.2026-11.org.sptgt:*\n', allowed, 1))
        s.expect('async', event=LOGOUT_REQUEST)
        s.log_out()
        other.silent(0.1)
        other.good(TEST_UNIT_READY)
        try:
            session(t, 'one')
        except Refused as e:
            equal(e.status, 0x0202, 'the status of the login')
        else:
            check(False, 'a login that is not allowed succeeds')


@conversation('RFC 7143 11.9.1', 'a session with a connection from where the target may not be used any more has to go, others stay', alone=True)
def address_list(t):
    here, there = session(t, 'one'), t.connect(source='127.0.0.2')
    there.name = t.name + '-two'
    there.log_in(KEYS).settle()
    with afterwards(t):
        reload(t, CONFIG.replace('lun.0 = disk\n', 'lun.0 = disk\naddresses = 127.0.0.1, fd00::/8\n', 1))
        there.expect('async', event=LOGOUT_REQUEST)
        there.log_out()
        here.silent(0.1)
        here.good(TEST_UNIT_READY)
        try:
            again = t.connect(source='127.0.0.2')
            again.name = t.name + '-two'
            again.log_in(KEYS)
        except Refused as e:
            equal(e.status, 0x0202, 'the status of the login')
        else:
            check(False, 'a login from there succeeds')


@conversation('SPC-5 6.6.2, SAM-5 5.14', 'a LUN gets another identity: its initiator is told once, and the other LUN keeps its own', alone=True)
def identity_of_a_lun(t):
    s = session(t)
    own = bytes(s.good(INQUIRY(36), read=36).data)
    with afterwards(t):
        reload(t, CONFIG.replace('lun.0 = disk\n', 'lun.0 = disk\nlun.0.vendor = TOLD\n', 1))
        told = []
        for lun in (0, 1):
            for _ in range(4):
                task = s.command(TEST_UNIT_READY, lun=lun)
                if task.status != GOOD:
                    told.append((lun, task.sense_code()))
        equal(told.count((0, 0x063f03)), 1, 'INQUIRY DATA HAS CHANGED at LUN 0: %s' % told)
        equal(told.count((1, 0x063f03)), 0, 'INQUIRY DATA HAS CHANGED at LUN 1: %s' % told)
        equal(bytes(s.good(INQUIRY(36), read=36).data)[8:16], b'TOLD    ', 'the vendor now')
    while s.command(TEST_UNIT_READY).status != GOOD:
        pass
    equal(bytes(s.good(INQUIRY(36), read=36).data), own, 'INQUIRY data afterwards')


@conversation('SPC-5 6.17.3', 'ALL_TG_PT is about the ports that there are now', alone=True)
def target_ports(t):
    s = session(t)

    def out(action_key, flags):
        parameters = action_key.to_bytes(16, 'big') + bytes([0, 0, 0, 0, flags, 0, 0, 0])
        s.good(bytes([0x5f, 6, 0, 0, 0, 0, 0, 0, 24, 0]), write=parameters, lun=1)
        return int.from_bytes(bytes(s.good(bytes([0x5e, 0, 0, 0, 0, 0, 0, 1, 0, 0]), read=256, lun=1).data)[4:8], 'big') // 8
    with afterwards(t):
        equal(out(7, 4), 2, 'registrations, through the ports of two targets')
        equal(out(0, 4), 0, 'registrations, when they are taken back')
        reload(t, CONFIG.replace(OTHER_SECTION, ''))
        while s.command(TEST_UNIT_READY, lun=1).status != GOOD:
            pass
        equal(out(7, 4), 1, 'registrations, with one target less')
        equal(out(0, 4), 0, 'registrations, when it is taken back')


@conversation('RFC 7143 13.8', 'portals and targets come and go', alone=True)
def portals(t):
    s = session(t)
    with afterwards(t):
        reload(t, CONFIG.replace('[device-disk]', '[portal-new]\nlisten = 127.0.0.1:0\n[device-disk]')
               + '[target-new]\nname = iqn.2026-11.org.sptgt:new\nportal = new\nlun.5 = second\ninitiators = *\n')
        listening = re.compile(r'portal new: listening on \S+:(\d+)\n')
        port = int(listening.findall(t.daemon.says(listening))[-1])
        new = t.connect(address=('127.0.0.1', port))
        new.log_in(KEYS, 'iqn.2026-11.org.sptgt:new')
        reload(t, CONFIG)
        new.expect('async', event=LOGOUT_REQUEST)
        new.log_out()

        def refused():
            try:
                socket.create_connection(('127.0.0.1', port), timeout=2).close()
            except ConnectionRefusedError:
                return True
            return False
        t.until(refused, 'the portal that is gone still listens')
        s.good(TEST_UNIT_READY)


@conversation('sptgt.conf(5)', 'keys for new logins: who is there keeps what was agreed', alone=True)
def new_logins(t):
    s = session(t)
    with afterwards(t):
        report = reload(t, CONFIG.replace('lun.0 = disk\n', 'lun.0 = disk\nqueue-depth = 3\n'))
        check('[target-talk] queue-depth is changed: for new logins' in report, 'the report: %s', report)
        s.ping()
        check((s.maxcmdsn - s.expcmdsn) & NONE > 100, 'the window of the old session')
        new = session(t, 'two')
        new.ping()
        equal((new.maxcmdsn - new.expcmdsn + 1) & NONE, 3, 'the window of the new session')


def ask_text(s, data=b''):
    """A Text Request: the pairs of the answer."""
    itt = s.new_itt()
    s.send('text', itt=itt, data=data)
    return pairs(s.expect('text_response', itt=itt, flags=FINAL).data)


@conversation('RFC 7143 11.9.1 (4), 13.12', 'the largest data segment changes: sessions are asked to negotiate, and are told with their next Text Request',
              alone=True)
def renegotiation(t):
    keys = {**KEYS, 'MaxBurstLength': 1 << 20}
    s, deaf = session(t, keys=keys), session(t, 'two', keys=keys)
    data = pattern(600 * BLOCK, 5)
    s.write(0, data[:100 * BLOCK])                        # with what was agreed, in any case
    with afterwards(t):
        report = reload(t, CONFIG.replace('lun.0 = disk\n', 'lun.0 = disk\nmax-recv-data-segment-length = 512K\n'))
        check('sessions are asked to negotiate' in str(report), 'the report: %s', report)
        for one in (s, deaf):
            pdu = one.expect('async', event=NEGOTIATE)
            one_of(pdu.p3, (1, 2), 'Parameter3, in seconds')
        s.write(0, data[:100 * BLOCK])
        equal(ask_text(s), [('MaxRecvDataSegmentLength', '524288')], 'the answer to an empty text')
        equal(ask_text(s), [], 'the answer to another one')
        s.max_send = 524288
        s.write(0, data)                                  # one PDU of more than 256 KiB
        equal(s.read(0, 600), data, 'what was written')
        deaf.write(0, data)                               # who never asks goes on as before
        reload(t, CONFIG.replace('lun.0 = disk\n', 'lun.0 = disk\nmax-recv-data-segment-length = 16K\n'))
        s.expect('async', event=NEGOTIATE)
        s.write(0, data)                                  # not told yet
        equal(ask_text(s, text({'MaxRecvDataSegmentLength': 4096})), [('MaxRecvDataSegmentLength', '16384')], 'the answer')
        s.params['MaxRecvDataSegmentLength'], s.max_send = '4096', 16384
        s.write(0, data)
        equal(s.read(0, 600), data, 'what was written')
        reload(t, CONFIG.replace('lun.0 = disk\n', 'lun.0 = disk\nmax-recv-data-segment-length = 16K\nqueue-depth = 9\n'))
        s.silent(0.3)                                     # nothing of it has changed
        s.ping()


@conversation('sptgt.conf(5)', 'a device whose keys change is opened again; its tasks end, sessions see the new one', alone=True)
def device_changes(t):
    s = session(t)
    with afterwards(t):
        task = waiting_write(s, lun=1)
        reload(t, CONFIG.replace('size = 8M', 'size = 16M'))
        s.step(answer=False)
        equal(task.status, TASK_ABORTED, 'the status')
        s.failed(TEST_UNIT_READY, 0x062900, lun=1)
        s.failed(TEST_UNIT_READY, 0x063f0e, lun=1)
        data = s.good(READ_CAPACITY10, read=8, lun=1).data
        equal(int.from_bytes(data[:4], 'big') + 1, (16 << 20) // BLOCK, 'the capacity')


@conversation('sptgtd(8)', 'a file stays held when a key of its device changes, and passes to another device; its content is there', alone=True)
def file_changes(t):
    path = t.daemon.dir + '/disk.img'
    with open(path, 'wb') as f:
        f.truncate(4 << 20)
    file = CONFIG.replace('[device-second]\nbackend = mem\nsize = 8M', '[device-second]\nbackend = file\npath = ' + path)
    s = session(t)
    data = pattern(64 * BLOCK, 7)
    with afterwards(t):
        reload(t, file)
        while s.command(TEST_UNIT_READY, lun=1).status != GOOD:
            pass
        s.write(100, data, lun=1)
        for more in ('serial = changed', 'read-only = yes', 'serial = again\nsize = 1M'):
            reload(t, file.replace('backend = file', 'backend = file\n' + more))
            while s.command(TEST_UNIT_READY, lun=1).status != GOOD:
                pass
            equal(s.read(100, 64, lun=1), data, 'what was written, with ' + more)
            if 'read-only' in more:
                s.failed(WRITE10(100, 64), 0x072700, write=data, lun=1)
            else:
                s.write(100, data, lun=1)
        data = s.good(READ_CAPACITY10, read=8, lun=1).data
        equal(int.from_bytes(data[:4], 'big') + 1, (1 << 20) // BLOCK, 'the capacity')
        reload(t, file.replace('-second', '-third').replace('= second', '= third'))
        while s.command(TEST_UNIT_READY, lun=1).status != GOOD:
            pass
        twice = file.replace('[device-second]', '[device-third]\nbackend = file\npath = ' + path + '\n[device-second]')
        put(t, twice.replace('lun.1 = second', 'lun.1 = second\nlun.2 = third'))
        status, body = ask(t, 'POST', '/v1/reload')
        equal(status, 422, 'the status for one file and two devices')
        check('in use' in body['error'], 'the answer: %s', body['error'])
        s.good(TEST_UNIT_READY, lun=1)


@conversation('sptgtd(8)', 'a file whose device was taken out and comes back at once, by another name, is waited for', alone=True)
def file_comes_back(t):
    path = t.daemon.dir + '/back.img'
    with open(path, 'wb') as f:
        f.truncate(4 << 20)
    second = '[device-second]\nbackend = mem\nsize = 8M'
    file = '[device-image]\nbackend = file\npath = ' + path + '\n' + second
    with_file = CONFIG.replace(second, file).replace('lun.1 = second\n', 'lun.1 = second\nlun.7 = image\n')
    s = session(t)
    data = pattern(64 * BLOCK, 7)
    with afterwards(t):
        for back in (with_file, with_file.replace('image', 'picture')):
            reload(t, back)
            while s.command(TEST_UNIT_READY, lun=7).status != GOOD:
                pass
            if back == with_file:
                s.write(100, data, lun=7)
            else:
                equal(s.read(100, 64, lun=7), data, 'what was written')
            task = waiting_write(s, lun=7)
            reload(t, CONFIG)
            if back == with_file:
                equal(s.finish(task).status, TASK_ABORTED, 'the status of a write to what is gone')


@conversation('sptgtd(8)', 'SIGHUP reads it as well; only what is changed is touched', alone=True)
def sighup(t):
    s = session(t)
    s.write(t.region, pattern(8 * BLOCK, 9))
    with afterwards(t):
        put(t, '# only a comment\n' + CONFIG)
        before = t.daemon.log().count('is in use: portals')
        os.kill(t.daemon.process.pid, signal.SIGHUP)
        t.daemon.says('is in use: portals', before + 1)
        s.good(TEST_UNIT_READY)
        equal(s.read(t.region, 8), pattern(8 * BLOCK, 9), 'what was written')


@conversation('RFC 7143 11.9.1', 'one session is asked to log out, or is ended, by whoever runs the daemon', alone=True)
def by_hand(t):
    for method, path, event in (('POST', '/v1/sessions/logout/%d', LOGOUT_REQUEST),
                                ('DELETE', '/v1/sessions/%d', DROP_SESSION)):
        s = session(t)
        rows = ask(t, 'GET', '/v1/sessions')[1]['sessions']
        number = [row['id'] for row in rows if row['initiator'] == s.name][-1]
        equal(ask(t, method, path % number)[0], 200, 'the status')
        s.expect('async', event=event)
        if event == LOGOUT_REQUEST:
            s.log_out()
        else:
            s.gone(allowed=())
        equal(ask(t, method, path % 999999)[0], 404, 'the status for a session that there is not')


@conversation('sptgtd(8)', 'many reloads under load: nothing is lost, nothing is left', alone=True, seconds=60)
def under_load(t):
    s, other = session(t, 'one', keys={'ImmediateData': 'Yes', 'InitialR2T': 'No'}), session(t, 'two', OTHER)
    stop = []

    def work():
        n = 0
        while not stop:
            task = s.command(WRITE10(t.region, 8), write=pattern(8 * BLOCK, n))
            if task.status == CHECK_CONDITION:
                equal(task.sense_code(), 0x063f0e, 'the sense')
                continue
            equal(task.status, GOOD, 'the status')
            n += 1
        check(n > 0, 'not one write')
    with afterwards(t):
        load = Background(work)
        for i in range(15):
            reload(t, CONFIG.replace('lun.1 = second\n', 'lun.1 = second\nlun.9 = disk\n' if i % 2 else '')
                   .replace('size = 8M', 'size = %dM' % (8 + i)))
            new = t.connect()
            new.name = '%s-three' % t.name
            new.log_in(KEYS)
            new.close()
        stop.append(1)
        load.finish()
    other.close()
