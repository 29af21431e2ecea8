# SPDX-License-Identifier: MIT
"""A real upstream target (tgtd) that is stopped in the middle: what is asked of it ends in the time that the configuration
sets, and nothing else waits for it."""

import shutil
import signal
import time

from talk import *  # noqa: F403
import upstream as up
import scene
from tgtd import Tgtd

ABORT_TASK, LOGICAL_UNIT_RESET = 1, 5


class Scene(scene.Scene):
    """LUN 0 is a tgtd's, and LUN 1 another upstream's."""

    def __init__(self, t, nexus):
        self.tgtd, self.other = Tgtd(16), up.Upstream()
        super().__init__(t, section('device-frozen', 'backend = iscsi', 'url = ' + self.tgtd.url(), 'nexus = ' + nexus,
                                    'initiator-name = iqn.2026-11.org.sptgt:all', 'nop-interval = 0', 'abort-timeout = 60s',
                                    'abort-wait = 1s', 'reset-wait = 1s'),
                         section('device-other', 'backend = iscsi', 'url = ' + self.other.url()),
                         luns='lun.0 = frozen\nlun.1 = other')

    def function(self, s, task, function, least, most):
        """Its answer, within the time of the escalation."""
        start = time.monotonic()
        itt = s.ask(function, task=task if function == ABORT_TASK else None)
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
        scene.tgtd.process.send_signal(signal.SIGSTOP)
        end(scene, s)
        scene.unharmed()
        start = time.monotonic()
        scene.stop()
        t.remark('the daemon ends in %.2f s', time.monotonic() - start)
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
