#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sptgtd and sptgtctl as an administrator and a service manager use them: test_programs.py SPTGTD SPTGTCTL"""

import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'talk'))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'lib'))

from sptgt_daemon import Daemon, DaemonError  # noqa: E402
from talk import ISID, READ10, Talk  # noqa: E402

SPTGTD, SPTGTCTL = sys.argv[1:3]
TARGET = 'iqn.2026-11.org.sptgt:talk'
CONFIG = """
[daemon]
workers = 2
control-socket = {dir}/run/control.sock
state-dir = {dir}/state
drain-timeout = 1s
[portal-main]
listen = 127.0.0.1:0
[device-disk]
backend = mem
size = 64M
[target-talk]
name = iqn.2026-11.org.sptgt:talk
alias = "A \\ disk"
portal = main
lun.0 = disk
lun.7 = disk read-only
initiators = iqn.2026-11.org.sptgt:*
"""
FAULTY = """[daemon]
worker = 3
[portal-main]
listen = localhost
[target-x]
name = disk
portal = mian
lun.0 = nowhere
"""


def run(*arguments):
    return subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                          env=dict(os.environ, TZ='UTC'))


class WithDaemon(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(SPTGTD, CONFIG)
        self.socket = os.path.join(self.daemon.dir, 'run', 'control.sock')
        self.talk = Talk(('127.0.0.1', self.daemon.port()), TARGET, 0, 30)

    def tearDown(self):
        self.talk.close()
        self.assertEqual(self.daemon.stop(), [])

    def ctl(self, *arguments, status=0):
        result = run(SPTGTCTL, '--socket', self.socket, *arguments)
        self.assertEqual(result.returncode, status, result.stderr)
        return result.stderr if status else result.stdout

    def sessions(self):
        return json.loads(self.ctl('--json', 'sessions'))['sessions']

    def until(self, condition):
        end = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)


class TestControl(WithDaemon):
    def test_socket_is_the_owners(self):
        mode = os.stat(self.socket).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_targets_and_luns(self):
        lines = self.ctl('targets').splitlines()
        self.assertEqual(lines[0].split(), ['TARGET', 'SESSIONS', 'LUNS', 'PORTALS', 'ALIAS'])
        self.assertEqual(lines[1].split(None, 4), [TARGET, '0/64', '2', 'main', 'A \\x5c disk'])
        lines = self.ctl('luns').splitlines()
        self.assertEqual(lines[1].split(), [TARGET, '0', 'disk', 'mem', 'disk', '64M', '512', '-', 'ok'])
        self.assertEqual(lines[2].split()[1:], ['7', 'disk', 'mem', 'disk', '64M', '512', '-', 'ok,', 'read-only'])

    def test_sessions(self):
        self.assertEqual(self.ctl('sessions'), 'There are no sessions.\n')
        before = int(time.time())
        first, second = self.talk.log_in(), None
        self.talk.name += '-second'
        second = self.talk.log_in()
        first.settle()
        second.settle()
        sessions = sorted(self.sessions(), key=lambda s: s['id'])
        self.assertEqual(len(sessions), 2)
        for session in sessions:
            self.assertTrue(session['initiator'].startswith('iqn.2026-11.org.sptgt:talk-'))
            self.assertEqual(session['target'], TARGET)
            self.assertEqual(session['isid'], ISID.hex())
            self.assertEqual(session['portal'], 'main')
            self.assertEqual(session['local'], '127.0.0.1:%d' % self.daemon.port())
            self.assertGreater(session['commands'], 0)
            self.assertIn(session['login_time'], range(before - 1, before + 30))
            self.assertGreater(session['tsih'], 0)
        self.assertTrue(sessions[1]['initiator'].endswith('-second'))
        self.assertEqual(len(self.ctl('sessions').splitlines()), 3)

    def test_end_session(self):
        one = self.talk.log_in().settle()
        self.talk.name += '-second'
        other = self.talk.log_in().settle()
        number = next(s['id'] for s in self.sessions() if not s['initiator'].endswith('-second'))
        self.assertEqual(self.ctl('end-session', str(number)), '')
        one.gone()
        self.until(lambda: len(self.sessions()) == 1)
        other.ping()
        self.assertIn('no such session', self.ctl('end-session', str(number), status=1))
        self.assertIn('no such session', self.ctl('end-session', '18446744073709551615', status=1))

    def test_layers(self):
        self.assertEqual(self.ctl('layers'), 'No device has a layer.\n')
        self.assertEqual(self.ctl('layer', 'disk', 'fault', 'op=28h', 'lba=5', 'check=3/11/00'), '')
        session = self.talk.log_in().settle()
        session.read(0, 4)
        session.failed(READ10(5, 1), 0x031100, read=512)
        rows = json.loads(self.ctl('--json', 'layers'))['layers']
        self.assertEqual(rows, [{'device': 'disk', 'layer': 'fault', 'on': True, 'rule': 1, 'seen': 1, 'hits': 1, 'held': 0,
                                 'lost': 0, 'text': 'op=28h lba=5 check=3/11/00'}])
        self.assertIn('fault', self.ctl('luns').splitlines()[1].split()[-2])
        self.ctl('layer', 'disk', 'fault', 'off')
        session.read(5, 1)
        self.assertIn('off', self.ctl('layers'))
        self.ctl('layer', 'disk', 'fault', 'on')
        session.failed(READ10(5, 1), 0x031100, read=512)

    def test_layers_that_are_refused(self):
        for arguments, words in [
                (('disc', 'fault', 'off'), "there is no device 'disc'"),
                (('disk', 'fualt', 'off'), "there is no layer 'fualt'"),
                (('disk', 'fault', 'op=READ(11)', 'hang'), "rule 1: op: 'READ(11)' is neither"),
                (('disk', 'fault', 'op=28h'), 'rule 1: it does nothing'),
                (('disk', 'fault', 'op=28h drop | hang drop'), "rule 2: a rule does one thing"),
                (('disk', 'fault', 'check=3/11'), "check: '3/11' is not KEY/ASC/ASCQ"),
                (('disk', 'fault', 'release'), 'fault is off'),
                (('disk', 'delay', 'before=1d'), "before: '1d' is neither"),
                (('disk', 'delay', 'rules=op=28h'), 'it delays nothing')]:
            with self.subTest(arguments=arguments):
                self.assertIn(words, self.ctl('layer', *arguments, status=1))
        self.assertEqual(self.ctl('layers'), 'No device has a layer.\n')

    def test_unfence_and_reset(self):
        self.assertIn('disk: it is not fenced', self.ctl('unfence', 'disk', status=1))
        self.assertIn('no session', self.ctl('reset', 'disk', status=1))
        session = self.talk.log_in().settle()
        self.assertEqual(self.ctl('reset', 'disk'), '')
        self.assertEqual(session.command(bytes(6)).sense_code(), 0x062903)
        self.assertIn("there is no device 'x'", self.ctl('reset', 'x', status=1))

    def test_hanging_when_it_stops(self):
        """A command that a device never gives back does not keep the daemon from its end."""
        self.ctl('layer', 'disk', 'fault', 'op=28h hang=fence')
        self.talk.log_in().settle().start(READ10(0, 1), read=512)
        self.until(lambda: json.loads(self.ctl('--json', 'layers'))['layers'][0]['held'] == 1)

    def test_metrics(self):
        self.talk.log_in().settle()
        text = self.ctl('metrics')
        self.assertIn('sptgt_target_sessions{name="%s"} 1\n' % TARGET, text)
        names = [line.split()[2] for line in text.splitlines() if line.startswith('# TYPE')]
        self.assertEqual(len(names), len(set(names)), 'a metric has two heads')
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) sptgt_\w+ .+|sptgt_\w+(\{.*\})? \d+)$')

    def test_wrong_usage(self):
        for arguments in [(), ('nonsense',), ('targets', 'x'), ('end-session',), ('end-session', 'x'), ('end-session', '0x1'),
                          ('unfence',), ('reset', 'a', 'b'), ('layer', 'disk', 'fault'),
                          ('--nonsense',)]:
            with self.subTest(arguments=arguments):
                self.assertIn('sptgtctl', self.ctl(*arguments, status=2))

    def test_second_daemon(self):
        config = os.path.join(self.daemon.dir, 'sptgt.conf')
        result = run(SPTGTD, '--config', config, '--log', 'stderr')
        self.assertEqual(result.returncode, 1)
        self.assertIn('another daemon answers there', result.stderr)
        self.assertEqual(len(self.ctl('targets').splitlines()), 2)

    def test_killed_daemon(self):
        config = os.path.join(self.daemon.dir, 'sptgt.conf')
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.assertIn('not running', self.ctl('targets', status=3))
        # What it left behind is no obstacle.
        again = subprocess.Popen([SPTGTD, '--config', config, '--log', 'stderr'], stderr=subprocess.DEVNULL)
        try:
            self.until(lambda: run(SPTGTCTL, '--socket', self.socket, 'targets').returncode == 0)
        finally:
            again.terminate()
            self.assertEqual(again.wait(), 0)
        self.assertFalse(os.path.exists(self.socket))
        self.assertIn('is sptgtd running?', self.ctl('targets', status=3))
        self.daemon.stop()
        self.daemon = Daemon(SPTGTD, CONFIG)


class TestSecrets(unittest.TestCase):
    def test_new_secret(self):
        """RFC 7143 9.2.1: of 128 random bits, or of 16 characters; each is taken by a secrets file without a warning"""
        for form, pattern in (('binary', '0x[0-9a-f]{32}'), ('text', '[A-Za-z1-9._+/-]{16}')):
            made = [run(SPTGTCTL, '--socket', '/nonexistent', 'new-secret', form).stdout for _ in range(20)]
            self.assertEqual(len(set(made)), 20)
            with tempfile.TemporaryDirectory() as d:
                path = os.path.join(d, 'secrets')
                with open(path, 'w') as f:
                    for n, secret in enumerate(made):
                        self.assertRegex(secret, '^%s\n$' % pattern)
                        f.write('user%d %s' % (n, secret))
                os.chmod(path, 0o600)
                with open(os.path.join(d, 'conf'), 'w') as f:
                    f.write(CONFIG.replace('lun.7 = disk read-only\n', 'auth = chap\nchap-file = %s\n' % path))
                result = run(SPTGTD, '--check', '--config', f.name)
                self.assertEqual((result.returncode, 'secret' in result.stderr), (0, False), result.stderr)
        for arguments in ((), ('strong',), ('text', '20')):
            self.assertEqual(run(SPTGTCTL, 'new-secret', *arguments).returncode, 2)

    def check(self, upstream, users):
        with tempfile.TemporaryDirectory() as d:
            for name, text in (('up', upstream), ('users', users)):
                with open(os.path.join(d, name), 'w') as f:
                    f.write(text)
                os.chmod(f.name, 0o600)
            with open(os.path.join(d, 'conf'), 'w') as f:
                f.write(CONFIG.replace('lun.7 = disk read-only\n', 'auth = chap\nchap-file = %s/users\n' % d) +
                        '[device-up]\nbackend = iscsi\nurl = iscsi://127.0.0.1/iqn.2026-11.org.example:t/0\nchap-file = %s/up\n' % d)
            result = run(SPTGTD, '--check', '--config', f.name)
            return result.returncode, result.stderr

    def test_both_roles(self):
        """RFC 7143 9.2.1: one secret both ways, or for us as an initiator and as a target, is no configuration"""
        one, two, three, four = ('%d-a-good-secret' % n for n in range(4))
        self.assertEqual(self.check('us %s mutual them %s\n' % (one, two), 'a %s mutual us %s\n' % (three, four))[0], 0)
        for up in ('us %s\n' % three, 'us %s mutual them %s\n' % (one, three), 'us %s\n' % four,
                   'us %s mutual them %s\n' % (one, four)):
            status, text = self.check(up, 'b %s\na %s mutual us %s\n' % (two, three, four))
            self.assertEqual(status, 1)
            self.assertIn('that takes two secrets', text)
            self.assertIn('users:2', text)
        status, text = self.check('us %s\n' % one, 'a %s mutual us %s\n' % (three, three))
        self.assertEqual(status, 1)
        self.assertIn('one secret is used both ways', text)


class TestCheck(unittest.TestCase):
    def check(self, text):
        with tempfile.NamedTemporaryFile('w', suffix='.conf') as f:
            f.write(text)
            f.flush()
            result = run(SPTGTD, '--check', '--config', f.name)
            return result.returncode, (result.stderr + result.stdout).replace(f.name, 'F')

    def test_faulty(self):
        status, text = self.check(FAULTY)
        self.assertEqual(status, 1)
        for fault in ["F:2: [daemon] has no key 'worker'", "F:4: listen: 'localhost'", "F:6: name: 'disk'",
                      'F:7: there is no [portal-mian]', 'F:8: there is no [device-nowhere]']:
            self.assertIn(fault, text)

    def test_good(self):
        self.assertEqual(self.check(CONFIG.replace('lun.7 = disk read-only\n', ''))[0], 0)

    def test_no_file(self):
        result = run(SPTGTD, '--check', '--config', '/nonexistent.conf')
        self.assertEqual(result.returncode, 1)
        self.assertIn('/nonexistent.conf: cannot be read', result.stderr)

    def test_daemon_refuses(self):
        with self.assertRaises(DaemonError) as raised:
            Daemon(SPTGTD, FAULTY)
        self.assertIn('sptgt.conf:2: ', str(raised.exception))


class TestServiceManager(unittest.TestCase):
    """This test is the service manager: it listens, is notified, and watches."""

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(os.path.join(self.dir.name, 'notify'))
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(self.listener.close)

    def start(self):
        # Its own listen key would need a privilege or clash: it must not be used.
        config = CONFIG.replace('listen = 127.0.0.1:0', 'listen = 192.0.2.1:1').replace('{dir}', self.dir.name)
        path = os.path.join(self.dir.name, 'sptgt.conf')
        with open(path, 'w') as f:
            f.write(config)
        fd = self.listener.fileno()
        # The shell's $$ is the process that becomes the daemon.
        script = 'exec 3<&%d; export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$0" --config "$1" --log stderr' % fd
        environment = dict(os.environ, LISTEN_FDS='1', LISTEN_FDNAMES='main', WATCHDOG_USEC='1000000',
                           NOTIFY_SOCKET=os.path.join(self.dir.name, 'notify'))
        return subprocess.Popen(['sh', '-c', script, SPTGTD, path], pass_fds=[fd], env=environment,
                                stderr=subprocess.DEVNULL)

    def hear(self, wanted, seconds=15):
        end = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self.manager], [], [], max(0, end - time.monotonic()))
            self.assertTrue(ready, 'the daemon does not say ' + wanted)
            said = self.manager.recv(4096).decode().split('\n')
            if any(word.startswith(wanted) for word in said):
                return

    def test_life(self):
        process = self.start()
        try:
            self.hear('READY=1')
            talk = Talk(self.listener.getsockname(), TARGET, 0, 20)
            talk.log_in().settle()
            talk.close()
            begin = time.monotonic()
            for _ in range(3):
                self.hear('WATCHDOG=1', 2)
            # Three pings at half of a second or a little later: neither a flood nor too late.
            self.assertGreater(time.monotonic() - begin, 0.7)
            process.send_signal(signal.SIGTERM)
            self.hear('STOPPING=1')
            self.hear('EXTEND_TIMEOUT_USEC=')
            self.assertEqual(process.wait(20), 0)
        finally:
            process.kill()
            process.wait()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
