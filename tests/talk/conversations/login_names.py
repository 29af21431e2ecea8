# SPDX-License-Identifier: MIT
"""Who may log in to what: names, access, several targets, TSIH, RFC 7143 4.2.7, 6.3 and 11.13.5."""

from talk import *  # noqa: F403

CONFIG = config(target('private', portal='main, other', initiators='iqn.2026-11.org.sptgt:the-one, eui.02004567a425678d, naa.52004567ba64678d'),
                '[target-closed]\nname = iqn.2026-11.org.sptgt:closed\nportal = other\nlun.0 = disk\n',
                daemon='max-logins = 32', portals=('main', 'other\nlisten = 127.0.0.1:0, [::1]:0\ntag = 2'), size='16M',
                talk='alias = a disk to talk to')
PRIVATE = 'iqn.2026-11.org.sptgt:private'
CLOSED = 'iqn.2026-11.org.sptgt:closed'


def status_of(t, keys, portal=None, **fields):
    """The status of a login with exactly these keys; None when the connection just ends."""
    s = t.connect(portal)
    s.login_request(keys, **fields)
    try:
        s.login_response()
    except Refused as e:
        s.gone(allowed=())
        return e.status
    except Gone:
        return None
    return 0


def keys_of(name, target, **more):
    return {'InitiatorName': name, 'SessionType': 'Normal', 'TargetName': target, **more}


@conversation('RFC 7143 6.3, 11.13.5, 13.4, 13.5', 'without InitiatorName, or without TargetName in a normal session: 0207h')
def missing_names(t):
    equal(status_of(t, {'SessionType': 'Normal', 'TargetName': t.target}), 0x0207,
          'the status without InitiatorName')
    equal(status_of(t, {'InitiatorName': t.name, 'SessionType': 'Normal'}), 0x0207,
          'the status without TargetName')
    equal(status_of(t, {}), 0x0207, 'the status without any key')
    equal(status_of(t, {'InitiatorName': t.name, 'TargetName': t.target}), 0,
          'the status without SessionType (13.21: Normal)')


@conversation('RFC 7143 11.13.5, 13.21', 'a target that there is not: 0203h; a session type that there is not: 0209h')
def unknown_target(t):
    equal(status_of(t, keys_of(t.name, 'iqn.2026-11.org.sptgt:nowhere')), 0x0203, 'the status')
    equal(status_of(t, keys_of(t.name, t.target + 'x')), 0x0203, 'the status')
    equal(status_of(t, keys_of(t.name, t.target, SessionType='Strange')), 0x0209, 'the status')


@conversation('RFC 7143 11.13.5',
              'an initiator that nobody named: 0202h')
def access_denied(t):
    for name in ('iqn.2026-11.org.sptgt:the-other', 'iqn.2026-11.org.sptgt:the-one1',
                 'iqn.2026-11.org.sptgt:the-on',
                 'eui.02004567a425678e'):
        equal(status_of(t, keys_of(name, PRIVATE)), 0x0202, 'the status for ' + name)
    equal(status_of(t, keys_of('iqn.2026-11.com.example:stranger', t.target)), 0x0202,
          'the status outside of the pattern')
    for name in ('iqn.2026-11.org.sptgt:the-one', 'eui.02004567A425678D', 'naa.52004567BA64678D',
                 'IQN.2026-11.ORG.SPTGT:THE-ONE'):
        equal(status_of(t, keys_of(name, PRIVATE)), 0, 'the status for ' + name)


@conversation('deny by default', 'a target that names nobody lets nobody in')
def denied_by_default(t):
    equal(status_of(t, keys_of('iqn.2026-11.org.sptgt:the-one', CLOSED), 'other'), 0x0202, 'the status')


@conversation('RFC 7143 4.2.7.1, 4.2.7.2, 4.2.7.3, 4.2.7.4, 4.2.7.5, 4.2.7.6',
              'names that are none: too long, empty, of no form, with bytes that do not belong there')
def bad_names(t):
    for name in ('', 'x', 'iqn.', 'iqn.2026-11', 'eui.123', 'naa.zzzz', 'iqn.2026-11.org.sptgt:' + 'a' * 230,
                 'a' * 255,
                 'iqn.2026-11.org.sptgt:a b', 'iqn.2026-11.org.sptgt:%n%n%n', 'iqn.2026-11.org.sptgt:../../etc',
                 'iqn.2026-11.org.sptgt:a/b', '\u202eiqn.2026-11.org.sptgt:a', 'iqn.2026-11.org.sptgt:\u3000'):
        equal(status_of(t, keys_of(name, PRIVATE)), 0x0200, 'the status for %r' % name)
    for name in ('', 'x', 'iqn.2026-11.org.sptgt:' + 'a' * 230, '*', 'iqn.2026-11.org.sptgt:*',
                 'iqn.2026-11.org.sptgt:t?lk', '%s%n'):
        equal(status_of(t, keys_of(t.name, name)), 0x0203, 'the status for target %r' % name)
    for name in ('iqn.2026-11.org.sptgt:\u00fc', 'iqn.2026-11.org.sptgt:' + 'a' * 201):      # names, of 24 and of 223 bytes
        equal(status_of(t, keys_of(name, t.target)), 0, 'the status for %r' % name)


@conversation('RFC 7143 4.2.7.2', 'names are compared without regard to case')
def case_of_names(t):
    s = t.connect()
    s.log_in(target=t.target.upper().replace('IQN', 'iqn'))
    s.settle()


@conversation('RFC 7143 6.3.1, 13.6, 13.9', 'alias and portal group tag are those of the target and of the portal')
def declarations(t):
    s = t.log_in()
    equal(s.answers.get('TargetAlias'), 'a disk to talk to', 'TargetAlias')
    equal(s.answers.get('TargetPortalGroupTag'), '1', 'TargetPortalGroupTag')
    s = t.connect('other')
    s.name = 'iqn.2026-11.org.sptgt:the-one'
    s.isid = b'\x80\x00\x00\x00\x00\x77'
    s.log_in(target=PRIVATE)
    equal(s.answers.get('TargetPortalGroupTag'), '2', 'TargetPortalGroupTag of the other portal')
    for portal, tag in (('main', '1'), ('other', '2')):     # "for all session types" (6.3.1)
        s = t.connect(portal)
        s.login_request(s.names(False), 0, transit=False)
        s.login_response()
        equal(s.answers, {'TargetPortalGroupTag': tag}, 'the first answer in a discovery session')


@conversation('RFC 7143 4.4.1', 'a target is reached only through its portals')
def portal_of_target(t):
    equal(status_of(t, keys_of(t.name, t.target), 'other'), 0x0203, 'the status through a portal that is not its own')


@conversation('RFC 7143 4.4.1', 'a portal on IPv6')
def ipv6(t):
    port = t.daemon.ports['other'][-1]
    s = t.connect(address=('::1', port))
    s.name = 'iqn.2026-11.org.sptgt:the-one'
    s.isid = b'\x80\x00\x00\x00\x00\x78'
    s.log_in(target=PRIVATE).settle()


@conversation('RFC 7143 6.3.1, 11.13.5', 'a TSIH that there is not: 020Ah')
def unknown_tsih(t):
    for tsih in (1, 0x1234, 0xffff):
        equal(status_of(t, keys_of(t.name, t.target), tsih=tsih), 0x020a, 'the status for TSIH %04x' % tsih)
    s = t.log_in()
    other = t.connect()
    other.name = t.name + '-other'
    other.login_request(other.names(), tsih=s.tsih)          # somebody else's session
    try:
        other.login_response()
        raise Wrong("another initiator joins a session that is not its own")
    except Refused as e:
        equal(e.status, 0x020a, 'the status')
    s.ping()


@conversation('RFC 7143 13.2', 'a second connection where MaxConnections is 1: 0206h, and the session stays')
def second_connection(t):
    s = t.log_in()
    other = t.connect()
    other.login_request(other.names(), tsih=s.tsih, cid=1)
    try:
        other.login_response()
        raise Wrong('a second connection joins a session with MaxConnections=1')
    except Refused as e:
        equal(e.status, 0x0206, 'the status')
    s.ping()


@conversation('RFC 7143 4.4.3', 'sessions of different ISIDs of one initiator live side by side')
def parallel_sessions(t):
    sessions = []
    for n in range(8):
        s = t.connect()
        s.isid = bytes([0x80, 0, 0, 0, 0, n])
        sessions.append(s.log_in().settle())
    equal(len({s.tsih for s in sessions}), 8, 'the number of TSIHs')
    for s in sessions:
        s.ping()


@conversation('bounded logins',
              'half-open logins over the limit do not keep anybody out for longer than they last', alone=True)
def half_open_logins(t):
    witness = t.log_in().settle()
    for _ in range(200):
        try:
            t.connect()
        except OSError:
            pass
    witness.ping()
    witness.good(INQUIRY(36), read=36)
    for connection in t.connections[1:]:
        connection.close()

    def login_works():
        s = t.connect()
        try:
            s.log_in().settle()
        except Gone:
            return False
        finally:
            s.close()
        return True
    t.until(login_works, 'no login is possible though the half-open ones are gone')
