# SPDX-License-Identifier: MIT
"""Status-Class and Status-Detail of Login Responses, RFC 7143 11.13.5: what the configuration makes of a target."""

from talk import *  # noqa: F403

IQN = 'iqn.2026-11.org.sptgt:'
FILES = {'one.secret': 'one "a secret of sixteen" from iqn.2026-11.org.sptgt:the-one\n'}
CONFIG = config(target('few', 'max-sessions = 1', initiators='*'), target('gone', 'state = removed', luns=''),
                target('off', 'state = offline', initiators='*'),
                target('guarded', 'auth = chap\nchap-file = {dir}/one.secret', initiators='*'),
                target('elsewhere', 'redirect = 192.0.2.9, [2001:db8::9]:3261, storage.example.org:860\nauth = chap\nchap-file = {dir}/one.secret', luns=''),
                target('moved', 'redirect = 192.0.2.10:3260\nredirect-permanent = yes', luns='', initiators='*'),
                portals=('main', 'wild\nlisten = [::]:0\ntag = 2', 'nat\nadvertise = 192.0.2.1, [2001:db8::1]:3261\ntag = 3', 'twin\ntag = 3'),
                portal='main, nat, wild, twin')


def refusal(t, target, csg=1, name=None, keys=None):
    s = t.connect()
    s.name = name or s.name
    s.login_request({**s.names(IQN + target), **(keys or {})}, csg, 3 if csg else 1)
    try:
        s.login_response()
    except Refused as e:
        s.gone(allowed=())
        equal(e.pdu.flags, 0, 'T, C, CSG and NSG of a refusal (6.3.1)')
        return e
    raise Wrong('%s lets us in' % target)


@conversation('RFC 7143 11.13.5, 13.8', '0101h: moved for now, to each place in turn, before anything has to be proven; no tag in the address')
def moved_temporarily(t):
    places = []
    for csg in (0, 1, 0):
        e = refusal(t, 'elsewhere', csg)
        equal(e.status, 0x0101, 'the status')
        (key, value), = pairs(e.pdu.data)
        equal(key, 'TargetAddress', 'the key of a redirection')
        places.append(value)
    equal(sorted(places), sorted(['192.0.2.9:3260', '[2001:db8::9]:3261', 'storage.example.org:860']), 'the places')


@conversation('RFC 7143 6.3.1, 11, 11.13.5', '0102h: moved for good; CSG and NSG are reserved in a refusal')
def moved_permanently(t):
    e = refusal(t, 'moved')
    equal(e.status, 0x0102, 'the status')
    equal(pairs(e.pdu.data), [('TargetAddress', '192.0.2.10:3260')], 'the text')


@conversation('RFC 7143 11.13.5', 'who may not log in is not told where the target is')
def moved_for_friends_only(t):
    equal(refusal(t, 'elsewhere', name='iqn.2026-11.com.example:stranger').status, 0x0202, 'the status')
    equal(refusal(t, 'gone', name='iqn.2026-11.com.example:stranger').status, 0x0202, 'the status')


@conversation('RFC 7143 11.13.5', '0204h: removed for good; 0301h: not now')
def gone_and_off(t):
    equal(refusal(t, 'gone').status, 0x0204, 'the status of a removed target')
    equal(refusal(t, 'off').status, 0x0301, 'the status of a target that is offline')


@conversation('RFC 7143 11.13.5', '0302h: all sessions that the target may have are there', alone=True)
def full(t):
    s = t.log_in(target=IQN + 'few')
    other = t.connect()
    other.isid = b'\x80\x12\x34\x56\x00\x02'
    try:
        other.log_in(target=IQN + 'few')
        raise Wrong('a second session')
    except Refused as e:
        equal(e.status, 0x0302, 'the status')
    s.log_out()

    def again():
        try:
            third = t.connect()
            third.isid = b'\x80\x12\x34\x56\x00\x03'
            third.log_in(target=IQN + 'few')
            return True
        except Refused as e:
            equal(e.status, 0x0302, 'the status')
            return False
    t.until(again, 'the place is not free again')


def send_targets(t, portal=None, name=None, address=None):
    s = t.connect(portal, address)
    s.name = name or s.name
    s.log_in(target=False)
    s.send('text', itt=s.new_itt(), data=text({'SendTargets': 'All'}))
    found = {}
    for key, value in pairs(s.expect('text_response').data):
        if key == 'TargetName':
            addresses = found[value] = []
        elif key == 'TargetAddress':
            addresses.append(value)
    return found


@conversation('RFC 7143 C, 13.8', 'what discovery names: targets that are of use to this initiator, and where they are to be asked for')
def seen(t):
    found = send_targets(t)
    for target in ('talk', 'few', 'off', 'elsewhere', 'moved'):
        if target == 'elsewhere':       # nobody who could prove himself comes from here
            check(IQN + target not in found, '%s is named', target)
        else:
            check(IQN + target in found, '%s is not named', target)
    for target in ('gone', 'guarded'):
        check(IQN + target not in found, '%s is named', target)
    found = send_targets(t, name=IQN + 'the-one')
    check(IQN + 'guarded' in found and IQN + 'elsewhere' in found, 'the one who can prove himself sees %s', list(found))


@conversation('RFC 7143 13.8, 4.4.1', 'addresses: what is advertised instead of what is listened on, wildcards as they were reached, tags of the groups')
def addresses(t):
    main, wild, twin = (t.ports[p] for p in ('main', 'wild', 'twin'))
    fixed = ['127.0.0.1:%d,1' % main, '127.0.0.1:%d,3' % twin, '192.0.2.1:3260,3', '[2001:db8::1]:3261,3']
    equal(sorted(send_targets(t)[t.target]), sorted(fixed + ['127.0.0.1:%d,2' % wild]), 'the addresses by IPv4')
    equal(sorted(send_targets(t, 'wild')[t.target]), sorted(fixed + ['127.0.0.1:%d,2' % wild]),
          'the addresses by IPv4 at a socket of both')
    equal(sorted(send_targets(t, address=('::1', wild))[t.target]), sorted(fixed + ['[::1]:%d,2' % wild]), 'the addresses by IPv6')
    for portal, tag in (('main', '1'), ('wild', '2'), ('nat', '3'), ('twin', '3')):
        s = t.log_in(portal=portal)
        equal(s.answers['TargetPortalGroupTag'], tag, 'TargetPortalGroupTag of portal ' + portal)


@conversation('RFC 7143 6.3.5, 4.4.3', 'two portals of one group are one SCSI port: the same initiator port takes its session along', alone=True)
def one_group(t):
    first = t.log_in(portal='nat')
    other = t.log_in(portal='main')       # another group, another nexus
    second = t.log_in(portal='twin')
    first.gone()
    second.ping()
    other.ping()
