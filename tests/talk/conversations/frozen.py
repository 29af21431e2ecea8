# SPDX-License-Identifier: MIT
"""A real upstream target (tgtd) that is stopped in the middle: what is asked of it ends in the time that the configuration
sets, and nothing else waits for it."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from talk import *  # noqa: F403
import upstream as up
from sptgt_daemon import Daemon

NUMBERS = itertools.count()
NAME = 'iqn.2026-11.org.sptgt:frozen'
ABORT_TASK, LOGICAL_UNIT_RESET = 1, 5
CONFIG_OF_FROZEN = """
[daemon]
workers = 1
control-socket = {dir}/control.sock
state-dir = {dir}
drain-timeout = 2s
[portal-main]
listen = 127.0.0.1:0
[device-frozen]
backend = iscsi
url = iscsi://127.0.0.1:%d/%s/1
nexus = %s
initiator-name = iqn.2026-11.org.sptgt:all
nop-interval = 0
abort-timeout = 60s
abort-wait = 1s
reset-wait = 1s
[device-other]
backend = iscsi
url = %s
[target-talk]
name = iqn.2026-11.org.sptgt:talk
portal = main
lun.0 = frozen
lun.1 = other
initiators = *
"""


class Tgtd:
    def __init__(self):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        self.control = str(1000 + (os.getpid() * 16 + next(NUMBERS)) % 30000)
        self.image = tempfile.NamedTemporaryFile(prefix='sptgt-frozen-')
        self.image.truncate(16 << 20)
        self.process = subprocess.Popen(['tgtd', '-f', '-C', self.control, '--iscsi', 'portal=127.0.0.1:%d' % self.port],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not self.admin('--op', 'show', '--mode', 'system') and time.monotonic() < end:
            time.sleep(0.1)
        check(self.admin('--op', 'new', '--mode', 'target', '--tid', '1', '-T', NAME) and
              self.admin('--op', 'new', '--mode', 'logicalunit', '--tid', '1', '--lun', '1', '-b', self.image.name) and
              self.admin('--op', 'bind', '--mode', 'target', '--tid', '1', '-I', 'ALL'), 'tgtd is not set up')

    def admin(self, *words):
        return subprocess.run(['tgtadm', '-C', self.control, '--lld', 'iscsi', *words], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.image.close()


class Scene:
    def __init__(self, t, nexus):
        self.t, self.tgtd, self.other = t, Tgtd(), up.Upstream()
        self.daemon = Daemon(t.daemon.process.args[0], CONFIG_OF_FROZEN % (self.tgtd.port, NAME, nexus, self.other.url()))
        self.address = ('127.0.0.1', self.daemon.port())
        self.witness = self.session('witness', 1)

    def session(self, name, lun=0):
        s = self.t.connect(address=self.address)
        s.name = '%s-%s' % (self.t.name, name)
        s.log_in({'InitialR2T': 'Yes'})
        self.t.until(lambda: s.command(TEST_UNIT_READY, lun=lun).status == GOOD, 'LUN %d does not get ready' % lun, 10)
        return s

    def unharmed(self):
        """A login, and a command to the other upstream, take no longer than ever."""
        start = time.monotonic()
        s = self.t.connect(address=self.address)
        s.name = '%s-%f' % (self.t.name, start)
        s.log_in()
        self.witness.good(READ10(0, 8), read=8 * BLOCK, lun=1)
        check(time.monotonic() - start < 2, 'others wait: %.1f s', time.monotonic() - start)
        s.close()

    def function(self, s, task, function, least, most):
        """Its answer, within the time of the escalation."""
        start = time.monotonic()
        itt = s.new_itt()
        about = dict(rtt=task.itt, refcmdsn=task.pdu.cmdsn) if function == ABORT_TASK else dict(rtt=NONE)
        s.send('tmf', flags=FINAL | function, itt=itt, immediate=True, **about)
        self.unharmed()
        answer = s.expect('tmf_response', most + 3, itt=itt)
        took = time.monotonic() - start
        check(least <= took <= most, 'function %d is answered after %.1f s', function, took)
        self.t.remark('function %d: response %d after %.2f s', function, answer.response, took)
        check(task.status is None, 'the task is answered: %s', task.status)
        return answer.response


def frozen(t, nexus, end):
    if not shutil.which('tgtd'):
        t.remark('there is no tgtd here')
        return
    scene = Scene(t, nexus)
    try:
        s = scene.session('user')
        scene.tgtd.freeze()
        end(scene, s)
        scene.unharmed()
        start = time.monotonic()
        wrong = scene.daemon.stop(10)
        t.remark('the daemon ends in %.2f s', time.monotonic() - start)
        check(not wrong, '%s', '\n'.join(wrong))
    finally:
        scene.tgtd.stop()
        scene.other.stop()


def abort(scene, s):
    # wait (1 s), reset (1 s), fence: then it is gone, whatever the upstream does
    equal(scene.function(s, s.start(READ10(0, 1), read=BLOCK), ABORT_TASK, 1.5, 5), 0, 'the response')


def reset(scene, s):
    # the same escalation; but that the logical unit was reset is not true
    equal(scene.function(s, s.start(READ10(0, 1), read=BLOCK), LOGICAL_UNIT_RESET, 1.5, 5), 255, 'the response')


def session_end(scene, s):
    s.start(READ10(0, 1), read=BLOCK)
    s.silent(0.2)
    start = time.monotonic()
    s.send('logout', flags=FINAL, itt=s.new_itt(), immediate=True)
    scene.unharmed()
    s.gone(8, allowed=('logout_response',))
    check(time.monotonic() - start < 5, 'the logout takes %.1f s', time.monotonic() - start)


def drain(scene, s):
    for _ in range(8):
        s.start(READ10(0, 1), read=BLOCK)
    s.silent(0.2)


def tell(what, nexus, end):
    def run(t):
        frozen(t, nexus, end)
    run.__name__ = 'frozen_%s_%s' % (nexus, end.__name__)
    conversation('bounded escalation', 'a frozen upstream, nexuses %s: %s' % (nexus, what), seconds=60)(run)


for nexus in ('mirrored', 'shared'):
    tell('ABORT TASK', nexus, abort)
    tell('LOGICAL UNIT RESET', nexus, reset)
    tell('the session ends', nexus, session_end)
    tell('the daemon ends', nexus, drain)
