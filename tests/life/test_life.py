#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The daemon as a program: what it says to whoever starts it, watches it, configures it and looks into it.

  test_life.py SPTGTD SPTGTCTL
"""

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))

from sptgt_daemon import Daemon  # noqa: E402

SPTGTD = SPTGTCTL = None

CONFIG = """[daemon]
workers = 2
control-socket = {dir}/control.sock
state-dir = {dir}
[portal-main]
listen = 127.0.0.1:0, [::1]:0
[device-disk]
backend = mem
size = 16M
[target-one]
name = iqn.2026-11.org.sptgt:one
portal = main
lun.0 = disk
lun.5 = disk read-only
initiators = iqn.2026-11.org.sptgt:friend-*
[target-two]
name = iqn.2026-11.org.sptgt:two
portal = main
lun.0 = disk
initiators = *
"""


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=30, **more)


def ctl(daemon, *words):
    return run(SPTGTCTL, '--socket', daemon.dir + '/control.sock', *words)


class Session:
    """A libiscsi tool that is logged in and keeps reading: a session that lives as long as the object."""

    def __init__(self, url, initiator='iqn.2026-11.org.sptgt:friend-1'):
        self.process = subprocess.Popen(
            ['iscsi-perf', '-i', initiator, '-t', '60', '-m', '1', url],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.process.kill()
        self.process.wait()


class Life(unittest.TestCase):
    def start(self, config=CONFIG):
        daemon = Daemon(SPTGTD, config)

        def stop():
            wrong = daemon.stop()
            self.assertEqual(wrong, [], '\n'.join(wrong))
        self.addCleanup(stop)
        return daemon

    def url(self, daemon, target='one', lun=0, port=None, host='127.0.0.1'):
        return 'iscsi://%s:%d/iqn.2026-11.org.sptgt:%s/%d' % (host, port or daemon.port(), target, lun)

    def write_config(self, text):
        f = tempfile.NamedTemporaryFile('w', suffix='.conf', delete=False)
        f.write(text)
        f.close()
        self.addCleanup(os.unlink, f.name)
        return f.name

    def until(self, condition, what, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.05)

    def sessions(self, daemon):
        return json.loads(ctl(daemon, '--json', 'sessions').stdout)

    def test_check_tells_every_fault_with_its_line(self):
        path = self.write_config(CONFIG.replace('size = 16M', 'size = 16 Martians').replace(
            'portal = main\nlun.0 = disk\ninitiators = *', 'portal = mian\nlun.0 = dsik\ninitiators = *'))
        r = run(SPTGTD, '--check', '--config', path)
        self.assertEqual(r.returncode, 1)
        for line, word in ((9, 'size'), (18, 'mian'), (19, 'dsik')):
            self.assertRegex(r.stderr, r'(?m)^%s:%d: .*%s' % (path, line, word))

    def test_check_of_a_good_configuration(self):
        r = run(SPTGTD, '--check', '--config', self.write_config(CONFIG.replace('{dir}', '/tmp')))
        self.assertEqual(r.returncode, 0)
        self.assertIn('is good: portals 1, devices 1, targets 2', r.stdout)
        self.assertIn('two paths to one disk', r.stderr)     # a warning, with its line

    def test_a_configuration_that_is_not_there(self):
        r = run(SPTGTD, '--config', '/nonexistent/sptgt.conf')
        self.assertEqual(r.returncode, 1)
        self.assertIn('/nonexistent/sptgt.conf', r.stderr)

    def test_wrong_command_lines(self):
        for words in (['--nonsense'], ['--log', 'nowhere'], ['--listen', '127.0.0.1:0'], ['extra']):
            r = run(SPTGTD, *words)
            self.assertEqual(r.returncode, 1, words)
            self.assertTrue(r.stderr.strip(), words)

    def test_a_port_that_is_taken(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            r = run(SPTGTD, '--demo', '--listen', '127.0.0.1:%d' % taken.getsockname()[1])
        self.assertEqual(r.returncode, 1)
        self.assertIn('cannot listen on 127.0.0.1', r.stderr)
        self.assertIn('ss -ltnp', r.stderr)

    def test_a_state_dir_that_is_missing(self):
        daemon = self.start(CONFIG.replace('state-dir = {dir}', 'state-dir = {dir}/no'))
        self.assertRegex(daemon.log(), r'warning: state-dir \S+/no: No such file')
        self.assertNotIn('state-dir', self.start().log())

    @unittest.skipIf(os.path.exists('/etc/sptgt/sptgt.conf'), 'there is one')
    def test_a_newcomer(self):
        r = run(SPTGTD)
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr, r'(?s)/etc/sptgt/sptgt.conf.*No such file.*--sample-config.*--demo')

    def test_a_device_that_is_missing_leaves_the_others(self):
        daemon = self.start(CONFIG.replace('[target-one]', '[device-gone]\nbackend = file\npath = {dir}/no/such/file\n[target-one]')
                            .replace('lun.5 = disk read-only', 'lun.5 = gone'))
        self.assertRegex(daemon.log(), r'device gone: .*no/such/file')
        r = run('iscsi-ls', '-s', 'iscsi://127.0.0.1:%d' % daemon.port())
        self.assertIn('Lun:0', r.stdout)
        self.assertNotIn('Lun:5', r.stdout)

    def test_ipv6(self):
        daemon = self.start()
        port = daemon.ports['main'][1]
        r = run('iscsi-ls', 'iscsi://[::1]:%d' % port)
        self.assertIn('Portal:[::1]:%d' % port, r.stdout + r.stderr)
        r = run('iscsi-inq', self.url(daemon, 'two', port=port, host='[::1]'))
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_nobody_sees_what_he_may_not_use(self):
        daemon = self.start()
        portal = 'iscsi://127.0.0.1:%d' % daemon.port()
        r = run('iscsi-ls', '-i', 'iqn.2026-11.org.sptgt:stranger', portal)
        self.assertNotIn('sptgt:one', r.stdout)
        self.assertIn('sptgt:two', r.stdout)
        r = run('iscsi-inq', '-i', 'iqn.2026-11.org.sptgt:stranger', self.url(daemon))
        self.assertNotEqual(r.returncode, 0)
        daemon.says('closed: login refused: the initiator is not on the target')
        r = run('iscsi-inq', '-i', 'iqn.2026-11.org.sptgt:friend-7', self.url(daemon))
        self.assertEqual(r.returncode, 0, r.stderr)

    def test_connections_without_end_do_not_fill_the_log(self):
        daemon = self.start(CONFIG.replace('workers = 2', 'workers = 1\nmax-logins = 4'))

        def knock():
            s = socket.create_connection(('127.0.0.1', daemon.port()))
            s.settimeout(10)
            return s
        for _ in range(100):        # nobody's, one after the other
            with knock() as s:
                s.sendall(bytes(48))
                self.assertEqual(s.recv(1), b'')
        for _ in range(100):        # beyond max-logins, again and again
            for s in [knock() for _ in range(5)]:
                s.close()
        log = daemon.says('max-logins (4) are under way')
        self.assertLessEqual(log.count('max-logins (4) are under way'), 16)
        self.assertEqual(log.count('closed: first PDU is no Login Request'), 16)

    def test_initiators_that_all_start_at_once(self):
        daemon = self.start(CONFIG.replace('workers = 2', 'workers = 2\nmax-logins = 4'))
        silent = [socket.create_connection(('127.0.0.1', daemon.port())) for _ in range(4)]
        crowd = [subprocess.Popen(['iscsi-inq', '-i', 'iqn.2026-11.org.sptgt:friend-%d' % n, self.url(daemon)],
                                  stdout=subprocess.DEVNULL) for n in range(40)]
        daemon.says('max-logins (4) are under way: others wait to be accepted')
        time.sleep(0.3)
        self.assertEqual([p for p in crowd if p.poll() is not None], [])
        silent.pop().close()        # one place is enough for all of them
        self.assertEqual([p.wait(20) for p in crowd], [0] * 40)
        for s in silent:
            s.close()

    def test_a_read_only_lun(self):
        daemon = self.start()
        r = run('iscsi-test-cu', '-i', 'iqn.2026-11.org.sptgt:friend-1', '-t', 'Read10.Simple', self.url(daemon, lun=5))
        self.assertEqual(r.returncode, 0)
        self.assertIn('asserts', r.stdout)
        # qemu asks MODE SENSE for write protection and refuses by itself.
        r = run('qemu-io', '--image-opts', '-c', 'write 0 4096',
                'driver=iscsi,transport=tcp,portal=127.0.0.1:%d,target=iqn.2026-11.org.sptgt:one,lun=5,'
                'initiator-name=iqn.2026-11.org.sptgt:friend-1' % daemon.port())
        self.assertRegex(r.stdout + r.stderr, r'(?i)read.?only|write.?protect')

    def test_sptgtctl(self):
        daemon = self.start()
        path = daemon.dir + '/control.sock'
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertIn('iqn.2026-11.org.sptgt:two', ctl(daemon, 'targets').stdout)
        luns = json.loads(ctl(daemon, '--json', 'luns').stdout)
        self.assertIn('disk', json.dumps(luns))
        session = Session(self.url(daemon))
        self.addCleanup(session.close)
        self.until(lambda: 'friend-1' in ctl(daemon, 'sessions').stdout, 'the session is not shown')
        rows = self.sessions(daemon)
        rows = rows['sessions'] if isinstance(rows, dict) else rows
        self.assertEqual(len(rows), 1)
        self.assertEqual(rows[0]['initiator'], 'iqn.2026-11.org.sptgt:friend-1')
        r = ctl(daemon, 'end-session', str(rows[0]['id']))
        self.assertEqual(r.returncode, 0, r.stderr)
        daemon.says('session ended by the administrator')
        r = ctl(daemon, 'end-session', '999999')
        self.assertNotEqual(r.returncode, 0)
        self.assertIn('no such session', r.stderr)

    def test_sptgtctl_without_a_daemon(self):
        r = run(SPTGTCTL, '--socket', '/nonexistent/control.sock', 'targets')
        self.assertNotEqual(r.returncode, 0)
        self.assertIn('/nonexistent/control.sock', r.stderr)

    CHAP = CONFIG.replace('[target-one]', '[target-one]\nauth = chap\nchap-file = {dir}/one.secret')

    def write_secrets(self, text, mode=0o600):
        f = tempfile.NamedTemporaryFile('w', suffix='.secret', delete=False)
        self.addCleanup(os.unlink, f.name)
        f.write(text)
        f.close()
        os.chmod(f.name, mode)
        return f.name

    def check_secrets(self, text, mode=0o600, path=None):
        path = path or self.write_secrets(text, mode)
        return path, run(SPTGTD, '--check', '--config', self.write_config(self.CHAP.replace('{dir}/one.secret', path).replace('{dir}', '/tmp')))

    def test_a_secrets_file_that_others_can_read(self):
        for mode in (0o644, 0o640, 0o604, 0o610, 0o602, 0o666):
            path, r = self.check_secrets('me correct-horse-battery\n', mode)
            self.assertEqual(r.returncode, 1, oct(mode))
            self.assertRegex(r.stderr, r':\d+: %s is open to its group or to others' % path)
            self.assertNotIn('correct-horse', r.stderr)
        for mode in (0o600, 0o400):
            path, r = self.check_secrets('me correct-horse-battery\n', mode)
            self.assertEqual(r.returncode, 0, r.stderr)
        r = run(SPTGTD, '--config', self.write_config(self.CHAP.replace(
            '{dir}/one.secret', self.write_secrets('me correct-horse-battery\n', 0o644)).replace('{dir}', '/tmp')))
        self.assertEqual(r.returncode, 1)       # not with --check only

    def test_a_secrets_file_that_is_none(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(os.rmdir, directory)
        os.mkfifo(directory + '/fifo', 0o600)
        self.addCleanup(os.unlink, directory + '/fifo')
        for path, said in ((directory, 'is no regular file'), (directory + '/fifo', 'is no regular file'),
                           (directory + '/gone', 'No such file'), ('/dev/null', 'is no regular file')):
            r = self.check_secrets('', path=path)[1]
            self.assertEqual(r.returncode, 1, path)
            self.assertIn('%s ' % path, r.stderr)
            self.assertIn(said, r.stderr)
        if os.geteuid() == 0:
            path = self.write_secrets('me correct-horse-battery\n')
            os.chown(path, 65534, -1)
            r = self.check_secrets('', path=path)[1]
            self.assertEqual(r.returncode, 1)
            self.assertIn('belongs to somebody else', r.stderr)

    def test_secrets_with_faults(self):
        for text, line, said in (
                ('a 0123456789abcdef mutual t 0123456789abcdef\n', 1, 'both ways'),
                ('# c\na 0123456789abcdef\nb fedcba9876543210 mutual t 0123456789abcdef\n', 3, 'both ways'),
                ('a 0123456789abcdef\n\na fedcba9876543210\n', 3, 'has a line already'),
                ('a 0x0123456789abcde\n', 1, 'binary secret'), ('a\n', 1, 'a line is NAME SECRET'),
                ('a 0123456789abcdef form iqn.*\n', 1, 'a line is NAME SECRET'), ('a ""\n', 1, 'empty secret'),
                ('a "0123456789abcdef\n', 1, 'quotes'), ('a 0123456789abcdef from Nonsense\n', 1, 'iSCSI names')):
            path, r = self.check_secrets(text)
            self.assertEqual(r.returncode, 1, text)
            self.assertRegex(r.stderr, r'%s:%d.*%s' % (path, line, said))
            self.assertNotIn('0123456789abcde', r.stderr)
        path, r = self.check_secrets('a 01234567890\n')
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertRegex(r.stderr, r'warning: .*%s:1: .*96 bits' % path)
        self.assertNotIn('01234567890', r.stderr)
        self.assertNotIn('96 bits', self.check_secrets('a 012345678901\n')[1].stderr)

    def test_chap_with_an_initiator(self):
        path = self.write_secrets('me correct-horse-battery\n')
        daemon = self.start(self.CHAP.replace('{dir}/one.secret', path))
        inq = ['iscsi-inq', '-i', 'iqn.2026-11.org.sptgt:friend-1']
        for user, good in (('me%correct-horse-battery@', True), ('', False), ('me%wrong-horse-battery@', False),
                           ('you%correct-horse-battery@', False)):
            r = run(*inq, self.url(daemon).replace('iscsi://', 'iscsi://' + user))
            self.assertEqual(r.returncode == 0, good, user + r.stderr)
        daemon.says("user 'me': CHAP failed: wrong response")
        self.assertNotIn('-horse-', daemon.says("user 'you': CHAP failed: no such user"))
        session = Session(self.url(daemon).replace('iscsi://', 'iscsi://me%correct-horse-battery@'))
        self.addCleanup(session.close)
        self.until(lambda: [s['user'] for s in self.sessions(daemon)['sessions']] == ['me'], 'the user is not shown')
        self.assertRegex(ctl(daemon, 'sessions').stdout, r'USER[\s\S]*friend-1 +me ')

    def test_memory_keeps_no_secret_of_the_file(self):
        secret = 'never-seen-again-%d' % os.getpid()
        path = self.write_secrets('me %s\n' % secret)
        daemon = self.start(self.CHAP.replace('{dir}/one.secret', path))
        with open('/proc/%d/maps' % daemon.process.pid) as maps, open('/proc/%d/mem' % daemon.process.pid, 'rb') as mem:
            found = 0
            for line in maps:
                span, access = line.split()[:2]
                start, end = (int(x, 16) for x in span.split('-'))
                if access.startswith('rw') and end - start < 1 << 28 and '[v' not in line:
                    try:
                        mem.seek(start)
                        found += mem.read(end - start).count(secret.encode())
                    except OSError:         # nothing is mapped behind it
                        pass
        self.assertEqual(found, 1)      # the user's, and no copy of the file's text

    def start_as_service(self, extra_env, pass_fds=(), listen_fds=0):
        """As systemd would: NOTIFY_SOCKET, and LISTEN_FDS from descriptor 3 on."""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind('\0sptgt-life-%d' % os.getpid())
        notify.settimeout(10)
        self.addCleanup(notify.close)
        env = dict(os.environ, NOTIFY_SOCKET='@sptgt-life-%d' % os.getpid(), **extra_env)
        command = [SPTGTD, '--demo', '--listen', '127.0.0.1:0', '--log', 'stderr']
        if listen_fds:
            # LISTEN_PID has to be the daemon's own number: the shell becomes the daemon.
            shell = 'exec 3<&%d; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@"' % pass_fds[0]
            command = ['/bin/bash', '-c', shell] + command
        process = subprocess.Popen(command, env=env, pass_fds=pass_fds, stderr=subprocess.PIPE, text=True)

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stderr.close()
        self.addCleanup(end)
        return process, notify

    def expect_notify(self, notify, word, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if word in notify.recv(4096).decode():
                return
        self.fail('the service manager was not told %s' % word)

    def test_service_manager(self):
        process, notify = self.start_as_service({'WATCHDOG_USEC': '400000'})
        self.expect_notify(notify, 'READY=1')
        self.expect_notify(notify, 'WATCHDOG=1')
        self.expect_notify(notify, 'WATCHDOG=1')
        process.send_signal(signal.SIGTERM)
        self.expect_notify(notify, 'STOPPING=1')
        self.assertEqual(process.wait(10), 0)

    def test_socket_unit(self):
        with socket.create_server(('127.0.0.1', 0)) as listening:
            port = listening.getsockname()[1]
            process, notify = self.start_as_service({'LISTEN_FDNAMES': 'main'}, (listening.fileno(),), 1)
            self.expect_notify(notify, 'READY=1')
            r = run('iscsi-ls', 'iscsi://127.0.0.1:%d' % port)
            self.assertIn('iqn.2026-11.org.sptgt:demo', r.stdout)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 0)

    def test_a_second_sigterm_does_not_wait(self):
        daemon = self.start()
        session = Session(self.url(daemon))
        self.addCleanup(session.close)
        self.until(lambda: 'friend-1' in ctl(daemon, 'sessions').stdout, 'the session is not shown')
        started = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.process.wait(10), 0)
        self.assertLess(time.monotonic() - started, 8)
        # stop() of the clean-up would call this an end by itself.
        daemon.log_file.close()
        daemon.stop = lambda: []

    def test_no_descriptor_left(self):
        """Connections beyond the limit wait, the processor rests meanwhile, and who is there is served."""
        daemon = self.start()
        pid = daemon.process.pid
        before = daemon.open_files()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (before + 3, before + 3))
        crowd = [socket.create_connection(('127.0.0.1', daemon.port())) for _ in range(10)]
        self.until(lambda: 'cannot accept connections: Too many open files' in daemon.log(), 'nothing is said')

        def switches():
            with open('/proc/%d/status' % pid) as f:
                return sum(int(line.split()[1]) for line in f if 'ctxt_switches' in line)
        began = switches()
        time.sleep(1)
        self.assertLess(switches() - began, 200)
        self.assertLess(daemon.log().count('cannot accept'), 20)
        for s in crowd[:9]:
            s.close()
        self.until(lambda: run('iscsi-ls', 'iscsi://127.0.0.1:%d' % daemon.port()).returncode == 0, 'nobody gets in any more')
        crowd[9].close()

    def test_serial_numbers_stay(self):
        with tempfile.TemporaryDirectory() as state:
            config = CONFIG.replace('state-dir = {dir}', 'state-dir = ' + state)
            serials = []
            for _ in range(2):
                daemon = Daemon(SPTGTD, config)
                serials.append(run('iscsi-inq', '-e', '1', '-c', '128', self.url(daemon, 'two')).stdout)
                self.assertEqual(daemon.stop(), [])
            self.assertIn('Unit Serial Number', serials[0])
            self.assertEqual(serials[0], serials[1])
            os.unlink(state + '/identity')
            daemon = self.start(config)
            self.assertNotEqual(serials[0], run('iscsi-inq', '-e', '1', '-c', '128', self.url(daemon, 'two')).stdout)


if __name__ == '__main__':
    SPTGTD, SPTGTCTL = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
