# SPDX-License-Identifier: MIT
"""One running sptgtd with a configuration of the test's own, on ports that the kernel chose.

Its owner is the test that started it. It is asked to end with SIGTERM, and must then have ended by itself with status 0
and without a word from a sanitizer: stop() tells what was not so, and a test fails on it.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LISTENING = re.compile(r'portal (\S+): listening on (\S+):(\d+)\s*$')
READY = re.compile(r'(^|\W)ready\s*$')
SANITIZER = re.compile(r'(ERROR|WARNING|SUMMARY): (\w+)Sanitizer|runtime error: ')


class DaemonError(Exception):
    pass


def with_daemon_keys(config, lines):
    """@config with @lines ("KEY = VALUE; ...") in its [daemon] section, in place of those of the same keys."""
    keys = dict(re.fullmatch(r'\s*(\S+)\s*(=.*\S)\s*', line).groups() for line in lines.split(';'))
    out, section = [], None
    for line in config.split('\n'):
        header = re.match(r'\s*\[(\S+)\]', line)
        section = header.group(1) if header else section
        if section == 'daemon' and line.split('=')[0].strip() in keys:
            continue
        out.append(line)
        if header and section == 'daemon':
            out += ['%s %s' % key for key in keys.items()]
    return '\n'.join(out)


def verdict(wrong):
    """Says what was wrong; the status to exit with."""
    for text in wrong:
        print(text, file=sys.stderr)
    return 1 if wrong else 0


class Daemon:
    """config: the text of the configuration; {dir} in it becomes a directory that lives as long as the daemon.
    files: name -> text of what else there shall be in it, readable by its owner only.
    SPTGT_DAEMON_KEYS in the environment ("poll = 0; workers = 4"): another way to run all that is tested."""

    def __init__(self, program, config, log_level='info', start_seconds=30, files=()):
        self.dir = tempfile.mkdtemp(prefix='sptgt-test-')
        self.log_path = os.path.join(self.dir, 'sptgtd.log')
        self.ports = {}
        path = os.path.join(self.dir, 'sptgt.conf')
        with open(path, 'w') as f:
            f.write(self._config(config))
        os.chmod(path, 0o600)
        for name, text in dict(files).items():
            with open(os.open(os.path.join(self.dir, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w') as f:
                f.write(text)
        self.log_file = open(self.log_path, 'wb')
        command = [program, '--config', path, '--log', 'stderr', '--log-level', log_level]
        env = dict(os.environ)
        env.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1')
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log_file,
                                        stderr=self.log_file,
                                        env=env)
        try:
            self._await_ready(time.monotonic() + start_seconds)
        except DaemonError:
            self.process.kill()
            self.process.wait()
            shutil.rmtree(self.dir, ignore_errors=True)
            raise

    def _config(self, config):
        keys = os.environ.get('SPTGT_DAEMON_KEYS')
        return (with_daemon_keys(config, keys) if keys else config).replace('{dir}', self.dir)

    def log(self):
        with open(self.log_path, 'rb') as f:
            return f.read().decode('utf-8', 'replace')

    def says(self, words, times=1, seconds=20):
        """Waits until @words (a text, or a compiled pattern) stand in the log @times times, and returns the log. A thread of
        its own writes it: what the daemon has done is seen on the wire before its line is."""
        find = words.findall if isinstance(words, re.Pattern) else re.compile(re.escape(words)).findall
        end = time.monotonic() + seconds
        while True:
            log = self.log()
            if len(find(log)) >= times:
                return log
            if time.monotonic() > end:
                raise DaemonError('the log does not say %r (%d times):\n%s' % (words, times, log[-4000:]))
            time.sleep(0.02)

    def _await_ready(self, deadline):
        while True:
            lines = self.log().splitlines()
            if any(READY.search(line) for line in lines):
                break
            if self.process.poll() is not None:
                raise DaemonError('sptgtd ended with status %d instead of getting ready:\n%s'
                                  % (self.process.returncode, '\n'.join(lines[-20:])))
            if time.monotonic() > deadline:
                raise DaemonError('sptgtd did not get ready in time:\n' + '\n'.join(lines[-20:]))
            time.sleep(0.02)
        for line in lines:
            m = LISTENING.search(line)
            if m:
                self.ports.setdefault(m.group(1), []).append(int(m.group(3)))
        if not self.ports:
            raise DaemonError('sptgtd does not say where it listens')

    def port(self, portal='main'):
        return self.ports[portal][0]

    def alive(self):
        return self.process.poll() is None

    def memory_kib(self):
        with open('/proc/%d/status' % self.process.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith('VmRSS:'))

    def open_files(self):
        return len(os.listdir('/proc/%d/fd' % self.process.pid))

    def stop(self, seconds=20):
        """Ends the daemon; returns what was wrong with it, one text each, and nothing when all was well."""
        wrong = []
        if not self.alive():
            wrong.append('sptgtd ended by itself with status %d' % self.process.returncode)
        else:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                wrong.append('sptgtd did not end within %d s of SIGTERM' % seconds)
                self.process.kill()
                self.process.wait()
            else:
                if self.process.returncode != 0:
                    wrong.append('sptgtd ended with status %d after SIGTERM' % self.process.returncode)
        self.log_file.close()
        lines = self.log().splitlines()
        for i, line in enumerate(lines):
            if SANITIZER.search(line):
                wrong.append('\n'.join(lines[max(0, i - 2):i + 30]))
                break
        if wrong:
            wrong.append('the end of its log:\n' + '\n'.join(lines[-25:]))
        shutil.rmtree(self.dir, ignore_errors=True)
        return wrong
