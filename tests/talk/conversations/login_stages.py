# SPDX-License-Identifier: MIT
"""The login phase as a sequence of stages, RFC 7143 6.3 and 11.12."""

from talk import *  # noqa: F403

CHUNK = {'MaxBurstLength': 65536, 'FirstBurstLength': 16384, 'ImmediateData': 'No', 'MaxOutstandingR2T': 4}


@conversation('RFC 7143 6.3, 6.3.1', 'straight from operational negotiation to full feature phase, in one exchange')
def operational_only(t):
    s = t.log_in(CHUNK)
    s.settle().good(INQUIRY(), read=96)
    check('TargetPortalGroupTag' in s.answers, 'the first Login Response has no TargetPortalGroupTag')


@conversation('RFC 7143 6.3.2',
              'security negotiation with AuthMethod=None, then straight to full feature phase')
def security_to_full_feature(t):
    s = t.connect()
    s.log_in({'AuthMethod': 'None'}, stages=((0, 3),))
    equal(s.answers.get('AuthMethod'), 'None', 'AuthMethod')
    s.settle()


@conversation('RFC 7143 6.3', 'security negotiation, operational negotiation, full feature phase')
def both_stages(t):
    s = t.connect()
    s.advance({**s.names(), 'AuthMethod': 'None'}, 0, 1)
    s.enter(s.advance(CHUNK, 1, 3))
    s.settle()


@conversation('RFC 7143 12, 12.1', 'of several methods offered, None is taken by a target that authenticates nobody')
def method_chosen(t):
    for offer in ('CHAP,None', 'None,CHAP', 'KRB5,SRP,CHAP,None', 'X-org.example.secret,None'):
        s = t.connect().log_in({'AuthMethod': offer}, stages=((0, 3),))
        equal(s.answers.get('AuthMethod'), 'None', 'AuthMethod for ' + offer)


@conversation('RFC 7143 6.3, 11.13.6', 'one key a request and T only at last: the target waits in the stage')
def one_key_at_a_time(t):
    s = t.connect()
    s.login_request(s.names(), 1, transit=False)
    s.login_response()
    for key, value in CHUNK.items():
        s.login_request({key: value}, 1, transit=False)
        pdu = s.login_response()
        check(not pdu.has(FINAL), 'the target changes the stage though T was 0 (11.13.6)')
        equal(pdu.flags >> 2 & 3, 1, 'CSG')
        check(key in s.answers, '%s is not answered', key)
    s.enter(s.advance({}))
    s.settle()


@conversation('RFC 7143 6.3', 'an empty request in each stage is answered')
def empty_requests(t):
    s = t.connect()
    s.login_request(s.names(), 0, transit=False)
    s.login_response()
    for csg, nsg in ((0, 1), (1, 3)):
        s.login_request({}, csg, transit=False)
        equal(s.login_response().flags >> 2 & 3, csg, 'CSG')
        pdu = s.advance({}, csg, nsg)
    s.enter(pdu)
    s.settle()


@conversation('RFC 7143 6.2', 'a text in many PDUs (C bit), cut at every byte, is the same text')
def continued_text(t):
    for cut in range(1, 60, 3):
        s = t.connect()
        whole = text({**s.names(), **CHUNK})
        parts = [whole[i:i + cut * 7] for i in range(0, len(whole), cut * 7)]
        for part in parts[:-1]:
            s.login_request(part, 1, transit=False, more=True)
            pdu = s.login_response()
            equal(pdu.data, b'', 'the answer to a part of a text')
            check(not pdu.has(FINAL) and not pdu.has(CONTINUE), 'T or C is 1 in the answer to a part of a text')
        s.offered.update(CHUNK)
        s.login_request(parts[-1], 1, 3)
        if not s.login_response().has(FINAL):
            s.advance({})
        equal(s.answers.get('MaxBurstLength'), '65536', 'MaxBurstLength')


@conversation('RFC 7143 6.2, 11.12.2', 'T and C may not both be 1')
def transit_and_continue(t):
    s = t.connect()
    s.login_request(s.names(), flags=FINAL | CONTINUE | 1 << 2 | 3)
    refused(s)


@conversation('RFC 7143 7.1', 'a login that comes byte by byte')
def byte_by_byte(t):
    s = t.connect()
    pdu = s.pdu('login', flags=FINAL | 1 << 2 | 3, data=text(s.names()), immediate=True, isid=s.isid, cmdsn=1)
    for byte in pdu.encode():
        s.send_bytes(bytes([byte]))
    pdu = s.login_response()
    s.enter(pdu if pdu.has(FINAL) else s.advance({}))
    s.settle()


@conversation('RFC 7143 11.12',
              'login and the first commands in one segment: nothing that follows the login is lost')
def pipelined(t):
    s = t.connect()
    keys = text({**s.names(), 'DefaultTime2Retain': 0})       # all that the target might want to ask
    login = s.pdu('login', flags=FINAL | 1 << 2 | 3, data=keys, immediate=True, isid=s.isid, cmdsn=1)
    ping = Pdu('nop_out', immediate=True, itt=77, cmdsn=1, data=b'early')
    s.send_bytes(login.encode() + ping.encode())
    s.enter(s.login_response())
    s.expect('nop_in', itt=77, data=b'early')


@conversation('RFC 7143 11.12.3, 11.13.5', 'stages that there are not, and transitions that there are not')
def illegal_stages(t):
    for csg, nsg in ((1, 0), (1, 1), (0, 0), (0, 2), (1, 2), (2, 3), (3, 3), (2, 2)):
        s = t.connect()
        s.login_request(s.names(), flags=FINAL | csg << 2 | nsg)
        equal(refused(s), 0x0200, 'the status')


@conversation('RFC 7143 11.12.3', 'a request whose CSG is not the stage that the login is in')
def stage_skipped(t):
    s = t.connect()
    s.login_request({**s.names(), 'AuthMethod': 'None'}, 0, transit=False)
    s.login_response()
    s.login_request({}, 1, 3)                       # the security stage was not left
    refused(s)
    s = t.connect()
    s.login_request(s.names(), 1, transit=False)
    s.login_response()
    s.login_request({'AuthMethod': 'None'}, 0, 1)   # and there is no way back into it
    refused(s)


@conversation('RFC 7143 11.12, 11.12.4.1, 11.12.4.2, 11.12.5, 11.12.6, 11.12.7', 'fields that must stay the same through a login do not change')
def changing_fields(t):
    for field, value in (('isid', b'\x80\x99\x99\x99\x00\x01'), ('cid', 9), ('itt', 0x4711), ('tsih', 5), ('version_max', 1), ('version_min', 1)):
        s = t.connect()
        s.login_request(s.names(), 1, transit=False)
        s.login_response()
        s.send('login', flags=FINAL | 1 << 2 | 3, immediate=True,
               **{'isid': s.isid, 'cmdsn': s.cmdsn, 'expstatsn': s.expstatsn, field: value})
        try:
            refused(s)
        except Wrong as e:
            raise Wrong('%s changed: %s' % (field, e))


@conversation('RFC 7143 11.12.4, 11.13.5, 11.13.1, 11.13.2', 'the version: 0 is taken, what cannot go down to 0 is refused with 0205h')
def versions(t):
    s = t.connect()
    s.login_request(s.names(), version_max=3, version_min=0)
    pdu = s.login_response()
    equal((pdu.version_max, pdu.version_active), (0, 0), 'Version-max and Version-active')
    s = t.connect()
    s.login_request(s.names(), version_max=3, version_min=1)
    equal(refused(s), 0x0205, 'the status')


@conversation('RFC 7143 4.2.2.1, 11.12.8, 11.13.3, 11.13.4', 'StatSN, ExpCmdSN and ISID of the Login Responses')
def numbers(t):
    s = t.connect()
    s.cmdsn = 0xfffffffe
    s.log_in()
    equal(s.expcmdsn, 0xfffffffe, 'ExpCmdSN after a login with CmdSN fffffffeh')
    s.settle()
    for _ in range(4):                              # past the wrap of the serial numbers
        s.good(TEST_UNIT_READY)
        s.ping()


@conversation('RFC 7143 4.2.4', 'a PDU that is no Login Request ends a connection whose login has not begun, unanswered')
def not_a_login_first(t):
    for name in ('nop_out', 'command', 'tmf', 'text', 'data_out', 'logout', 'snack'):
        s = t.connect()
        s.send(name, itt=1)
        s.gone(allowed=())


@conversation('RFC 7143 4.2.4, 11.13.5',
              'a PDU that is no Login Request ends a login that is under way, with 020Bh')
def not_a_login_later(t):
    for name in ('nop_out', 'command', 'tmf', 'text', 'data_out', 'logout', 'snack'):
        s = t.connect()
        s.login_request(s.names(), 1, transit=False)
        s.login_response()
        s.send(name, itt=1)
        equal([pdu.status_class << 8 | pdu.status_detail for pdu in s.gone(allowed=('login_response',))], [0x020b],
              'the answers to ' + name)


@conversation('RFC 7143 4.2.4', 'a Login Request in full feature phase')
def login_in_full_feature_phase(t):
    s = t.log_in()
    s.send('login', flags=FINAL | 1 << 2 | 3, data=text(s.names()), immediate=True, isid=s.isid, cmdsn=s.cmdsn,
           tsih=s.tsih)
    try:
        pdu = s.recv()
        check(pdu.name == 'reject' or pdu.name == 'login_response' and pdu.status_class,
              'the answer to a second login: %s', pdu)
        s.ping()
    except Gone:
        pass


def refused(s):
    """The login is refused for the initiator's fault, or the connection just ends; returns the status, or None."""
    try:
        s.login_response()
    except Gone:
        return None
    except Refused as e:
        equal(e.status >> 8, 2, 'the status class of a refused login')
        s.gone(allowed=())
        return e.status
    raise Wrong('the login goes on')
