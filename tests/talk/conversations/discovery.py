# SPDX-License-Identifier: MIT
"""Discovery sessions, SendTargets and text negotiation in full feature phase, RFC 7143 appendix C, 11.10, 11.11."""

from talk import *  # noqa: F403

MANY = 40
CONFIG = config(target('private', initiators='iqn.2026-11.org.sptgt:the-one'),
                target('elsewhere', portal='other', initiators='*'), portals=('main', 'other\ntag = 7'), portal='main, other') + ''.join("""[target-many%d]
name = iqn.2026-11.org.sptgt:many-%s-%d
portal = main
lun.0 = disk
initiators = iqn.2026-11.org.sptgt:collector
""" % (n, 'm' * 150, n) for n in range(MANY))


def discover(t, keys=None, portal=None, name=None, isid=None):
    """isid: its last byte; otherwise each conversation has its own."""
    s = t.connect(portal)
    s.name = name or s.name
    s.isid = ISID[:4] + bytes([t.number & 0xff, isid or 0])
    return s.log_in(keys, target=False)


def send_targets(s, value='All', **more):
    """The whole answer to SendTargets, however many PDUs it takes; a list of (target, [addresses])."""
    itt = s.new_itt()
    s.send('text', itt=itt, data=text({'SendTargets': value}), **more)
    whole = b''
    while True:
        pdu = s.expect('text_response', itt=itt)
        whole += pdu.data
        if pdu.has(FINAL):
            equal(pdu.ttt, NONE, 'TTT of the last Text Response (11.11.4)')
            check(not pdu.has(CONTINUE), 'the last Text Response has C (11.11.2)')
            break
        check(pdu.ttt != NONE, 'a Text Response that is not the last has no TTT (11.11.4)')
        s.send('text', itt=itt, ttt=pdu.ttt, flags=FINAL)
    found = []
    for key, answer in pairs(whole):
        if key == 'TargetName':
            found.append((answer, []))
        elif key == 'TargetAddress':
            found[-1][1].append(answer)
        elif key != 'TargetAlias':
            found.append((key, [answer]))
    return found


@conversation('RFC 7143 13.8, C',
              'SendTargets=All names what this initiator may see through this portal group, with addresses')
def all_targets(t):
    found = dict(send_targets(discover(t)))
    check(t.target in found, '%s is not named: %s', t.target, list(found))
    equal([n for n in found if n.endswith(':private') or 'many' in n], [], 'targets that are not for us')
    addresses = found[t.target]
    check('127.0.0.1:%d,1' % t.address[1] in addresses, 'the address that we came by is not named: %s',
          addresses)
    check(set(addresses) <= {'127.0.0.1:%d,1' % t.ports['main'], '127.0.0.1:%d,7' % t.ports['other']},
          'addresses %s', addresses)
    if 'iqn.2026-11.org.sptgt:elsewhere' in found:          # it may be named: its own portal is where it is
        equal(found['iqn.2026-11.org.sptgt:elsewhere'], ['127.0.0.1:%d,7' % t.ports['other']],
              'the addresses of another target')


def live(*sessions):
    """Nothing has happened to these."""
    for s in sessions:
        check(send_targets(s), 'nothing is found')


@conversation('RFC 7143 7.4.2.1', 'a discovery session takes the place of another with its initiator name, ISID and address, and of no other one')
def reinstated(t):
    first = discover(t)
    others = [discover(t, portal='other'), discover(t, isid=1), discover(t, name=t.name + '-other')]
    normal = t.connect()
    normal.isid = first.isid
    normal.log_in()
    second = discover(t)
    first.gone(allowed=())
    live(second, *others)
    normal.ping()
    for _ in range(5):
        last = discover(t)
    second.gone(allowed=())
    live(last, *others)


def discover_named(t, portal=None, target=None):
    s = t.connect(portal)
    s.isid = ISID[:4] + bytes([t.number & 0xff, 0])
    return s.log_in({'TargetName': target or t.target}, target=False)


@conversation('RFC 7143 7.4.2.2, 4.4.3', 'a discovery session that names a target has the name of a session of that target, whatever the kind of either')
def reinstated_by_name(t):
    unnamed, other_group = discover(t), discover_named(t, portal='other')
    first = discover_named(t)
    second = discover_named(t)
    first.gone(allowed=())
    normal = t.connect()
    normal.isid = second.isid
    normal.log_in()
    second.gone(allowed=())
    normal.ping()
    third = discover_named(t)
    normal.gone()
    live(third, unnamed, other_group)
    nowhere = discover_named(t, target='iqn.2026-11.org.sptgt:nowhere')      # no target, no name
    live(third, nowhere, other_group)
    unnamed.gone(allowed=())


@conversation('RFC 7143 7.4.2.2', 'a discovery session that names a target which is not for it ends nobody')
def denied_by_name(t):
    one = t.connect()
    one.name = 'iqn.2026-11.org.sptgt:the-one'
    one.isid = ISID[:4] + bytes([t.number & 0xff, 0])
    one.log_in(target='iqn.2026-11.org.sptgt:private')
    stranger = discover_named(t, target='iqn.2026-11.org.sptgt:private')
    one.ping()
    live(stranger)


@conversation('RFC 7143 C', 'another initiator sees another list')
def by_initiator(t):
    found = dict(send_targets(discover(t, name='iqn.2026-11.org.sptgt:the-one')))
    check('iqn.2026-11.org.sptgt:private' in found and t.target in found, '%s', list(found))
    one = discover(t, portal='other', name='iqn.2026-11.com.example:stranger')
    found = dict(send_targets(one))
    equal(list(found), ['iqn.2026-11.org.sptgt:elsewhere'], 'what a stranger sees at the other portal')


@conversation('RFC 7143 11.10.1, 11.11, 11.11.2, 11.11.4, 11.11.6, 13.12', 'an answer that fits into no one PDU comes in several', seconds=30)
def long_answer(t):
    for limit in (512, 8192):
        s = discover(t, {'MaxRecvDataSegmentLength': limit}, name='iqn.2026-11.org.sptgt:collector')
        found = dict(send_targets(s))
        equal(len([n for n in found if 'many' in n]), MANY, 'the targets named within %d bytes a PDU' % limit)


@conversation('RFC 7143 C', 'SendTargets of one target, of one that is not there, and of nothing')
def one_target(t):
    s = discover(t)
    equal([n for n, _ in send_targets(s, t.target)], [t.target], 'SendTargets of our target')
    equal([n for n, _ in send_targets(s, 'iqn.2026-11.org.sptgt:nowhere') if n.startswith('iqn')], [],
          'SendTargets of no target')
    equal([n for n, _ in send_targets(s, 'iqn.2026-11.org.sptgt:private') if n.startswith('iqn')], [],
          "somebody else's target")


@conversation('RFC 7143 C',
              'in a normal session: SendTargets without a value names the target of the session; All is declined')
def in_normal_session(t):
    s = t.log_in()
    equal([n for n, _ in send_targets(s, '')], [t.target], 'SendTargets= in a normal session')
    equal([n for n, _ in send_targets(s, t.target)], [t.target], 'SendTargets of the own target')
    found = send_targets(s, 'All')
    check(not any('private' in n or 'elsewhere' in n for n, _ in found),
          'SendTargets=All in a normal session tells %s', found)
    s.ping()


@conversation('RFC 7143 4.3',
              'a discovery session takes Text Requests with SendTargets and Logout to close it, and rejects all else')
def no_commands(t):
    for name in ('command', 'tmf', 'data_out', 'snack', 'nop_out'):
        s = discover(t)
        s.send(name, itt=s.new_itt(), **({'rtt': NONE, 'flags': 0x85} if name == 'tmf' else {}))
        try:
            pdu = s.recv()
            equal(pdu.name, 'reject', 'the answer to a %s in a discovery session' % name)
        except Gone:
            pass
    s = discover(t)
    for keys in ({}, {'MaxRecvDataSegmentLength': 4096}, {'InitiatorAlias': 'x'}, {'X-org.example.x': '1'}):
        s.send('text', itt=s.new_itt(), data=text(keys))
        s.expect('reject', reason=4)
    send_targets(s)
    for reason in (1, 2):                                   # its connection is the session
        s.send('logout', flags=FINAL | reason, itt=s.new_itt(), cid=s.cid)
        s.expect('reject')
    s.log_out()


@conversation('RFC 7143 6.2, 11.9, 11.10', 'a Text Request in parts (C bit) is one request')
def request_in_parts(t):
    s = discover(t)
    whole = text({'SendTargets': t.target})
    itt, ttt = s.new_itt(), NONE
    for part in (whole[:5], whole[5:20]):
        s.send('text', itt=itt, ttt=ttt, flags=CONTINUE, data=part)
        pdu = s.expect('text_response', itt=itt)
        check(not pdu.has(FINAL) and not pdu.data, 'the answer to a part of a text: %s', pdu)
        ttt = pdu.ttt
        check(ttt != NONE, 'no TTT to go on with (11.11.4)')
    s.send('text', itt=itt, ttt=ttt, flags=FINAL, data=whole[20:])
    pdu = s.expect('text_response', itt=itt)
    check(pdu.has(FINAL) and t.target.encode() in pdu.data, 'the answer: %s', pdu)


@conversation('RFC 7143 6.2, 6.4', 'unknown keys are answered with NotUnderstood, in full feature phase too')
def unknown_key(t):
    s = t.log_in()
    itt = s.new_itt()
    s.send('text', itt=itt, data=text({'X-org.example.color': 'blue'}))
    equal(pairs(s.expect('text_response', itt=itt).data), [('X-org.example.color', 'NotUnderstood')],
          'the answer')


@conversation('RFC 7143 13.12', 'MaxRecvDataSegmentLength may be declared anew, and holds from then on')
def new_segment_length(t):
    s = t.log_in({'MaxRecvDataSegmentLength': 65536}).settle()
    itt = s.new_itt()
    s.send('text', itt=itt, data=text({'MaxRecvDataSegmentLength': 512}))
    pdu = s.expect('text_response', itt=itt)
    check('MaxRecvDataSegmentLength' in dict(pairs(pdu.data)) or not pdu.data, 'the answer: %s', pdu)
    s.offered['MaxRecvDataSegmentLength'] = 512
    equal(len(s.good(READ10(0, 16), read=16 * BLOCK).data), 16 * BLOCK, 'the data read')


@conversation('RFC 7143 7.12, 11.7.7, 13.12', 'a longer segment is used, a shorter one is kept to, at once; a value that there is not changes nothing')
def segment_length_effect(t):
    s = t.log_in({'MaxRecvDataSegmentLength': 512}).settle()

    def longest():
        return max(len(p.data) for p in s.good(READ10(0, 32), read=32 * BLOCK).data_ins)

    def declare(value):
        itt = s.new_itt()
        s.send('text', itt=itt, data=text({'MaxRecvDataSegmentLength': value}))
        return pairs(s.expect('text_response', itt=itt).data)
    equal(longest(), 512, 'the longest segment after the login')
    s.params['MaxRecvDataSegmentLength'] = s.offered['MaxRecvDataSegmentLength'] = 4096
    equal(declare(4096), [], 'the answer to a declaration')
    equal(longest(), 4096, 'the longest segment')
    equal(declare(100), [('MaxRecvDataSegmentLength', 'Reject')], 'the answer to 100')
    equal(longest(), 4096, 'the longest segment after that')
    task = s.start(READ10(0, 2048), read=2048 * BLOCK)      # while data is coming
    s.send('text', itt=s.new_itt(), immediate=True, data=text({'MaxRecvDataSegmentLength': 1024}))
    told = None
    while task.status is None or told is None:
        pdu = s.recv()
        if pdu.name == 'text_response':
            told = len(task.data_ins)
        else:
            s.take(pdu)
    check(all(len(p.data) <= 1024 for p in task.data_ins[told:]), 'longer segments after the answer')
    s.params['MaxRecvDataSegmentLength'] = 1024
    equal(longest(), 1024, 'the longest segment at last')
    # what the target takes is its own to declare: writes are as before
    s.write(t.region, pattern(64 * BLOCK))


@conversation('RFC 7143 6.2, 6.4, 7.12', 'what the texts of a negotiation declare holds when it is over, and not at all when it is given up or refused')
def all_or_nothing(t):
    s = t.log_in({'MaxRecvDataSegmentLength': 512}).settle()

    def longest():
        return max(len(p.data) for p in s.good(READ10(0, 32), read=32 * BLOCK).data_ins)

    def begin():
        itt = s.new_itt()
        s.send('text', itt=itt, flags=0, data=text({'MaxRecvDataSegmentLength': 4096}))
        pdu = s.expect('text_response', itt=itt)
        check(not pdu.has(FINAL) and not pdu.data, 'the answer: %s', pdu)
        equal(longest(), 512, 'the longest segment while the negotiation goes on')
        return itt, pdu.ttt
    begin()
    itt = s.new_itt()                                       # reset by one without a tag: the first is forgotten
    s.send('text', itt=itt, flags=FINAL, data=text({'InitiatorAlias': 'another'}))
    check(s.expect('text_response', itt=itt).has(FINAL), 'no F')
    equal(longest(), 512, 'the longest segment after it was given up')
    for wrong in ({'MaxRecvDataSegmentLength': 1024}, {'InitiatorAlias': 'NotUnderstood'}, {'X-org.example.x': 'Reject'}):
        itt, ttt = begin()
        s.send('text', itt=itt, ttt=ttt, flags=FINAL, data=text(wrong))
        s.expect('reject', reason=4)
        equal(longest(), 512, 'the longest segment after it was refused')
    itt, ttt = begin()
    s.params['MaxRecvDataSegmentLength'] = s.offered['MaxRecvDataSegmentLength'] = 4096
    s.send('text', itt=itt, ttt=ttt, flags=FINAL)
    check(s.expect('text_response', itt=itt).has(FINAL), 'no F')
    equal(longest(), 4096, 'the longest segment when it is over')


@conversation('RFC 7143 13.12', 'what the target takes is 8192 for who passed the operational stage by, until it is told in full feature phase')
def target_declares_late(t):
    s = t.connect().log_in({'AuthMethod': 'None'}, stages=((0, 3),))
    check('MaxRecvDataSegmentLength' not in s.answers, 'declared in the security stage: %s', s.answers)
    s.settle()
    s.write(t.region, pattern(64 * BLOCK))
    itt = s.new_itt()
    s.send('text', itt=itt, data=text({'MaxRecvDataSegmentLength': 8192}))
    (key, value), = pairs(s.expect('text_response', itt=itt).data)
    equal(key, 'MaxRecvDataSegmentLength', 'the answer')
    check(int(value) > 65536, 'what the target takes: %s', value)
    s.max_send = int(value)
    data = pattern(128 * BLOCK, 7)
    task = s.good(WRITE10(t.region, 128), write=data)      # 64 KiB in one PDU
    equal(len(task.pdu.data), 65536, 'the immediate data')
    equal(s.read(t.region, 128), data, 'what was written')


@conversation('RFC 7143 6.2, 6.4, 11.10, 11.10.1, 11.10.3, 11.11.1, 11.17.1', 'a negotiation of several texts: F only where both have it, each key once, one Initiator Task Tag')
def several_texts(t):
    s = t.log_in()
    itt = s.new_itt()
    s.send('text', itt=itt, flags=0, data=text({'InitiatorAlias': 'one'}))
    pdu = s.expect('text_response', itt=itt)
    check(not pdu.has(FINAL) and pdu.ttt != NONE, 'F without one of ours (11.11.1): %s', pdu)
    s.send('text', itt=itt, ttt=pdu.ttt, flags=0, data=text({'X-org.example.y': '1'}))
    pdu = s.expect('text_response', itt=itt)
    equal(pairs(pdu.data), [('X-org.example.y', 'NotUnderstood')], 'the answer')
    check(not pdu.has(FINAL), 'F without one of ours')
    s.send('text', itt=itt, ttt=pdu.ttt, flags=FINAL)
    pdu = s.expect('text_response', itt=itt, ttt=NONE)
    check(pdu.has(FINAL), 'no F')
    # the same key in the second text
    itt = s.new_itt()
    s.send('text', itt=itt, flags=0, data=text({'MaxRecvDataSegmentLength': 65536}))
    pdu = s.expect('text_response', itt=itt)
    s.send('text', itt=itt, ttt=pdu.ttt, flags=FINAL, data=text({'MaxRecvDataSegmentLength': 512}))
    s.expect('reject', reason=4)
    # another tag
    itt = s.new_itt()
    s.send('text', itt=itt, flags=0, data=text({'InitiatorAlias': 'one'}))
    pdu = s.expect('text_response', itt=itt)
    s.send('text', itt=s.new_itt(), ttt=pdu.ttt, flags=FINAL)
    s.expect('reject', reason=4)
    # and what was open is over: its tag is nobody's
    s.send('text', itt=itt, ttt=pdu.ttt, flags=FINAL)
    s.expect('reject', reason=4)
    s.ping()


@conversation('RFC 7143 11.10.2', 'F and C together: Reject, and nothing is taken of it')
def final_and_continued(t):
    s = discover(t)
    itt = s.new_itt()
    s.send('text', itt=itt, flags=FINAL | CONTINUE, data=text({'SendTargets': 'All'}))
    s.expect('reject', reason=4)
    check(t.target in dict(send_targets(s)), 'the target is not named after that')


@conversation('RFC 7143 11.10.4', 'a Text Request without a Target Transfer Tag begins anew, in the middle of a request or of an answer')
def begun_anew(t):
    s = discover(t, {'MaxRecvDataSegmentLength': 512}, name='iqn.2026-11.org.sptgt:collector')
    s.send('text', itt=s.new_itt(), flags=CONTINUE, data=b'SendTar')
    s.expect('text_response')
    equal(len([n for n, _ in send_targets(s) if 'many' in n]), MANY, 'the targets after half a request')
    itt = s.new_itt()
    s.send('text', itt=itt, data=text({'SendTargets': 'All'}))
    first = s.expect('text_response', itt=itt)
    check(not first.has(FINAL), 'all in one PDU of 512 bytes')
    equal(len([n for n, _ in send_targets(s) if 'many' in n]), MANY, 'the targets after half an answer')
    s.send('text', itt=itt, ttt=first.ttt, flags=FINAL)
    s.expect('reject', reason=4)


@conversation('RFC 7143 6.4, 13', 'keys of the login only are not negotiated in full feature phase')
def login_keys_later(t):
    for key, value in (('MaxBurstLength', '512'), ('InitialR2T', 'Yes'), ('HeaderDigest', 'CRC32C'),
                       ('InitiatorName', t.name),
                       ('MaxConnections', '8'), ('AuthMethod', 'None')):
        s = t.log_in({'ImmediateData': 'Yes'})
        itt = s.new_itt()
        s.send('text', itt=itt, data=text({key: value}))
        try:
            pdu = s.recv()
        except Gone:
            continue
        if pdu.name == 'text_response':
            one_of(dict(pairs(pdu.data)).get(key), ('Reject', 'Irrelevant', 'NotUnderstood'),
                   'the answer to ' + key)
        else:
            equal(pdu.name, 'reject', 'the answer to ' + key)


@conversation('RFC 7143 11.10, 7.8', 'texts that are none: Reject or the end, and nobody else suffers')
def bad_text(t):
    for data in (b'SendTargets', b'=All\0', b'SendTargets=All', b'\xff' * 300, b'\0' * 16):
        s = discover(t)
        s.send('text', itt=s.new_itt(), data=data)
        try:
            pdu = s.recv()
            check(pdu.name in ('reject', 'text_response'), 'the answer to %r: %s', data, pdu)
            if pdu.name == 'text_response':
                check(t.target.encode() not in pdu.data, 'taken for a SendTargets: %r', data)
        except Gone:
            pass


@conversation('RFC 7143 11.10.4', 'a TTT that the target never gave out')
def wrong_ttt(t):
    s = discover(t)
    s.send('text', itt=s.new_itt(), ttt=0x12345678, data=text({'SendTargets': 'All'}))
    try:
        pdu = s.recv()
        one_of(pdu.name, ('reject', 'text_response'), 'the answer')
    except Gone:
        return
    send_targets(s)


@conversation('RFC 7143 6.1, 6.2', 'a text request that never ends is cut off', seconds=30)
def endless_text(t):
    s = discover(t)
    itt, ttt = s.new_itt(), NONE
    try:
        for _ in range(3000):
            s.send('text', itt=itt, ttt=ttt, flags=CONTINUE, data=b'X' * 8000)
            pdu = s.recv()
            if pdu.name == 'reject':
                return
            ttt = pdu.ttt
        raise Wrong('24 MB of text are taken')
    except Gone:
        pass


@conversation('RFC 7143 11.14, 11.15, 11.15.2',
              'logout closes the session or the connection, and the connection ends after the response')
def logout(t):
    for reason, enter in ((0, t.log_in), (1, t.log_in), (0, lambda: discover(t))):
        equal(enter().log_out(reason).response, 0, 'the response to reason %d' % reason)


@conversation('RFC 7143 11.14, 11.14.1, 11.15.1',
              'logout of a connection that there is not, for recovery, and for no reason: answered, and nothing breaks')
def odd_logouts(t):
    for reason, cid, allowed in ((1, 99, (1, 3)), (2, 0, (1, 2, 3)), (2, 99, (1, 2, 3)), (5, 0, ())):
        s = t.log_in()
        itt = s.new_itt()
        s.send('logout', flags=FINAL | reason, itt=itt, cid=cid)
        try:
            pdu = s.recv()
        except Gone:
            continue
        if pdu.name == 'logout_response':
            one_of(pdu.response, allowed, 'the response to reason %d, CID %d' % (reason, cid))
        else:
            equal(pdu.name, 'reject', 'the answer to reason %d' % reason)


@conversation('RFC 7143 11.14, 11.14.5',
              'logout with commands outstanding: their data no longer comes, the response does')
def logout_with_tasks(t):
    s = t.log_in({'InitialR2T': 'Yes', 'ImmediateData': 'No'}).settle()
    task = s.start(WRITE10(t.region, 8), write=pattern(8 * BLOCK))
    s.step(answer=False)
    check(task.r2ts, 'no R2T')
    itt = s.new_itt()
    s.send('logout', flags=FINAL, itt=itt, immediate=True)
    s.expect('logout_response', itt=itt, response=0)
    s.gone(allowed=())


@conversation('RFC 7143 13.20, 13.21', 'a discovery session has ErrorRecoveryLevel 0 and one connection, whatever is offered')
def nothing_recovers(t):
    s = discover(t, {'ErrorRecoveryLevel': 2, 'MaxConnections': 4})
    equal(s.answers['ErrorRecoveryLevel'], '0', 'ErrorRecoveryLevel')
    equal(s.answers['MaxConnections'], 'Irrelevant', 'MaxConnections')
    s.send('snack', flags=FINAL | 1, itt=NONE, ttt=NONE, begrun=0, runlength=0)
    s.expect('reject')
    s.log_out()
