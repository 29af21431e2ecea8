# SPDX-License-Identifier: MIT
"""CHAP (RFC 7143 12.1.3, 9.2.1): every algorithm, both directions, and every way around it. Each conversation comes from an
address of its own, so that the failures of one do not slow another."""

import base64
import hashlib
import time

from talk import *  # noqa: F403

HASHES = {5: 'md5', 6: 'sha1', 7: 'sha256', 8: 'sha3_256'}
SECRET, MUTUAL, OTHER = 'the secret of the one', 'the secret of the target', 'the secret of another'
BINARY = '6b1dd9ed8c1a4b7ea80d1b5e3c2f4a90'
GUARDED, MD5_ONLY, OWN_ORDER = ('iqn.2026-11.org.sptgt:' + name for name in ('guarded', 'md5', 'own-order'))
FAILED, BAD, MISSING = 0x0201, 0x0200, 0x0207
FILES = {
    'guarded.secret': """# users of the guarded target
one "%s" mutual "the target" "%s"
plain "%s"
binary 0x%s
elsewhere 0bc29tZWJvZHkgZWxzZSdz from iqn.2026-11.org.example:* iqn.2026-11.org.sptgt:the-one
""" % (SECRET, MUTUAL, OTHER, BINARY),
    'discovery.secret': 'finder "what the finder knows"\nplain "another plain one"\nbinary 0x%s\n' % BINARY,
}
CONFIG = config(target('guarded', 'auth = chap\nchap-file = {dir}/guarded.secret'),
                target('own-order', 'auth = chap\nchap-file = {dir}/guarded.secret\nchap-algorithms = SHA1, SHA3-256, MD5\nchap-order = target'),
                target('md5', 'auth = chap\nchap-file = {dir}/guarded.secret\nchap-algorithms = MD5, SHA1'),
                daemon='max-logins = 16\ndiscovery-auth = chap\ndiscovery-chap-file = {dir}/discovery.secret')


def hexed(data):
    return '0x' + data.hex()


def based(data):
    return '0b' + base64.b64encode(data).decode()


def unbinary(text):
    check(text[:2] in ('0x', '0b'), 'a binary value of the target: %s', text)
    return bytes.fromhex(text[2:]) if text[1] == 'x' else base64.b64decode(text[2:], validate=True)


def response(algorithm, identifier, secret, challenge):
    secret = secret if isinstance(secret, bytes) else secret.encode()
    return hashlib.new(HASHES[algorithm], bytes([identifier]) + secret + challenge).digest()


def source(t):
    return '127.0.%d.%d' % (1 + t.number // 200, 1 + t.number % 200)


def say(s, keys, transit=False):
    s.login_request(keys, 0, 1, transit)
    return s.login_response(12)


def begin(t, target=GUARDED, methods='CHAP,None', name=None, address=None):
    s = t.connect(source=address or source(t))
    s.name = name or s.name
    say(s, {**s.names(target), 'AuthMethod': methods})
    equal(s.answers.get('AuthMethod'), 'CHAP', 'AuthMethod')
    return s


def ask(s, algorithms='8,7,6,5'):
    """What the target asks: algorithm, identifier, challenge."""
    say(s, {'CHAP_A': algorithms})
    question = int(s.answers['CHAP_A']), int(s.answers['CHAP_I']), unbinary(s.answers['CHAP_C'])
    check(question[0] in HASHES and 0 <= question[1] <= 255, 'the question: %s', question)
    check(len(question[2]) >= hashlib.new(HASHES[question[0]]).digest_size, 'a short challenge (12.1.3)')
    return question


def proof(question, user='one', secret=SECRET, form=hexed):
    return {'CHAP_N': user, 'CHAP_R': form(response(question[0], question[1], secret, question[2]))}


def finish(s):
    """Into full feature phase, and something done there."""
    s.enter(s.advance({}, 1, 3))
    s.settle().good(INQUIRY(36), read=36)


def refused(s, keys, status=FAILED, answer=[]):
    """RFC 7143 9.2: what is missing or malformed has another status than what proves nothing."""
    try:
        say(s, keys, transit=True)
    except Refused as e:
        equal(e.status, status, 'the status of the refusal')
        equal(pairs(e.pdu.data), answer, 'the text of the refusal')
        s.gone(allowed=())
        return
    raise Wrong('%s is not refused' % {k: str(v)[:60] for k, v in keys.items()})


@conversation('RFC 7143 12.1.3', 'each algorithm, in hexadecimal and base64')
def algorithms(t):
    for number in HASHES:
        for form in (hexed, based):
            s = begin(t)
            question = ask(s, str(number))
            equal(question[0], number, 'CHAP_A')
            check(say(s, proof(question, form=form), transit=True).has(FINAL), 'the stage is not left')
            check('CHAP_R' not in s.answers, 'the target proves what nobody asked')
            finish(s)
            s.log_out()


@conversation('RFC 7143 12.1.3', 'both directions, each algorithm, answered in the form that we use')
def mutual(t):
    for number in HASHES:
        for form in (hexed, based):
            s = begin(t)
            question = ask(s, str(number))
            challenge = bytes(range(number, number + 17))
            say(s, {**proof(question, form=form), 'CHAP_I': '0x%x' % (number * 30), 'CHAP_C': form(challenge)}, transit=True)
            equal(s.answers['CHAP_N'], 'the target', 'CHAP_N of the target')
            equal(s.answers['CHAP_R'], form(response(number, number * 30, MUTUAL, challenge)), 'CHAP_R of the target')
            finish(s)
            s.log_out()


@conversation('RFC 7143 6.2.1, 12.1.3', 'the first algorithm of the offer that is ours, or the first of ours where that is configured; none that both have ends the login')
def order(t):
    for target, offer, want in ((GUARDED, '5,6,7,8', 5), (GUARDED, '8,7,6,5', 8), (GUARDED, '7,5', 7), (GUARDED, '99,0x7,6', 7),
                                (GUARDED, '4,,6,8', 6), (MD5_ONLY, '8,7,6,5', 6), (OWN_ORDER, '5,6,7,8', 6),
                                (OWN_ORDER, '8,7,6,5', 6), (OWN_ORDER, '5,8', 8), (OWN_ORDER, '7,5', 5), (OWN_ORDER, '5', 5)):
        s = begin(t, target)
        equal(ask(s, offer)[0], want, 'CHAP_A of the offer %s to %s' % (offer, target))
        s.close()
    refused(begin(t, MD5_ONLY), {'CHAP_A': '8,7'})
    for wrong in ('', '9', 'MD5', '261', '55', ',,,', '-5', '5' * 200):
        refused(begin(t, address='127.0.9.%d' % (1 + len(wrong))), {'CHAP_A': wrong})


@conversation('RFC 7143 6.3, 6.3.1', 'straight from the security stage to full feature phase')
def straight(t):
    s = begin(t)
    s.login_request(proof(ask(s), 'binary', bytes.fromhex(BINARY)), 0, 3, True)
    s.enter(s.login_response())
    s.settle()


@conversation('RFC 7143 9.2.1', 'several users; the authenticated one is shown, and one is only let in from where it may come')
def users(t):
    for user, secret in (('plain', OTHER), ('one', SECRET), ('binary', bytes.fromhex(BINARY))):
        s = begin(t)
        say(s, proof(ask(s), user, secret), transit=True)
        finish(s)
        t.daemon.says(', user %s, session' % user)
    s = begin(t, name='iqn.2026-11.org.sptgt:the-one')
    say(s, proof(ask(s), 'elsewhere', "somebody else's"), transit=True)
    finish(s)
    s = begin(t)
    refused(s, proof(ask(s), 'elsewhere', "somebody else's"))


@conversation('RFC 7143 7.4.2.2', 'a discovery session that names a target takes a place there only by a proof that the target takes')
def named_discovery(t):
    s = begin(t)
    say(s, proof(ask(s)), transit=True)
    finish(s)
    for user, secret, ends in (('finder', 'what the finder knows', False), ('plain', 'another plain one', False), ('binary', bytes.fromhex(BINARY), True)):
        other = t.connect(source=source(t))
        say(other, {**other.names(False), 'TargetName': GUARDED, 'AuthMethod': 'CHAP'})
        say(other, proof(ask(other), user, secret), transit=True)
        other.enter(other.advance({}, 1, 3))
        if ends:
            s.gone()
        else:
            s.ping()


@conversation('RFC 7143 6.3.2, 12.1, 12.1.1, 12.1.2', 'no CHAP in the offer, no offer, or a target without it: who has to prove it does not get around it')
def no_chap(t):
    for method in ('None', 'KRB5,None', 'SRP', 'KRB5,SRP', 'Z-org.example.none', 'chap', ''):
        s = t.connect(source=source(t))
        refused(s, {**s.names(GUARDED), 'AuthMethod': method}, answer=[('AuthMethod', 'Reject')])
    s = t.connect(source=source(t))
    refused(s, s.names(GUARDED))
    for keys in ({'SRP_U': 'one', 'TargetAuth': 'No'}, {'KRB_AP_REQ': '0x00'}):      # of methods that are not there
        s = begin(t, address='127.0.10.%d' % len(keys))
        say(s, keys)
        equal([s.answers[key] for key in keys], ['NotUnderstood'] * len(keys), 'the answers to %s' % keys)
        refused(s, proof((5, 0, b'')), MISSING)
    s = t.connect(source=source(t))
    s.login_request({**s.names(True), 'AuthMethod': 'CHAP,None'}, 0, 1)
    s.login_response()
    equal(s.answers['AuthMethod'], 'None', 'where nothing has to be proven')
    finish(s)


@conversation('RFC 7143 6.3.1', 'the security stage passed by')
def stage_skipped(t):
    s = t.connect(source=source(t))
    try:
        s.log_in(target=GUARDED)
        raise Wrong('past the security stage')
    except Refused as e:
        equal(e.status, FAILED, 'the status')
    for csg, nsg in ((1, 3), (1, 1)):       # after AuthMethod, and after the question
        for asked in (False, True):
            s = begin(t)
            if asked:
                ask(s)
            s.login_request({}, csg, nsg)
            try:
                s.login_response(12)
                raise Wrong('stage %d in the middle of the exchange' % csg)
            except Refused as e:
                one_of(e.status, (FAILED, BAD), 'the status')


@conversation('RFC 7143 6.3, 11.13.6', 'T in the middle of the exchange is not honoured')
def early_transit(t):
    s = begin(t)
    for _ in range(2):
        check(not say(s, {}, transit=True).has(FINAL), 'the stage is left unauthenticated')
    check(not say(s, {'CHAP_A': '5'}, transit=True).has(FINAL), 'the stage is left unauthenticated')
    question = int(s.answers['CHAP_A']), int(s.answers['CHAP_I']), unbinary(s.answers['CHAP_C'])
    check(not say(s, {}, transit=True).has(FINAL), 'the stage is left unauthenticated')
    check(say(s, proof(question), transit=True).has(FINAL), 'the stage is not left')
    finish(s)


@conversation('RFC 7143 11.13.5, 12.1.3', 'wrong responses, wrong users', seconds=40)
def wrong(t):
    def attempt(keys, status=FAILED):
        s = begin(t, address='127.0.8.%d' % next(attempt.number))
        refused(s, keys(ask(s, '5')), status)
    attempt.number = iter(range(1, 200))
    attempt(lambda q: proof(q, 'one', OTHER))
    attempt(lambda q: proof(q, 'one', MUTUAL))
    attempt(lambda q: proof(q, 'plain', SECRET))
    attempt(lambda q: proof(q, 'nobody', SECRET))
    attempt(lambda q: proof(q, 'ONE', SECRET))
    attempt(lambda q: proof(q, '', SECRET), BAD)
    attempt(lambda q: proof(q, 'n' * 300, SECRET), BAD)
    attempt(lambda q: proof(q, 'binary', '0x' + BINARY))
    attempt(lambda q: proof((q[0], q[1] ^ 1, q[2])))
    attempt(lambda q: proof((6, q[1], q[2])), BAD)


@conversation('RFC 7143 6.1, 9.2, 12.1.3', 'CHAP_R that is empty, odd, no digits, too short, too long, giant, base64 without its end', seconds=40)
def bad_response(t):
    number = iter(range(1, 200))
    for value in ('', '0x', '0b', '0x1', '0x' + 'a' * 29, '0x' + 'a' * 33, '0x' + 'a' * 30, '0x' + 'a' * 34, '0x' + 'g' * 32, 'a' * 32,
                  '0x' + '0' * 8000, '0b' + 'A' * 8000, '0bAAAAAAAAAAAAAAAAAAAAAA=', '0bAAAAAAAAAAAAAAAAAAAAAB==', '0bAAAA====',
                  '0x' + ' ' * 32, '-1', '1'):
        s = begin(t, address='127.0.7.%d' % next(number))
        ask(s, '5')
        refused(s, {'CHAP_N': 'one', 'CHAP_R': value}, BAD)


@conversation('RFC 7143 6.1, 12.1.3', 'an odd number of hexadecimal digits is a value with a zero in front', seconds=40)
def odd_digits(t):
    for _ in range(400):
        s = begin(t)
        question = ask(s, '5')
        answer = hexed(response(5, question[1], SECRET, question[2]))
        if answer[2] == '0' and answer[3] != '0':
            break
        s.close()
    else:
        raise Wrong('400 responses without a zero in front')
    say(s, {'CHAP_N': 'one', 'CHAP_R': '0x' + answer[3:], 'CHAP_I': '0x7', 'CHAP_C': '0X123'}, transit=True)
    equal(unbinary(s.answers['CHAP_R']), response(5, 7, MUTUAL, b'\x01\x23'), 'the answer to 0X123')
    finish(s)


@conversation('RFC 7143 9.2, 12.1.3', 'CHAP_C and CHAP_I of ours that are empty, odd, oversized, alone: no answer is computed', seconds=40)
def bad_challenge(t):
    number = iter(range(1, 200))
    for more in ({'CHAP_C': '0x01'}, {'CHAP_I': '1'}, {'CHAP_I': '256', 'CHAP_C': '0x01'}, {'CHAP_I': '-1', 'CHAP_C': '0x01'},
                 {'CHAP_I': '', 'CHAP_C': '0x01'}, {'CHAP_I': '1', 'CHAP_C': ''}, {'CHAP_I': '1', 'CHAP_C': '0x'},
                 {'CHAP_I': '1', 'CHAP_C': '0b'}, {'CHAP_I': '1', 'CHAP_C': '0x' + 'a' * 2049}, {'CHAP_I': '1', 'CHAP_C': '0x' + '5a' * 1025},
                 {'CHAP_I': '1', 'CHAP_C': '0b' + 'AAAA' * 342}, {'CHAP_I': '1', 'CHAP_C': '0bAAA'}, {'CHAP_I': '1', 'CHAP_C': 'zz'},
                 {'CHAP_A': '5'}):
        s = begin(t, address='127.0.6.%d' % next(number))
        refused(s, {**proof(ask(s, '5')), **more}, MISSING if len(more) == 1 and 'CHAP_A' not in more else BAD)
    s = begin(t)
    question = ask(s, '5')
    say(s, {**proof(question), 'CHAP_I': '0', 'CHAP_C': '0x' + '5a' * 1024}, transit=True)
    equal(unbinary(s.answers['CHAP_R']), response(5, 0, MUTUAL, b'Z' * 1024), 'the answer to the longest challenge')


@conversation('RFC 7143 9.2.1', 'our own challenge reflected, and a mutual authentication where there is no secret for it')
def reflected(t):
    for form in (hexed, based):
        for more in (0, 1):
            s = begin(t, address='127.0.5.%d' % (1 + more + 2 * (form is based)))
            question = ask(s, '5')
            refused(s, {**proof(question), 'CHAP_I': str((question[1] + more) & 255), 'CHAP_C': form(question[2])})
    s = begin(t)
    refused(s, {**proof(ask(s), 'plain', OTHER), 'CHAP_I': '1', 'CHAP_C': '0x0102'})


@conversation('RFC 7143 9.2', "the target answers nobody's question who has not answered its own")
def not_an_oracle(t):
    first = begin(t, address='127.0.3.1')
    ask(first, '5')
    refused(first, {'CHAP_N': 'one', 'CHAP_I': '1', 'CHAP_C': '0x0102'}, MISSING)
    first = begin(t)
    question = ask(first, '5')
    other = begin(t)
    ask(other, '5')
    refused(other, {'CHAP_N': 'one', 'CHAP_R': hexed(bytes(16)), 'CHAP_I': str(question[1]), 'CHAP_C': hexed(question[2])})


@conversation('RFC 7143 9.2.1, 12.1.3', "our challenge of one connection asked back on another by a user: our answer to it is no response to it")
def reflected_across(t):
    first = begin(t)
    question = ask(first, '5')
    other = begin(t)
    say(other, {**proof(ask(other, '5')), 'CHAP_I': str(question[1]), 'CHAP_C': hexed(question[2])}, transit=True)
    check(other.answers['CHAP_R'] != hexed(response(5, question[1], SECRET, question[2])), 'it is the secret of the user')
    refused(first, {'CHAP_N': 'one', 'CHAP_R': other.answers['CHAP_R']})


@conversation('RFC 7143 9.2, 12.1.3', 'a response seen before, and the steps in another order', seconds=40)
def replayed(t):
    s = begin(t)
    seen = proof(ask(s, '5'))
    say(s, seen, transit=True)
    finish(s)
    s = begin(t)
    ask(s, '5')
    refused(s, seen)
    refused(begin(t, address='127.0.4.1'), seen, MISSING)
    refused(begin(t, address='127.0.4.2'), {'CHAP_A': '5', **seen}, BAD)
    s = begin(t, address='127.0.4.3')
    ask(s, '5')
    refused(s, {'CHAP_A': '5'}, MISSING)    # no second challenge to choose from
    s = begin(t, address='127.0.4.4')
    say(s, proof(ask(s, '5')))
    refused(s, {'CHAP_N': 'plain', 'CHAP_R': '0x00'}, BAD)
    s = begin(t, address='127.0.4.5')
    ask(s)
    s.login_request(text({'CHAP_N': 'one'}) * 2, 0, 1)
    try:
        s.login_response(12)
        raise Wrong('a key twice')
    except Refused as e:
        equal(e.status, BAD, 'the status')


@conversation('RFC 7143 9.2.1', 'challenges do not come again, and identifiers are not counted', seconds=40)
def unpredictable(t):
    questions = []
    for _ in range(24):
        s = begin(t)
        questions.append(ask(s))
        s.close()
    equal(len({q[2] for q in questions}), len(questions), 'the number of different challenges')
    steps = {(b[1] - a[1]) & 255 for a, b in zip(questions, questions[1:])}
    check(len(steps) > 4, 'the identifiers are counted: %s', [q[1] for q in questions])


@conversation('RFC 7143 4.3, 12.1', 'a discovery session has to prove who it is, too; with the users of discovery')
def discovery(t):
    s = t.connect(source=source(t))
    try:
        s.log_in(target=False)
        raise Wrong('discovery without authentication')
    except Refused as e:
        equal(e.status, FAILED, 'the status')
    s = t.connect(source=source(t))
    refused(s, {**s.names(False), 'AuthMethod': 'None'}, answer=[('AuthMethod', 'Reject')])
    s = begin(t, False)
    refused(s, proof(ask(s), 'one', SECRET))
    s = begin(t, False)
    say(s, proof(ask(s), 'finder', 'what the finder knows'), transit=True)
    s.enter(s.advance({}, 1, 3))
    s.send('text', itt=s.new_itt(), data=text({'SendTargets': 'All'}))
    check(GUARDED.encode() in s.expect('text_response').data, 'the guarded target is not named')
    s = begin(t)
    refused(s, proof(ask(s), 'finder', 'what the finder knows'))


@conversation('RFC 7143 9.2.1', 'failures are told with who, as whom and why, escaped; secrets never are', alone=True)
def logged(t):
    s = begin(t)
    refused(s, proof(ask(s), 'm\N{LATIN SMALL LETTER E WITH ACUTE}\N{RIGHT-TO-LEFT OVERRIDE}\\n', SECRET))
    said = ("authentication from %s:%d failed: %s at %s, user 'm\u00e9\\xe2\\x80\\xae\\x5cn': CHAP failed: no such user for this initiator"
            % (source(t), s.local_port, s.name, GUARDED))
    log = t.daemon.says(said)
    for secret in (SECRET, MUTUAL, OTHER, BINARY, "somebody else's", 'what the finder knows'):
        check(secret not in log, 'a secret is in the log')


@conversation('guessing', 'who fails waits longer and longer; others, and whoever succeeds, do not', seconds=60, alone=True)
def slowed(t):
    waits = []
    for _ in range(6):
        s = begin(t, address='127.0.3.1')
        keys = proof(ask(s), 'one', OTHER)
        start = time.monotonic()
        refused(s, keys)
        waits.append(time.monotonic() - start)
    check(waits[5] > 2.5 and waits[5] > 3 * waits[1] and waits[0] < 1, 'the answers take %s', ['%.2f' % w for w in waits])
    waiting = begin(t, address='127.0.3.1')
    waiting.login_request(proof(ask(waiting), 'one', OTHER), 0, 1, True)
    start = time.monotonic()
    for address in ('127.0.3.1', '127.0.3.2'):
        s = begin(t, address=address)
        say(s, proof(ask(s)), transit=True)
        finish(s)
    check(time.monotonic() - start < 1, 'others wait for him: %.2f s', time.monotonic() - start)
    s = begin(t, address='127.0.3.2')
    start = time.monotonic()
    refused(s, proof(ask(s), 'one', OTHER))
    check(time.monotonic() - start < 1, 'the first failure of another address takes %.2f s', time.monotonic() - start)
    waiting.silent(0.1)


@conversation('guessing', 'an address has only so many answers that wait, and they are nobody else\'s places', seconds=60, alone=True)
def crowd(t):
    def fail():
        s = begin(t, address='127.0.2.1')
        s.login_request(proof(ask(s), 'one', OTHER), 0, 1, True)
        return s
    crowd = []
    try:
        for _ in range(40):
            crowd.append(fail())
    except (Gone, OSError):
        pass
    check(8 <= len(crowd) <= 30, '%d guesses at one time', len(crowd))
    start = time.monotonic()
    s = begin(t)                    # max-logins is 16: the crowd does not fill it
    say(s, proof(ask(s)), transit=True)
    finish(s)
    check(time.monotonic() - start < 1, 'another address waits')
    for s in crowd:
        s.close()
    t.daemon.says('from 127.0.2.1:', 2 * len(crowd))
    s = begin(t, address='127.0.2.1')
    say(s, proof(ask(s)), transit=True)
    finish(s)
