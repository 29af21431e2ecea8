# SPDX-License-Identifier: MIT
"""Sessions with several connections: how they join and leave, what stays on one of them and what they share (RFC 7143
4.2.2.1, 4.2.5.1, 6.3.1, 6.3.4, 7.14, 11.14)."""

import hashlib

from talk import *  # noqa: F403

GUARDED = 'iqn.2026-11.org.sptgt:guarded'
SECRETS = {'one': b'the secret of one user', 'two': b'what the other user knows'}
FILES = {'users.secret': ''.join('%s "%s"\n' % (user, secret.decode()) for user, secret in SECRETS.items())}
CONFIG = config(target('guarded', 'auth = chap\nchap-file = {dir}/users.secret'), portals=('main', 'other\ntag = 2'),
                portal='main, other', talk='max-connections = 16')
KEYS = {'MaxConnections': '16', 'InitialR2T': 'Yes', 'ImmediateData': 'No'}


def refused(s, status, keys=None):
    """A login of @s is refused, whatever the stage it gets to."""
    try:
        s.advance({**s.names(), **(keys or {})})
    except Refused as e:
        equal(e.status, status, 'the status of the refusal')
        s.gone(allowed=())
        return
    raise Wrong('a login is not refused')


def logout(s, reason, cid, response=0):
    itt = s.new_itt()
    s.send('logout', flags=FINAL | reason, itt=itt, cid=cid)
    s.expect('logout_response', itt=itt, response=response)


@conversation('RFC 7143 4.2.5.1', 'data, R2T and status of a command come on the connection that it came on')
def allegiance(t):
    a = t.log_in(KEYS).settle()
    b, c = a.add(1), a.add(2)
    data = {s: pattern(16 * BLOCK, n) for n, s in enumerate((a, b, c))}
    tasks = {s: s.start(WRITE10(t.region + 16 * n, 16), write=data[s]) for n, s in enumerate((a, b, c))}
    for s in (c, a, b):
        s.finish(tasks[s])
        equal(tasks[s].status, GOOD, 'the status')
    for n, s in enumerate((b, c, a)):
        equal(s.read(t.region + 16 * n, 16), data[(a, b, c)[n]], 'what another connection has written')
    for s in (a, b, c):
        s.silent(0.1)


@conversation('RFC 7143 4.2.5.1, 4.2.5.3', 'data, SNACKs and tags of a command on another connection: nothing is taken, sent or begun there')
def elsewhere(t):
    a = t.log_in({**KEYS, 'ErrorRecoveryLevel': '1'}).settle()
    b = a.add(1)
    good, bad = pattern(16 * BLOCK, 1), pattern(16 * BLOCK, 2)
    task = a.start(WRITE10(t.region, 16), write=good)
    a.step(answer=False)
    r2t = task.r2ts[0]
    b.send('data_out', lun=t.lun, itt=task.itt, ttt=r2t.ttt, flags=FINAL, data=bad)      # its data
    b.snack(0, itt=task.itt)                                                             # its R2T once more
    b.expect('reject', reason=4)
    b.send('command', flags=FINAL | READ | SIMPLE, itt=task.itt, lun=t.lun, edtl=BLOCK, cdb=READ10(t.region, 1))
    b.expect('reject')                                                                   # its tag
    b.ping()
    a.silent(0.2)
    a.answer_r2t(task, r2t)
    a.finish(task)
    equal(task.status, GOOD, 'the status')
    equal(b.read(t.region, 16), good, 'what was written')
    b.silent(0.1)


@conversation('RFC 7143 4.2.2.2', 'StatSN is counted on each connection by itself')
def status_numbers(t):
    a = t.log_in(KEYS).settle()
    b = a.add(1)
    for _ in range(5):
        a.ping()                              # _hold() looks at each connection's numbers
    b.ping()
    a.ping()
    check(a.expstatsn != b.expstatsn, 'both connections have the same StatSN')


@conversation('RFC 7143 4.2.2.1', 'commands are executed in the order of CmdSN, whatever connections they come on')
def order_across(t):
    a = t.log_in(KEYS).settle()
    b = a.add(1)
    first = a.cmdsn
    late = [a.start(TEST_UNIT_READY, cmdsn=first + 2), b.start(TEST_UNIT_READY, cmdsn=first + 1)]
    b.silent(0.3)
    a.silent(0.1)
    a.cmdsn = first
    gap = b.start(INQUIRY(36), read=36)
    b.finish(gap)
    b.finish(late[1])
    a.finish(late[0])
    a.cmdsn = first + 3
    a.ping()
    a.good(TEST_UNIT_READY)
    b.good(TEST_UNIT_READY)
    equal(b.expcmdsn, a.cmdsn, 'ExpCmdSN')


@conversation('RFC 7143 4.2.2.1', 'a CmdSN that was received on one connection is a duplicate on another, and ignored')
def duplicate_across(t):
    a = t.log_in(KEYS).settle()
    b = a.add(1)
    number = a.cmdsn
    a.good(TEST_UNIT_READY)
    b.start(TEST_UNIT_READY, cmdsn=number)
    b.silent(0.3)
    b.tasks.clear()
    b.good(TEST_UNIT_READY)


@conversation('RFC 7143 4.2.1, 11.13.5, 13.2', 'as many connections as were agreed, each works, and no more: 0206h')
def as_many_as_agreed(t):
    a = t.log_in({**KEYS, 'MaxConnections': '5'}).settle()
    everybody = [a] + [a.add(cid) for cid in range(1, 5)]
    refused(a.beside(5), 0x0206)
    for s in everybody:
        s.good(TEST_UNIT_READY)
    logout(everybody[2], 1, 2)
    everybody[2].gone(allowed=())
    a.add(5).good(TEST_UNIT_READY)


@conversation('RFC 7143 13.2', 'sixteen connections, on whatever loop they were accepted')
def sixteen(t):
    a = t.log_in(KEYS).settle()
    everybody = [a] + [a.add(cid) for cid in range(1, 16)]
    tasks = [s.start(READ10(t.region, 64), read=64 * BLOCK) for s in everybody]
    for s, task in zip(reversed(everybody), reversed(tasks)):
        s.finish(task)
    refused(a.beside(16), 0x0206)
    logout(everybody[7], 0, 0)
    for s in everybody:
        s.gone(allowed=())


@conversation('RFC 7143 13, E', 'keys of the session are irrelevant on a further connection; its own are its own')
def keys_of_a_connection(t):
    a = t.log_in(KEYS).settle()
    b = a.add(1, {'MaxBurstLength': '512', 'HeaderDigest': 'CRC32C', 'DataDigest': 'CRC32C', 'MaxRecvDataSegmentLength': '4096'})
    equal(b.answers['MaxBurstLength'], 'Irrelevant', 'MaxBurstLength')
    b.params['MaxBurstLength'] = a.params['MaxBurstLength']
    check(b.header_digest and b.data_digest and not a.header_digest, 'the digests')
    data = pattern(64 * BLOCK)
    b.write(t.region, data)
    equal(a.read(t.region, 64), data, 'the data')
    equal(b.read(t.region, 64), data, 'the data')


CLEARED_BY_ISCSI = 0x06477f


@conversation('RFC 7143 6.3.4, 11.14.5', 'a login with the CID of a connection takes its place; its tasks are terminated')
def reinstatement(t):
    a = t.log_in(KEYS).settle()
    b = a.add(1)
    task = b.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    b.step(answer=False)
    again = a.add(1)
    b.gone(allowed=())
    again.ask(1, task=task)
    again.expect('tmf_response', response=1)          # task does not exist
    again.failed(TEST_UNIT_READY, CLEARED_BY_ISCSI)
    again.write(t.region, pattern(8 * BLOCK, 2))
    a.good(TEST_UNIT_READY)


@conversation('RFC 7143 6.3.4, E', 'the only connection of a session is reinstated, also where one is all that it may have')
def reinstate_the_only_one(t):
    a = t.log_in({**KEYS, 'MaxConnections': '1'}).settle()
    a.write(t.region, pattern(8 * BLOCK, 3))
    refused(a.beside(1), 0x0206)
    for _ in range(5):
        b = a.add(0)
        a.gone(allowed=())
        equal(b.tsih, a.tsih, 'the TSIH')
        equal(b.read(t.region, 8), pattern(8 * BLOCK, 3), 'the data')
        a = b


@conversation('RFC 7143 11.14', 'a connection logs out; the session goes on, and ends with the last of them')
def log_out_one(t):
    a = t.log_in(KEYS).settle()
    b = a.add(1)
    logout(b, 1, 1)
    b.gone(allowed=())
    a.good(TEST_UNIT_READY)
    logout(a, 1, 0)
    a.gone(allowed=())
    refused(a.beside(2), 0x020a)


@conversation('RFC 7143 7.6, 11.14, 11.14.3, 11.14.5', 'a connection is logged out from another one; its tasks end, and the next command tells it')
def log_out_another(t):
    a = t.log_in(KEYS).settle()
    b = a.add(1)
    task = b.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    b.step(answer=False)
    logout(a, 1, 1)
    b.gone(allowed=())
    a.ask(1, task=task)
    a.expect('tmf_response', response=1)
    a.failed(TEST_UNIT_READY, CLEARED_BY_ISCSI)
    a.good(TEST_UNIT_READY)


@conversation('RFC 7143 11.14, 11.14.5', 'what had come on a connection and waited for its turn is discarded with its logout')
def held_is_discarded(t):
    a = t.log_in(KEYS).settle()
    b = a.add(1)
    first = a.cmdsn
    b.start(TEST_UNIT_READY, cmdsn=first + 1)
    b.send('nop_out', itt=b.new_itt(), cmdsn=first + 2, data=b'waits')
    b.silent(0.1)
    a.send('logout', flags=FINAL | 1, itt=a.new_itt(), cid=1, cmdsn=first, immediate=True)
    a.expect('logout_response', response=0)
    b.gone(allowed=())
    a.good(TEST_UNIT_READY)
    equal(a.expcmdsn, first + 1, 'ExpCmdSN, where the hole is')
    for _ in range(3):
        a.good(TEST_UNIT_READY)


@conversation('RFC 7143 11.14', 'the session is closed, and the connection that asked is lost before it has its answer: the others end all the same')
def closed_unanswered(t):
    a = t.log_in({**KEYS, 'ErrorRecoveryLevel': '1'}).settle()
    b = a.add(1)
    for _ in range(100):                # more than the socket takes: the answer waits behind it
        a.start(READ10(t.region, 1024), read=1024 * BLOCK)
    a.send('logout', flags=FINAL, itt=a.new_itt(), immediate=True)
    a.taken()
    a.reset()
    b.gone(seconds=5, allowed=())


@conversation('RFC 7143 11.14, 11.15', 'the session is closed: every connection of it')
def log_out_all(t):
    a = t.log_in(KEYS).settle()
    b, c = a.add(1), a.add(2)
    logout(b, 0, 0)
    for s in (a, b, c):
        s.gone(allowed=())
    refused(a.beside(0), 0x020a)


@conversation('RFC 7143 7.1.4.3, 11.14.3, 11.15.1', 'CID not found: 1; recovery without ErrorRecoveryLevel 2: 2')
def wrong_logouts(t):
    a = t.log_in(KEYS).settle()
    b = a.add(7)
    logout(a, 1, 8, 1)
    logout(a, 2, 7, 2)
    b.good(TEST_UNIT_READY)
    a.good(TEST_UNIT_READY)


@conversation('RFC 7143 7.14', 'without recovery within a connection the session fails with any of its connections')
def one_fails(t):
    a = t.log_in(KEYS).settle()
    b, c = a.add(1), a.add(2)
    b.reset()
    for s in (a, c):
        s.gone()
    refused(a.beside(3), 0x020a)
    t.log_in(KEYS).settle()


@conversation('RFC 7143 6.3.1, 11.13.5', 'a TSIH is of use only with the name and ISID that it was given to: 020ah')
def guessed(t):
    a = t.log_in(KEYS).settle()
    for change in ({'name': a.name + '-other'}, {'isid': bytes([0x80, 1, 2, 3, 4, 5])}, {'tsih': a.tsih % 65535 + 1}):
        b = a.beside(1)
        b.session = type(b.session)()
        vars(b).update(change)
        refused(b, 0x020a)
    a.good(TEST_UNIT_READY)


@conversation('RFC 7143 4.4.1, 11.13.5', 'a session stays within its portal group: 0208h elsewhere')
def other_portal_group(t):
    a = t.log_in(KEYS).settle()
    refused(a.beside(1, portal='other'), 0x0208)
    a.good(TEST_UNIT_READY)


def proved(s, user):
    """Through the security stage, as this user."""
    for keys in ({**s.names(GUARDED), 'AuthMethod': 'CHAP'}, {'CHAP_A': '5'}):
        s.login_request(keys, 0, 1, False)
        s.login_response(12)
    challenge = bytes.fromhex(s.answers['CHAP_C'][2:])
    proof = hashlib.md5(bytes([int(s.answers['CHAP_I'])]) + SECRETS[user] + challenge).hexdigest()
    s.login_request({'CHAP_N': user, 'CHAP_R': '0x' + proof}, 0, 1, True)
    check(s.login_response(12).has(FINAL), 'the security stage is not left')
    return s


@conversation('RFC 7143 9.2', 'every connection proves who it is; another user does not get into the session: 0202h')
def other_user(t):
    a = proved(t.connect(), 'one')
    a.enter(a.advance({'MaxConnections': '4'}))
    a.settle()
    b = proved(a.beside(1), 'one')
    b.enter(b.advance({}))
    b.good(TEST_UNIT_READY)
    c = proved(a.beside(2), 'two')
    try:
        c.advance({})
        raise Wrong('another user gets into the session')
    except Refused as e:
        equal(e.status, 0x0202, 'the status')
    d = a.beside(1)
    try:                                      # reinstatement without a proof would be a way to cut others off
        d.advance({**d.names(GUARDED)})
        raise Wrong('somebody gets into the session without a proof')
    except Refused as e:
        equal(e.status, 0x0201, 'the status')
    for s in (a, b):
        s.good(TEST_UNIT_READY)


@conversation('RFC 7143 6.3', 'who goes away in the middle of joining, at each step, leaves the session as it was')
def half_joined(t):
    a = t.log_in(KEYS).settle()
    for n in range(24):
        b = a.beside(1 + n % 3)
        b.login_request(b.names() if n % 2 else text(b.names())[:20], csg=n % 3 // 2, nsg=0, transit=False, more=n % 7 == 0)
        if n % 4 == 0:
            b.send_bytes(bytes(100))          # more than a login may say at once
        if n % 5 == 0:
            b.reset()
        elif n % 5 == 1:
            b.close()
    a.good(TEST_UNIT_READY)


@conversation('RFC 7143 6.3', 'connections that join while their session ends and is reinstated, all at once', seconds=40)
def racing(t):
    def come_and_go(n):
        for k in range(6):
            try:
                s = t.connect()
                if k % 3 == 2:
                    s.log_in(KEYS)
                    tsih.append(s.tsih)
                else:
                    s.tsih, s.cid = tsih[-1], n + 1
                    s.log_in()
                s.send('command', flags=FINAL | SIMPLE, itt=77, lun=t.lun, cdb=TEST_UNIT_READY, immediate=True)
                s.recv(2)
            except (Refused, Gone, Late):
                pass
    tsih = [t.log_in(KEYS).tsih]
    crowd = [Background(lambda n=n: come_and_go(n)) for n in range(8)]
    for one in crowd:
        one.finish(30)
    t.log_in(KEYS).settle()


@conversation('RFC 7143 11.5', 'task management on one connection names the tasks of all')
def tasks_of_all(t):
    a = t.log_in(KEYS).settle()
    b = a.add(1)
    task = b.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    b.step(answer=False)
    a.ask(1, task=task, immediate=False)
    a.expect('tmf_response', response=0)
    b.silent(0.1)
    task = b.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    b.step(answer=False)
    a.send('tmf', flags=FINAL | 2, itt=a.new_itt(), lun=t.lun)
    a.expect('tmf_response', response=0)
    b.ping()
