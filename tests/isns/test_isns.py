#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The iSNS client (RFC 4171) against a server that we can make do anything: what is registered, what is kept alive, what
happens when the server forgets, refuses, hangs, lies or goes away.

  test_isns.py SPTGTD
"""

import os
import re
import signal
import socket
import struct
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib'), os.path.join(HERE, '..', 'talk')]

import fake  # noqa: E402
import talk  # noqa: E402
from sptgt_daemon import Daemon  # noqa: E402

SPTGTD = None
A, B, C = 'iqn.2026-11.org.sptgt:talk', 'iqn.2026-11.org.sptgt:b', 'iqn.2026-11.org.sptgt:c'
CONFIG = """[daemon]
workers = 1
control-socket = none
state-dir = {dir}
isns = SERVERS
isns-period = PERIOD
isns-entity = Unit.Example.ORG
[portal-main]
listen = 127.0.0.1:0
[portal-other]
listen = 127.0.0.1:0
tag = 7
[portal-nat]
listen = 127.0.0.1:0
advertise = 192.0.2.5:3260, [2001:db8::5]:3261
tag = 8
[device-disk]
backend = mem
size = 1M
[target-a]
name = iqn.2026-11.org.sptgt:talk
alias = The first
portal = main, other
lun.0 = disk
initiators = *
[target-b]
name = iqn.2026-11.org.sptgt:b
portal = nat
lun.0 = disk
initiators = iqn.x:*
"""


def mapped(address):
    return b'\0' * 10 + b'\xff\xff' + socket.inet_aton(address)


def until(condition, what, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


class Case(unittest.TestCase):
    def begin(self, servers=1, period='10min', more=''):
        self.servers = [fake.Server() for _ in range(servers)]
        self.server = self.servers[0]
        self.start(period, more)

    def start(self, period='10min', more=''):
        addresses = ', '.join('127.0.0.1:%d' % s.port for s in self.servers)
        self.daemon = Daemon(SPTGTD, CONFIG.replace('SERVERS', addresses).replace('PERIOD', period) + more,
                             log_level='debug')

    def setUp(self):
        self.servers, self.daemon = [], None

    def tearDown(self):
        for server in self.servers:
            server.hook = None
        wrong = self.daemon.stop(10) if self.daemon else []
        for server in self.servers:
            server.stop()
            wrong += server.wrong
        self.assertEqual(wrong, [])

    def serves(self):
        t = talk.Talk(('127.0.0.1', self.daemon.port()), A, 0, 20, self.daemon)
        try:
            t.log_in().settle()
        finally:
            t.close()

    def registered(self, times=1):
        self.daemon.says('registered as unit.example.org', times)
        until(lambda: len(self.server.scn) == 2 and not self.server.busy, 'SCN registrations: %s' % self.server.scn)


class Registering(Case):
    def test_what_is_registered(self):
        """RFC 4171 5.1.6, 5.6.4, 5.6.5.1, 5.6.5.5, 6.2.1, 6.3.2, 6.3.4, 6.3.5, 6.3.7, 6.4.2, 6.4.4: entity, portals, nodes, and a PG object for each pair; null where a node is not reached"""
        self.begin()
        self.registered()
        eid, content = self.server.entity()
        self.assertEqual(eid, 'unit.example.org')
        self.assertEqual(fake.number(dict(content)[2]), 2)
        self.assertEqual(fake.number(dict(content)[fake.PERIOD]), 600)
        main, other = self.daemon.port('main'), self.daemon.port('other')
        ports = [fake.number(v) for tag, v in content if tag == fake.PORT]
        addresses = [v for tag, v in content if tag == fake.ADDRESS]
        self.assertEqual(sorted(zip(addresses, ports)), sorted([
            (mapped('127.0.0.1'), main), (mapped('127.0.0.1'), other), (mapped('192.0.2.5'), 3260),
            (socket.inet_pton(socket.AF_INET6, '2001:db8::5'), 3261)]))
        # inquiries come to our own addresses, not to those of the router
        self.assertEqual([tag for tag, _ in content].count(fake.ESI_PORT), 2)
        nodes = {}
        for tag, value in content:
            if tag == fake.NAME:
                node = nodes[fake.string(value)] = {'groups': {}}
            elif tag == fake.PG_TAG:
                group = fake.number(value) if value else None
            elif tag == fake.PG_PORT:
                node['groups'][fake.number(value)] = group
            elif tag >= fake.NAME and tag != fake.PG_ADDRESS:
                node[tag] = value
        self.assertEqual(nodes[A]['groups'], {main: 1, other: 7, 3260: None, 3261: None})
        self.assertEqual(nodes[B]['groups'], {main: None, other: None, 3260: 8, 3261: 8})
        self.assertEqual(fake.string(nodes[A][fake.ALIAS]), 'The first')
        self.assertEqual(fake.number(nodes[A][fake.NODE_TYPE]), 1)
        self.assertEqual(fake.string(nodes[A][fake.AUTH]), 'None')
        first = self.server.next(fake.REGISTER)
        self.assertTrue(first.flags & fake.REPLACE, 'what an earlier life left is replaced')
        self.assertEqual(set(self.server.scn), {A, B})
        self.assertEqual(self.server.scn[A], 0x9c, '6.4.4: initiators and self; removed, added, updated')

    def test_many_targets_take_several_messages(self):
        """RFC 4171 5.1.3"""
        self.begin(more=''.join('[target-n%d]\nname = iqn.2026-11.org.sptgt:%s-%d\nportal = main\nlun.0 = disk\n'
                                'initiators = *\n' % (i, 'x' * 190, i) for i in range(120)))
        self.daemon.says('registered as')
        names = [fake.string(v) for tag, v in self.server.entity()[1] if tag == fake.NAME]
        self.assertEqual(len(set(names)), 122)
        messages = []
        while not self.server.messages.empty():
            messages.append(self.server.messages.get())
        registrations = [m for m in messages if m.function == fake.REGISTER]
        self.assertGreater(len(registrations), 1)
        self.assertEqual([bool(m.flags & fake.REPLACE) for m in registrations], [True] + [False] * (len(registrations) - 1))

    def test_deregistered_at_the_end(self):
        """RFC 4171 5.6.5.4"""
        self.begin()
        self.registered()
        started = time.monotonic()
        self.assertEqual(self.daemon.stop(10), [])
        self.daemon = None
        self.assertEqual(self.server.entities, {})
        self.assertLess(time.monotonic() - started, 8)

    def test_the_end_does_not_wait_long(self):
        """A server that does not answer the deregistration, or is not there."""
        self.begin()
        self.registered()
        self.server.hook = lambda s, m: b'' if m.function == fake.DEREGISTER else None
        started = time.monotonic()
        self.assertEqual(self.daemon.stop(10), [])
        self.assertLess(time.monotonic() - started, 6)
        self.server.stop()
        self.start()
        started = time.monotonic()
        self.assertEqual(self.daemon.stop(10), [])
        self.daemon = None
        self.assertLess(time.monotonic() - started, 6)

    def test_features_that_are_missing(self):
        """RFC 4171 5.6.5.1, 6.2.6, 6.3.4: status 23 and status 21 leave the feature out"""
        server = self.server = fake.Server()
        self.servers = [server]

        def hook(s, m):
            if m.function == fake.REGISTER and any(tag == fake.PG_TAG for tag, _ in m.list):
                return s.answer(m, 23)
            if m.function == fake.REGISTER and any(tag == fake.ESI_PORT for tag, _ in m.list):
                return s.answer(m, 21)
            return None
        server.hook = hook
        self.start()
        self.daemon.says('registered as')
        tags = {tag for tag, _ in server.entity()[1]}
        self.assertFalse(tags & {fake.PG_TAG, fake.ESI_PORT, fake.SCN_PORT})
        self.assertEqual(fake.number(dict(server.entity()[1])[fake.PERIOD]), 600, '6.2.6: without ESI there is a period')


class Reloaded(Case):
    def reload(self, config):
        addresses = ', '.join('127.0.0.1:%d' % s.port for s in self.servers)
        path = self.daemon.dir + '/sptgt.conf'
        with open(path + '.new', 'w') as f:
            f.write(config.replace('SERVERS', addresses).replace('PERIOD', '10min').replace('{dir}', self.daemon.dir))
        os.chmod(path + '.new', 0o600)
        os.rename(path + '.new', path)
        before = self.daemon.log().count('is in use: portals')
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.says('is in use: portals', before + 1)

    def names(self, server=None):
        return sorted(fake.string(v) for content in (server or self.server).entities.values() for tag, v in content
                      if tag == fake.NAME)

    def test_targets_come_and_go(self):
        """What is exported now is registered, whatever was; a notification for what is the same would be one too many"""
        self.begin()
        self.registered()
        third = CONFIG + CONFIG[CONFIG.index('[target-b]'):].replace('-b]', '-c]').replace('sptgt:b', 'sptgt:c')
        self.reload(third)
        until(lambda: self.names() == [B, C, A], 'the new target is not registered')
        self.daemon.says('registered as', 2)
        while not self.server.messages.empty():
            self.server.messages.get()
        self.reload('# nothing of it concerns the server\n' + third.replace('lun.0 = disk', 'lun.0 = disk read-only'))
        self.serves()
        time.sleep(0.5)
        self.assertEqual([m.function for m in iter_queue(self.server.messages) if m.function != fake.QUERY], [])
        self.reload(CONFIG.replace('alias = The first', 'alias = Another'))
        until(lambda: self.names() == [B, A], 'a target that is gone is still registered')
        until(lambda: (fake.ALIAS, b'Another\0') in self.server.entity()[1], 'the alias is the old one')
        self.assertEqual(len(self.server.entities), 1)

    def test_servers_come_and_go(self):
        self.begin(servers=2)
        self.registered()
        first, second = self.servers
        self.servers = [second]
        self.reload(CONFIG)
        until(lambda: self.names(second) == [B, A] and not first.entities, 'not registered with the other server alone')
        self.reload(CONFIG.replace('isns = SERVERS\n', ''))
        until(lambda: not second.entities, 'still registered')
        self.reload(CONFIG)
        until(lambda: self.names(second) == [B, A], 'not registered again')
        self.servers = [first, second]


class KeptAlive(Case):
    def test_refreshed_within_the_period(self):
        """RFC 4171 6.2.6: a message at intervals shorter than what the server grants"""
        self.servers = [fake.Server(period=3)]
        self.server = self.servers[0]
        self.start()
        names = [fake.string(self.server.next(fake.QUERY, 6).list[0][1]) for _ in range(4)]
        self.assertEqual(names, [A, B, A, B], 'each node asks for itself: they may be in different domains (5.6.5.2)')
        self.serves()

    def test_forgotten(self):
        """RFC 4171 6.3.4: all connections are closed, and we register anew; whether the query finds nothing or is refused"""
        self.servers = [fake.Server(period=2)]
        self.server = self.servers[0]
        self.start()
        self.registered()
        for times, status in enumerate((0, 9), 1):
            asked = socket.create_connection(('127.0.0.1', self.server.inquiry_port()), 5)
            self.addCleanup(asked.close)
            asked.settimeout(10)
            accepted = self.server.accepted
            self.server.hook = lambda s, m: s.answer(m, 9) if status == 9 and m.function == fake.QUERY else None
            if not status:
                self.server.entities.clear()
            self.assertEqual(asked.recv(1), b'', "the server's connection")
            self.server.hook = None
            until(lambda: self.server.entities, 'a server that has forgotten us is not told again')
            self.daemon.says('our registration is gone', times)
            until(lambda: self.server.accepted == accepted + 1, 'on the old connection')
            self.registered(times + 1)

    def test_one_node_forgotten(self):
        self.servers = [fake.Server(period=2)]
        self.server = self.servers[0]
        self.start()
        self.registered()
        content = self.server.entity()[1]
        content[:] = [(tag, value) for tag, value in content if not value.startswith(B.encode())]
        until(lambda: any(value.startswith(B.encode()) for _, value in self.server.entity()[1]),
              'one of the nodes is not told again')

    def test_restarted(self):
        """A server that comes back empty is told again."""
        self.begin()
        self.registered()
        port = self.server.port
        self.server.stop()
        time.sleep(1.5)
        self.servers[0] = self.server = fake.Server(port)
        until(lambda: self.server.entities, 'a restarted server is not told again')

    def test_idle_connection_closed(self):
        """Not an outage: we are asked for, not registered, again."""
        self.begin()
        self.registered()
        while not self.server.messages.empty():
            self.server.messages.get()
        self.server.drop()
        self.server.next(fake.QUERY)
        self.assertNotIn('warning: iSNS', self.daemon.says('all targets are still registered'))

    def test_next_server(self):
        self.begin(servers=2)
        self.registered()
        self.server.stop()
        other = self.servers[1]
        until(lambda: other.entities, 'the second server is not told')

    def test_first_server_hangs(self):
        """Every exchange has a deadline, and nobody waits for it but iSNS."""
        self.servers = [fake.Server(), fake.Server()]
        self.server = self.servers[0]
        self.server.hook = lambda s, m: b''
        self.start()
        self.server.next(fake.REGISTER)
        self.serves()
        until(lambda: self.servers[1].entities, 'the second server is not told', 20)
        self.daemon.says('no answer')

    def test_away(self):
        """No server: said once, tried less and less often."""
        gone = fake.Server()
        gone.stop()
        self.servers = [gone]
        self.server = gone
        began = time.monotonic()
        self.start()
        log = self.daemon.says('Connection refused', 3)
        self.assertGreater(time.monotonic() - began, 3, 'tries at 0, 1 and 3 s')
        self.assertEqual(log.count('warning: iSNS'), 1)
        self.serves()


class Asked(Case):
    def ask(self, data):
        s = socket.create_connection(('127.0.0.1', self.server.inquiry_port()), 5)
        self.addCleanup(s.close)
        s.settimeout(5)
        s.sendall(data)
        return s

    def test_entity_status_inquiry(self):
        """RFC 4171 5.1.2, 5.1.4, 5.1.5, 5.4, 5.6.5.13, 6.3.5: a status, then the attributes as they came"""
        self.begin()
        self.registered()
        content = fake.tlv(4, struct.pack('>Q', 77)) + fake.tlv(fake.ENTITY, 'unit.example.org') + \
            fake.tlv(fake.ADDRESS, mapped('127.0.0.1')) + fake.tlv(fake.PORT, self.daemon.port())
        s = self.ask(fake.pdu(fake.ESI, content, transaction=99))
        answer = fake.read_message(s)
        self.assertEqual((answer.function, answer.transaction, answer.status()), (0x800d, 99, 0))
        self.assertTrue(answer.flags & fake.CLIENT)
        self.assertEqual(answer.payload[4:], content)
        s.sendall(fake.pdu(fake.ESI, fake.tlv(fake.ENTITY, 'somebody.else')))
        self.assertEqual(fake.read_message(s).status(), 9)
        # and on the connection that we have opened
        self.server.connections[0].sendall(fake.pdu(fake.ESI, content, transaction=98))
        answer = self.server.next(0x800d)
        self.assertEqual((answer.transaction, answer.status()), (98, 0))

    def test_state_change_notification(self):
        """RFC 4171 5.4, 5.6.5.8, 5.7.5.8, 6.3.7: answered; one that is about us makes us ask"""
        self.begin()
        self.registered()
        scn = fake.tlv(fake.NAME, A) + fake.tlv(4, bytes(8)) + fake.tlv(fake.BITMAP, 8) + fake.tlv(fake.NAME, 'iqn.x:host')
        s = self.ask(fake.pdu(fake.SCN, scn, transaction=5))
        answer = fake.read_message(s)
        self.assertEqual((answer.function, answer.status()), (0x8008, 0))
        self.assertEqual(fake.string(answer.list[0][1]), A)
        self.daemon.says('iqn.x:host is there')
        while not self.server.messages.empty():
            self.server.messages.get()
        self.server.entities.clear()
        mine = fake.tlv(fake.NAME, A) + fake.tlv(4, bytes(8)) + fake.tlv(fake.BITMAP, 16) + fake.tlv(fake.NAME, A)
        began = time.monotonic()
        s.sendall(b''.join(fake.pdu(fake.SCN, mine, transaction=n) for n in range(50)))
        for n in range(50):
            fake.read_message(s)
        self.server.next(fake.QUERY)
        until(lambda: self.server.entities, 'what was taken away is not registered again')
        time.sleep(1.5)
        queries = 1 + sum(m.function == fake.QUERY for m in iter_queue(self.server.messages))
        # a round, one query for each node, is begun a second after the last one at the earliest
        rounds = 1 + int(time.monotonic() - began)
        self.assertLessEqual(queries, 2 * rounds, 'fifty notifications are no fifty queries')

    def test_notified_while_asking(self):
        """RFC 4171 5.6.5.8: What is taken away while an answer is on its way is found out, too."""
        self.begin()
        self.registered()
        mine = fake.tlv(fake.NAME, A) + fake.tlv(4, bytes(8)) + fake.tlv(fake.BITMAP, 16) + fake.tlv(fake.NAME, B)
        told = []

        def hook(s, m):
            if m.function != fake.QUERY or told or fake.string(m.list[0][1]) != B:
                return None
            told.append(time.monotonic())
            answer = s.good(m)
            s.entities['unit.example.org'] = []
            return fake.pdu(fake.SCN, mine) + answer
        self.server.hook = hook
        self.assertEqual(fake.read_message(self.ask(fake.pdu(fake.SCN, mine))).status(), 0)
        until(lambda: told, 'no query')
        # the next round without a notification is minutes away
        until(lambda: self.server.entities['unit.example.org'], 'not registered again')

    def test_only_servers_may_ask(self):
        self.begin()
        self.registered()
        stranger = socket.socket()
        self.addCleanup(stranger.close)
        stranger.bind(('127.0.0.9', 0))
        stranger.settimeout(5)
        stranger.connect(('127.0.0.1', self.server.inquiry_port()))
        self.assertEqual(stranger.recv(1), b'')

    def test_no_more_than_a_few_connections(self):
        self.begin()
        self.registered()
        peers = [self.ask(b'') for _ in range(12)]
        closed = 0
        for p in peers:
            p.settimeout(0.5)
            try:
                closed += p.recv(1) == b''
            except socket.timeout:
                pass
        self.assertEqual(closed, 4)

    def test_hostile_inquiries(self):
        """RFC 4171 5.3"""
        self.begin()
        self.registered()
        good = fake.tlv(fake.ENTITY, 'unit.example.org')
        for data in (b'\xff' * 40, fake.pdu(fake.ESI, good, version=2), fake.pdu(fake.ESI, good + b'\0', length=25),
                     fake.pdu(fake.ESI, struct.pack('>II', 1, 0xffffffff)), fake.pdu(fake.ESI, struct.pack('>II', 1, 16)),
                     fake.pdu(fake.SCN, b''), fake.pdu(fake.SCN, fake.tlv(fake.NAME, 'iqn.not:ours')),
                     fake.pdu(fake.SCN, fake.tlv(fake.NAME, A) + fake.tlv(fake.BITMAP, b'12345678')),
                     fake.pdu(fake.SCN, fake.tlv(fake.NAME, A) + b'\0\0\0'), fake.pdu(fake.ESI, b'\0\0\0')):
            s = self.ask(data)
            self.assertEqual(s.recv(100), b'', 'the answer to %r' % data[:24])
        # what is well-formed and means nothing is answered so
        for function in (1, 2, 14, 0x7fff):
            self.assertEqual(fake.read_message(self.ask(fake.pdu(function, good))).status(), 15)
        # an answer to nothing is ignored, byte by byte is as good as at once
        s = self.ask(fake.pdu(0x8001, bytes(4)))
        for byte in fake.pdu(fake.ESI, good):
            s.sendall(bytes([byte]))
        self.assertEqual(fake.read_message(s).status(), 0)
        # who asks and never reads is closed at some point, and holds no more than a little
        s = self.ask(b'')
        s.settimeout(3)
        block = fake.pdu(fake.ESI, good + fake.tlv(18, bytes(60000))) * 8
        before = self.daemon.memory_kib()
        try:
            for _ in range(200):
                s.sendall(block)
        except OSError:
            pass
        self.assertLess(self.daemon.memory_kib() - before, 16384)
        self.serves()


class Named(Case):
    """Servers by name: looked up at each connection, by a thread of its own; each address of a name is tried."""

    def begin_by(self, *names):
        self.daemon = Daemon(SPTGTD, CONFIG.replace('SERVERS', ', '.join(names)).replace('PERIOD', '10min'), log_level='debug')

    def test_localhost(self):
        """/etc/hosts has ::1, where nobody listens, and 127.0.0.1; who has registered us may ask"""
        self.servers = [fake.Server()]
        self.server = self.servers[0]
        self.begin_by('localhost:%d' % self.server.port)
        self.registered()
        self.daemon.says('iSNS server localhost:%d: registered' % self.server.port)
        s = socket.create_connection(('127.0.0.1', self.server.inquiry_port()), 5)
        self.addCleanup(s.close)
        s.sendall(fake.pdu(fake.ESI, fake.tlv(fake.ENTITY, 'unit.example.org')))
        s.settimeout(5)
        self.assertEqual(fake.read_message(s).status(), 0)

    def test_no_such_name(self):
        self.servers = [fake.Server()]
        self.server = self.servers[0]
        self.begin_by('no-such-host.invalid', 'localhost:%d' % self.server.port)
        self.serves()
        self.registered()
        self.daemon.says(re.compile(r'warning: iSNS server no-such-host\.invalid:3205: .*'))


class Lied(Case):
    """Answers that are none: the next server, and nothing breaks."""

    def test_hostile_answers(self):
        """RFC 4171 5.1.1, 5.1.2, 5.1.5"""
        answers = [
            lambda s, m: b'\0' * 12, lambda s, m: b'\xff' * 400,
            lambda s, m: s.answer(m)[:9] + b'\xff' * 3,
            lambda s, m: fake.pdu(m.function | fake.ANSWER, b'', transaction=m.transaction),
            lambda s, m: fake.pdu(0x8002, bytes(4), transaction=m.transaction),
            lambda s, m: s.answer(m, 0, struct.pack('>II', 0, 0xfffffffc)),
            lambda s, m: s.answer(m, 0, struct.pack('>III', 0, 3, 0)),
            lambda s, m: s.answer(m, 0xffffffff),
            lambda s, m: s.answer(m, 3),
            lambda s, m: s.answer(m, 21) if not any(t == fake.ESI_PORT for t, _ in m.list) else s.answer(m, 21),
        ]
        for n, hook in enumerate(answers):
            with self.subTest(n=n):
                self.servers = [fake.Server(), fake.Server()]
                self.server = self.servers[0]
                self.server.hook = hook
                self.start()
                until(lambda: self.servers[1].entities, 'answer %d: the second server is not told' % n)
                self.assertEqual(self.daemon.stop(10), [])
                for s in self.servers:
                    s.stop()
        self.daemon, self.servers = None, []

    def test_odd_numbers(self):
        """RFC 4171 5.1.5, 5.1.6, 5.2: periods of no size, an answer with another transaction, one in several PDUs."""
        def hook(s, m):
            if m.function != fake.REGISTER:
                return None
            eid = 'unit.example.org'
            s.entities[eid] = m.split()[1]
            stale = fake.pdu(0x8001, struct.pack('>I', 3), transaction=(m.transaction + 7) & 0xffff)
            first = s.answer(m, 0, fake.tlv(fake.DELIMITER) + fake.tlv(fake.PERIOD, 0xffffffff) + b'\0\0\0\1',
                             flags=fake.SERVER | fake.FIRST)
            rest = s.answer(m, 3, flags=fake.SERVER | fake.LAST, sequence=1)
            return stale + first + rest
        self.servers = [fake.Server()]
        self.server = self.servers[0]
        self.server.hook = hook
        self.start()
        self.registered()
        self.daemon.says('for 4294967295 s at a time')


def iter_queue(q):
    while not q.empty():
        yield q.get()


if __name__ == '__main__':
    SPTGTD = sys.argv.pop(1)
    unittest.main()
