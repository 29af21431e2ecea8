# SPDX-License-Identifier: MIT
"""Negotiation of every text key, RFC 7143 6.2 and 13. What a target may answer follows from what it was offered."""

from talk import *  # noqa: F403

ABSENT = None


def offer(t, pairs_, csg=1):
    """Log in with these pairs after the names. The answers, or 'refused' when the login ends for the initiator's fault."""
    s = t.connect()
    if not isinstance(pairs_, bytes):
        s.offered.update(pairs_)
        pairs_ = text(pairs_)
    s.login_request(text(s.names()) + pairs_, csg, 3)
    try:
        for _ in range(40):
            pdu = s.login_response()
            if pdu.has(FINAL):
                return s.answers
            s.login_request({}, csg, 3)
    except Refused as e:
        equal(e.status >> 8, 2, 'the status class')
        s.gone(allowed=())
        return 'refused'
    except Gone:
        return 'refused'
    raise Wrong('the negotiation does not end')


def minimum(offered, answer):
    return answer is not ABSENT and 1 <= int(answer) <= int(offered, 0) or answer == offered == '0'


def at_least(offered, answer):
    return answer is not ABSENT and int(offered, 0) <= int(answer) <= 3600


def at_most(offered, answer):
    return answer is not ABSENT and 0 <= int(answer) <= int(offered, 0)


def either(offered, answer):
    """Yes when one side says so: an answer may be left out when it changes nothing (6.2.2)."""
    return answer in (('Yes', ABSENT) if offered == 'Yes' else ('Yes', 'No'))


def both(offered, answer):
    return answer in (('No', ABSENT) if offered == 'No' else ('Yes', 'No'))


def declared(offered, answer):
    """Each side declares for itself."""
    return answer is ABSENT or 512 <= int(answer) < 1 << 24


def first_known(offered, answer):
    return answer == next(word for word in offered.split(',') if word in ('None', 'CRC32C', 'RFC3720',
                                                                          'ResponseFence', 'FastAbort'))


GOOD_OFFERS = [
    ('HeaderDigest', ('None', 'CRC32C', 'CRC32C,None', 'None,CRC32C', 'X-org.example.crc,CRC32C'), first_known),
    ('DataDigest', ('None', 'CRC32C', 'CRC32C,None', 'None,CRC32C', 'Foo,None'), first_known),
    ('MaxConnections', ('1', '2', '65535'), minimum),
    ('InitialR2T', ('Yes', 'No'), either),
    ('ImmediateData', ('Yes', 'No'), both),
    ('MaxRecvDataSegmentLength', ('512', '8192', '16777215', '0x1000', '0X1000'), declared),
    ('MaxBurstLength', ('512', '65536', '16777215', '0x10000'), minimum),
    ('FirstBurstLength', ('512', '4096', '65536'), minimum),
    ('DefaultTime2Wait', ('0', '2', '3600'), at_least),
    ('DefaultTime2Retain', ('0', '20', '3600'), at_most),
    ('MaxOutstandingR2T', ('1', '8', '65535'), minimum),
    ('DataPDUInOrder', ('Yes', 'No'), either),
    ('DataSequenceInOrder', ('Yes', 'No'), either),
    ('ErrorRecoveryLevel', ('0', '1', '2'), at_most),
    ('TaskReporting', ('RFC3720', 'RFC3720,FastAbort', 'ResponseFence,RFC3720'),
     lambda offered, answer: answer in offered.split(',')),
    ('iSCSIProtocolLevel', ('0', '1', '2', '31'), at_most),
]


@conversation('RFC 7143 6.2.1, 6.2.2, 13, 13.1, 13.13, 13.15, 13.16, 13.20',
              'every key with values that it may have: the answer is what its result function allows', seconds=40)
def good_values(t):
    for key, values, law in GOOD_OFFERS:
        for value in values:
            answers = offer(t, {key: value})
            check(answers != 'refused', '%s=%s is refused', key, value)
            answer = answers.get(key)
            try:
                fine = law(value, answer)
            except ValueError:
                fine = False
            check(fine, '%s=%s is answered with %s', key, value, answer)


@conversation('RFC 7143 13.23, 13.24; RFC 7144 7.1.1',
              'TaskReporting is the first of the offer, iSCSIProtocolLevel the smaller of both: 2 at most')
def reporting_and_level(t):
    for offered, answer in (('FastAbort,ResponseFence,RFC3720', 'FastAbort'), ('RFC3720,FastAbort', 'RFC3720'),
                            ('X-org.example.never,ResponseFence', 'ResponseFence')):
        equal(offer(t, {'TaskReporting': offered}).get('TaskReporting'), answer, 'TaskReporting of ' + offered)
    for offered, answer in (('0', '0'), ('1', '1'), ('2', '2'), ('31', '2')):
        equal(offer(t, {'iSCSIProtocolLevel': offered}).get('iSCSIProtocolLevel'), answer,
              'iSCSIProtocolLevel of ' + offered)


@conversation('RFC 7143 4.2.2.3.3, 13.23', 'reporting with a Response Fence and several connections are agreed to both, in whatever order they come')
def fence_and_connections(t):
    for first, second in (('MaxConnections', 'TaskReporting'), ('TaskReporting', 'MaxConnections')):
        offered = {'MaxConnections': '4', 'TaskReporting': 'FastAbort,RFC3720'}
        answers = offer(t, {first: offered[first], second: offered[second]})
        equal((answers['TaskReporting'], answers['MaxConnections']), ('FastAbort', '4'), 'in one text')


BAD_OFFERS = [
    ('HeaderDigest', ('', 'crc32c', 'Foo', 'MD5,SHA')),
    ('DataDigest', ('', 'none', 'Foo')),
    ('MaxConnections', ('0', '65536', '-1', '', '1x', 'one', '99999999999999999999999')),
    ('InitialR2T', ('yes', 'NO', '1', '', 'Maybe', 'Yes,No')),
    ('ImmediateData', ('yes', 'True', '', 'Yes ')),
    ('MaxRecvDataSegmentLength', ('511', '0', '16777216', '-512', '', '0x', '0xg', '8192 ', '4294967296',
                                  '1e4')),
    ('MaxBurstLength', ('511', '16777216', '0', '', 'x', '512~1024')),
    ('FirstBurstLength', ('511', '16777216', '', '18446744073709551616')),
    ('DefaultTime2Wait', ('3601', '-1', '', '4294967295')),
    ('DefaultTime2Retain', ('3601', '-1', '')),
    ('MaxOutstandingR2T', ('0', '65536', '')),
    ('DataPDUInOrder', ('', 'Y')),
    ('DataSequenceInOrder', ('', 'N')),
    ('ErrorRecoveryLevel', ('3', '-1', '', '256')),
    ('iSCSIProtocolLevel', ('32', '', 'x')),
    ('TaskReporting', ('', 'fastabort', 'Reject')),
]


@conversation('RFC 7143 6.1, 6.2.1, 6.2.2, 7.12',
              'a value out of range or of no form is rejected, or the login is refused: never taken',
              seconds=40)
def bad_values(t):
    for key, values in BAD_OFFERS:
        for value in values:
            answers = offer(t, {key: value})
            check(answers == 'refused' or answers.get(key) == 'Reject', '%s=%r is taken: %s', key, value,
                  answers)


@conversation('RFC 7143 13.13, 13.14', 'FirstBurstLength is never above MaxBurstLength')
def first_burst_within_burst(t):
    answers = offer(t, {'MaxBurstLength': 4096, 'FirstBurstLength': 65536})
    check(answers == 'refused' or int(answers['FirstBurstLength']) <= int(answers['MaxBurstLength']),
          'FirstBurstLength and MaxBurstLength: %s', answers)


@conversation('RFC 7143 6.2', 'a key that nobody knows is answered with NotUnderstood')
def unknown_keys(t):
    unknown = {'X-org.example.color': 'blue', 'Y-thing': '7', 'Z-thing': '', 'Foo': '1,2,3',
               'A+b@c_d.e-f': '0x'}
    answers = offer(t, unknown)
    check(answers != 'refused', 'refused')
    for key in unknown:
        equal(answers.get(key), 'NotUnderstood', key)
    for key in ('initialr2t', 'X#hash', '-x',
                '9'):         # keys are case sensitive, and begin with a capital letter
        answers = offer(t, {key: 'No'})
        check(answers == 'refused' or answers.get(key) == 'NotUnderstood', '%s: %s', key, answers)


@conversation('RFC 7143 6.2', 'Reject, Irrelevant and NotUnderstood are answers: nobody may propose or declare them; None may be')
def reserved_words(t):
    for key in ('MaxBurstLength', 'InitialR2T', 'HeaderDigest', 'MaxRecvDataSegmentLength', 'InitiatorAlias', 'TaskReporting',
                'IFMarker', 'X-org.example.key', 'X#NodeArchitecture'):
        for word in ('Reject', 'Irrelevant', 'NotUnderstood'):
            equal(offer(t, {key: word}), 'refused', '%s=%s' % (key, word))
    answers = offer(t, {'HeaderDigest': 'Reject,Irrelevant,None', 'InitiatorAlias': 'Rejected', 'X-org.example.key': 'None'})
    check(answers != 'refused', 'refused')
    equal((answers['HeaderDigest'], answers['X-org.example.key']), ('None', 'NotUnderstood'), 'the answers')


@conversation('RFC 7143 13.25', 'the obsolete marker keys are declined, and the login goes on; they are never NotUnderstood')
def markers(t):
    answers = offer(t, {'IFMarker': 'Yes', 'OFMarker': 'Yes'})
    check(answers != 'refused', 'refused')
    for key in ('IFMarker', 'OFMarker'):
        one_of(answers.get(key), ('No', 'Reject'), key)
    for key in ('IFMarkInt', 'OFMarkInt'):
        equal(offer(t, {key: '2048~8192'}).get(key), 'Reject', key)


@conversation('RFC 7143 6.1, 9.4, 13.22, 13.26, 13.26.1, 13.26.2', 'X- and X# keys: the one that there is, is a declaration; others are not understood')
def extension_keys(t):
    answers = offer(t, {'X#NodeArchitecture': 'Linux', 'X#Other': '1', 'X-org.example.key': '2', 'Y-org.example.key': '3'})
    check(answers != 'refused', 'refused')
    check('X#NodeArchitecture' not in answers, 'a declaration is answered: %s', answers)
    for key in ('X#Other', 'X-org.example.key', 'Y-org.example.key'):
        equal(answers.get(key), 'NotUnderstood', key)
    equal(offer(t, [('X#NodeArchitecture', 'Linux'), ('X#NodeArchitecture', 'amd64')]), 'refused', 'declared twice')
    equal(offer(t, {'X#NodeArchitecture': 'v' * 256}), 'refused', '256 bytes of it')
    check('X#NodeArchitecture' not in offer(t, {'X#NodeArchitecture': 'v' * 255}), 'a declaration is answered')
    equal(offer(t, {'X#NodeArchitecture': 'CP/M,z80', 'MaxBurstLength': 4096})['MaxBurstLength'], offer(t, {'MaxBurstLength': 4096})['MaxBurstLength'],
          'what depends on it')


@conversation('RFC 7143 7.4.1, 13', 'keys without a meaning in a discovery session are answered with Irrelevant, ErrorRecoveryLevel with 0')
def irrelevant(t):
    s = t.connect()
    keys = {'MaxConnections': 4, 'InitialR2T': 'No', 'ImmediateData': 'Yes', 'MaxBurstLength': 65536, 'FirstBurstLength': 512,
            'MaxOutstandingR2T': 2, 'DataPDUInOrder': 'No', 'DataSequenceInOrder': 'No', 'TaskReporting': 'FastAbort',
            'iSCSIProtocolLevel': 2}
    s.offered.update(keys)
    s.offered['ErrorRecoveryLevel'] = 2
    s.login_request(text({**s.names(False), **keys, 'ErrorRecoveryLevel': 2}), 1, 3)
    s.login_response()
    for key in keys:
        equal(s.answers.get(key), 'Irrelevant', key)
    equal(s.answers.get('ErrorRecoveryLevel'), '0', 'ErrorRecoveryLevel')


@conversation('RFC 7143 13.3', 'SendTargets has no place in a login')
def send_targets_in_login(t):
    for csg in (0, 1):
        equal(offer(t, {'SendTargets': 'All'}, csg), 'refused', 'SendTargets in stage %d' % csg)


@conversation('RFC 7143 6.2.2, 7.12', 'Reject of ours ends the login: what was offered wrongly is in no session')
def rejected_ends(t):
    for key, value in (('MaxBurstLength', '1'), ('HeaderDigest', 'Foo'), ('InitialR2T', 'Maybe')):
        equal(offer(t, {key: value}), 'refused', '%s=%s' % (key, value))


@conversation('RFC 7143 6.3', 'a key twice in one negotiation is an error')
def duplicate_keys(t):
    equal(offer(t, [('MaxBurstLength', 65536), ('MaxBurstLength', 65536)]), 'refused', 'the same pair twice')
    equal(offer(t, [('InitialR2T', 'Yes'), ('InitialR2T', 'No')]), 'refused', 'a key with two values')
    s = t.connect()
    s.login_request({**s.names(), 'MaxBurstLength': 65536}, 1, transit=False)
    s.login_response()
    s.login_request({'MaxBurstLength': 65536}, 1, 3)
    try:
        s.login_response()
        raise Wrong('a key that was negotiated before is negotiated again (6.2)')
    except (Refused, Gone):
        pass


@conversation('RFC 7143 13, 13.4', 'keys that only a target may send, or only in full feature phase')
def keys_of_others(t):
    for key, value in (('TargetAlias', 'x'), ('TargetAddress', '10.0.0.1:3260,1'),
                       ('TargetPortalGroupTag', '1'),
                       ('SendTargets', 'All')):
        answers = offer(t, {key: value})
        check(answers == 'refused' or answers.get(key) in ('Reject', 'NotUnderstood', 'Irrelevant'),
              '%s is taken: %s', key, answers)


@conversation('RFC 7143 6.3, 12', 'AuthMethod has no place in the operational stage, nor have operational keys in the security stage')
def key_in_wrong_stage(t):
    answers = offer(t, {'AuthMethod': 'None'}, csg=1)
    check(answers == 'refused' or answers.get('AuthMethod') in ('Reject', 'Irrelevant', 'NotUnderstood',
                                                                'None'), '%s', answers)
    for key, value in (('HeaderDigest', 'None'), ('MaxBurstLength', '65536'), ('MaxRecvDataSegmentLength', '8192'), ('InitialR2T', 'Yes'),
                       ('ErrorRecoveryLevel', '0'), ('TaskReporting', 'RFC3720'), ('IFMarker', 'No'), ('SendTargets', 'All')):
        equal(offer(t, {'AuthMethod': 'None', key: value}, csg=0), 'refused', key + ' in the security stage')
    answers = offer(t, {'AuthMethod': 'CHAP'}, csg=0)
    check(answers == 'refused' or answers.get('AuthMethod') == 'Reject', 'CHAP at a target without it: %s',
          answers)


@conversation('RFC 7143 13.7', 'InitiatorAlias is a declaration: it is not answered')
def alias(t):
    answers = offer(t, {'InitiatorAlias': 'the box in the corner \u00fc'})
    check(answers != 'refused' and 'InitiatorAlias' not in answers, '%s', answers)


@conversation('RFC 7143 6.1',
              'names of keys up to 63 bytes and values up to 255 are kept apart from longer ones')
def long_keys_and_values(t):
    answers = offer(t, {'X-' + 'a' * 61: 'v'})
    equal(answers['X-' + 'a' * 61], 'NotUnderstood', 'a key of 63 bytes')
    for pairs_ in ({'X-' + 'a' * 62: 'v'}, {'X-' + 'a' * 2000: 'v'}, {'InitiatorAlias': 'v' * 256},
                   {'MaxBurstLength': '0' * 300 + '65536'}, {'TargetAlias': 'a' * 4000},
                   {'HeaderDigest': 'C' * 1000 + ',None'}):
        answers = offer(t, pairs_)
        key = next(iter(pairs_))
        check(answers == 'refused' or answers.get(key, 'Reject') in ('Reject', 'NotUnderstood', 'None'),
              'a key of %d bytes with a value of %d is taken: %s', len(key), len(pairs_[key]), answers)


@conversation('RFC 7143 6.1', 'what is no text is refused')
def no_text(t):
    for data in (b'MaxBurstLength', b'MaxBurstLength\0', b'=65536\0', b'MaxBurstLength=65536',
                 b'MaxBurstLength=65536\0junk',
                 b'Max Burst=1\0', b'MaxBurstLength\xff=1\0', b'X-%n%n%s=1\0=\0', bytes(range(256)),
                 b'\xff' * 400):
        answers = offer(t, data)
        check(answers == 'refused' or all(v in ('NotUnderstood', 'Reject') for k,
                                          v in answers.items() if k.startswith(('Max', 'X-'))),
              '%r is taken: %s', data[:30], answers)


@conversation('RFC 7143 6.1, 6.2', 'eight kilobytes of keys in one negotiation are taken, and each is answered')
def eight_kilobytes(t):
    s = t.connect()
    keys = {'X-%03d' % i: 'v' * 250 for i in range(31)}
    whole = text({**s.names(), **keys})
    whole += text({'X-last': 'v' * (8192 - len(whole) - len('X-last=') - 1)})
    equal(len(whole), 8192, 'the bytes')
    s.login_request(whole[:5000], 1, transit=False, more=True)
    check(not s.login_response().data, 'an answer to half of a text (6.2)')
    s.login_request(whole[5000:], 1, transit=False)
    s.login_response()
    for key in (*keys, 'X-last'):
        equal(s.answers.get(key), 'NotUnderstood', key)
    s.enter(s.advance({}))
    s.settle()


@conversation('RFC 7143 6.1, 6.2', 'eight kilobytes of the shortest keys: each is answered, in as many PDUs as that takes', seconds=30)
def shortest_keys(t):
    s = t.connect()
    s.login_request(s.names(), 1, transit=False)
    s.login_response()
    keys = ['%s%s%s' % (a, b, c) for a in 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' for b in 'abcdefghijklmnopqrstuvwxyz' for c in '123']
    keys = keys[:8192 // 5]
    whole, gathered = text([(key, '') for key in keys]), b''
    s.login_request(whole[:5000], 1, transit=False, more=True)
    s.login_response()
    s.login_request(whole[5000:], 1, transit=False)
    while True:
        pdu = s.expect('login_response', status_class=0)
        gathered += pdu.data
        if not pdu.has(CONTINUE):
            break
        s.login_request({}, 1, transit=False)
    equal([key for key, value in pairs(gathered) if value == 'NotUnderstood'], keys, 'the keys that are answered')
    s.enter(s.advance({}))
    s.settle()
    itt = s.new_itt()
    s.send('text', itt=itt, data=text([(key, '') for key in keys[:1500]]))
    gathered = b''
    while True:
        pdu = s.expect('text_response', itt=itt)
        gathered += pdu.data
        if pdu.has(FINAL):
            break
        s.send('text', itt=itt, ttt=pdu.ttt)
    equal([key for key, value in pairs(gathered) if value == 'NotUnderstood'], keys[:1500], 'those of a Text Request')


@conversation('RFC 7143 6.1, 6.2',
              'two thousand unknown keys: refused, or each answered within the bounds of a PDU', seconds=30)
def too_many_keys(t):
    s = t.connect()
    keys = [('X-%04d' % i, 'v') for i in range(2048)]
    whole = text(s.names()) + text(keys)
    parts = [whole[i:i + 8000] for i in range(0, len(whole), 8000)]
    answered = {}
    try:
        for part in parts[:-1]:
            s.login_request(part, 1, transit=False, more=True)
            s.login_response()
        s.login_request(parts[-1], 1, 3)
        gathered = b''
        while True:
            pdu = s.expect('login_response')
            if pdu.status_class:
                equal(pdu.status_class, 2, 'the status class')
                return
            gathered += pdu.data
            if pdu.has(FINAL):
                break
            s.login_request({}, 1, 3 if not pdu.has(CONTINUE) else 0, transit=not pdu.has(CONTINUE))
        answered = dict(pairs(gathered))
    except Gone:
        return
    for key, _ in keys:
        equal(answered.get(key), 'NotUnderstood', key)


@conversation('RFC 7143 6.1, 6.2', 'a text without end (C bit for ever) is refused', seconds=30)
def endless_text(t):
    s = t.connect()
    s.login_request(text(s.names())[:-1] + b'x' * 4000, 1, transit=False, more=True)
    try:
        for _ in range(4000):
            s.login_response()
            s.login_request(b'y' * 8000, 1, transit=False, more=True)
        raise Wrong('32 MB of text are taken')
    except (Refused, Gone):
        pass


@conversation('RFC 7143 6.2', 'a login in which nothing is ever agreed does not go on for ever', seconds=30)
def endless_login(t):
    s = t.connect()
    s.login_request(s.names(), 1, transit=False)
    try:
        for _ in range(20000):
            s.login_response()
            s.login_request({}, 1, transit=False)
        raise Wrong('20000 empty requests are answered')
    except (Refused, Gone):
        pass
