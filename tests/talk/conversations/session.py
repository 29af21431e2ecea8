# SPDX-License-Identifier: MIT
"""Sessions that come, are reinstated, fall silent and go: RFC 7143 6.3.5, 7.1, 4.2, 11.19; and the deadlines."""

import time

from talk import *  # noqa: F403

CONFIG = config(daemon='login-timeout = 2s', portals=('main\nnop-interval = 1s\nnop-timeout = 1s', 'patient'),
                portal='main, patient')
KEYS = {'InitialR2T': 'Yes', 'ImmediateData': 'No'}


@conversation('RFC 7143 4.4.3, 6.3.5', 'a login with the same names and ISID takes the place of the old session',
              alone=True)
def reinstatement(t):
    old = t.log_in(KEYS).settle()
    task = old.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    while not task.r2ts:
        old.step(answer=False)
    new = t.log_in(KEYS)
    old.gone()
    new.settle()
    new.ping()
    new.silent(0.2)
    new.write(t.region, pattern(8 * BLOCK, 2))


@conversation('RFC 7143 6.3.5', 'fifty reinstatements in a row, and at last one session', alone=True)
def many_reinstatements(t):
    for _ in range(50):
        last = t.log_in(KEYS)
    for old in t.connections[:-1]:
        old.gone()
    last.settle()
    last.ping()


@conversation('RFC 7143 6.3.5', 'several logins of one name at the same moment: one session is left',
              alone=True)
def racing_reinstatements(t):
    racers = [t.connect() for _ in range(12)]
    for s in racers:
        s.login_request(s.names())
    alive = 0
    for s in racers:
        try:
            pdu = s.login_response()
            s.enter(pdu if pdu.has(FINAL) else s.advance({}))
        except (Gone, Refused, Wrong):
            continue

    def one_is_left():
        nonlocal alive
        alive = 0
        for s in racers:
            try:
                s.ping()
                alive += 1
            except (Gone, Wrong):
                pass
        return alive <= 1
    t.until(one_is_left, 'more than one session of one name is left', 10)
    t.log_in(KEYS).settle()


@conversation('RFC 7143 4.4.3, 6.3.5',
              'another ISID, another name, another target portal group: not the same session', alone=True)
def not_reinstated(t):
    first = t.log_in(KEYS).settle()
    second = t.connect()
    second.isid = b'\x80\x00\x00\x00\x00\x02'
    second.log_in(KEYS).settle()
    third = t.connect()
    third.name = t.name + '-third'
    third.log_in(KEYS).settle()
    for s in (first, second, third):
        s.ping()


@conversation('RFC 7143 6.3.4',
              'reinstatement of the connection (same TSIH and CID): taken or refused, never two at once', alone=True)
def connection_reinstatement(t):
    old = t.log_in(KEYS).settle()
    new = t.connect()
    new.login_request(new.names(), tsih=old.tsih)
    try:
        pdu = new.login_response()
        new.enter(pdu if pdu.has(FINAL) else new.advance({}))
    except (Refused, Gone):
        old.ping()
        return
    old.gone()
    new.ping()


@conversation('SAM-5 6.3.4', 'a new session meets a unit attention once, or none, on its own', alone=True)
def unit_attention_once(t):
    s = t.log_in(KEYS)
    codes = []
    for _ in range(4):
        task = s.command(TEST_UNIT_READY)
        if task.status == GOOD:
            break
        codes.append(task.sense_code())
    equal(task.status, GOOD, 'the status in the end')
    check(len(codes) <= 2 and all(code >> 16 == 6 and code >> 8 & 0xff == 0x29 for code in codes),
          'unit attentions %s', codes)
    s.good(INQUIRY(36), read=36)


@conversation('connection deadline',
              'a connection on which nothing comes is closed within the login time, and a little')
def nothing_comes(t):
    s = t.connect()
    start = time.monotonic()
    s.gone(6)
    check(1.5 < time.monotonic() - start < 5, 'closed after %.1f s', time.monotonic() - start)


@conversation('RFC 7143 6.2; login deadline', 'a login that stops on its way is closed within the login time')
def login_stops(t):
    s = t.connect()
    s.login_request(s.names(), 1, transit=False)
    s.login_response()
    s.gone(6, allowed=('login_response', 'reject'))


@conversation('RFC 7143 6.2; login deadline', 'bytes that drip in do not win time')
def dripping_login(t):
    s = t.connect()
    whole = s.pdu('login', flags=FINAL | 1 << 2 | 3, data=text(s.names()), immediate=True, isid=s.isid,
                  cmdsn=1).encode()
    start = time.monotonic()
    try:
        for byte in whole:
            s.send_bytes(bytes([byte]))
            time.sleep(0.1)
            check(time.monotonic() - start < 6, 'the login still goes on after 6 s')
    except Gone:
        return
    raise Wrong('a login that takes %d tenths of a second is let in' % len(whole))


@conversation('login deadline', 'requests that agree on nothing do not win time')
def chatting_login(t):
    s = t.connect()
    start = time.monotonic()
    try:
        s.login_request(s.names(), 1, transit=False)
        while True:
            s.login_response()
            time.sleep(0.2)
            s.login_request({}, 1, transit=False)
            check(time.monotonic() - start < 6, 'the login still goes on after 6 s')
    except (Gone, Refused):
        pass


@conversation('RFC 7143 11.19, 11.19.1, 11.19.2, 11.19.3',
              'the target asks a silent initiator for a sign of life, and is content with the answer')
def keepalive(t):
    s = t.log_in()
    s.answer_pings = False
    for _ in range(3):
        pdu = s.expect('nop_in', 6, itt=NONE)
        check(pdu.ttt != NONE, 'a ping without a tag to answer with')
        equal(pdu.lun, lun_field(0), 'the LUN of the ping')
        s.send('nop_out', immediate=True, itt=NONE, ttt=pdu.ttt, lun=pdu.lun)
    s.ping()
    s.good(INQUIRY(36), read=36)


@conversation('RFC 7143 11.19', 'an initiator that gives no sign of life is let go')
def no_sign_of_life(t):
    s = t.log_in()
    start = time.monotonic()
    s.gone(8, allowed=('nop_in', 'async', 'reject'))
    check(time.monotonic() - start < 7, 'closed after %.1f s', time.monotonic() - start)


@conversation('RFC 7143 11.19', 'traffic is a sign of life too')
def busy_initiator(t):
    s = t.log_in().settle()
    s.answer_pings = False
    start = time.monotonic()
    while time.monotonic() - start < 4:
        itt = s.new_itt()
        s.send('nop_out', itt=itt, immediate=True)
        pdu = s.recv()
        if pdu.itt == NONE:                          # a ping in between
            s.send('nop_out', immediate=True, itt=NONE, ttt=pdu.ttt, lun=pdu.lun)
            pdu = s.recv()
        equal(pdu.itt, itt, 'the answer')
        time.sleep(0.2)


@conversation('RFC 7143 11.18.2, 11.18.3', 'an answer to a ping that was never asked')
def answer_without_question(t):
    s = t.log_in(portal='patient')
    s.send('nop_out', immediate=True, itt=NONE, ttt=0x5555)
    try:
        itt = s.new_itt()
        s.send('nop_out', itt=itt, immediate=True)
        pdu = s.recv()
        if pdu.name == 'reject':
            pdu = s.recv()
        equal((pdu.name, pdu.itt), ('nop_in', itt), 'the answer')
    except Gone:
        pass


@conversation('connection deadline', 'half a PDU in full feature phase does not hold the connection for ever')
def half_a_pdu(t):
    s = t.log_in()
    s.answer_pings = False
    s.send_bytes(s.pdu('nop_out', itt=1, data=pattern(400)).encode()[:100])
    s.gone(10, allowed=('nop_in', 'async', 'reject'))


@conversation('SIGTERM', 'what the log tells: each end of a connection once, with a reason', alone=True)
def reasons(t):
    s = t.log_in()
    s.log_out()
    s = t.log_in()
    s.reset()
    s = t.connect()
    s.send('nop_out', itt=1)
    s.gone(allowed=('reject', 'login_response'))
    ports = []
    for connection in t.connections:
        ports.append(connection.local_port)

    def told():
        log = t.daemon.log()
        return all(log.count('127.0.0.1:%d' % port + ' closed') + log.count(':%d,' % port) >= 1 for port in ports)
    t.until(told, 'the log has no reason for each closed connection')
