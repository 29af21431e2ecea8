# SPDX-License-Identifier: MIT
"""A daemon of a conversation's own, which may have trouble and may be ended."""

import time

from sptgt_daemon import Daemon
from talk import BLOCK, GOOD, READ10, TEST_UNIT_READY, check, configuration, target


class Scene:
    """Of its target's logical units LUN 1 works, whatever the other, LUN 0, does: a session, the witness, sees to that."""

    def __init__(self, t, *sections, luns):
        self.t = t
        self.daemon = daemon_of(t, *sections, luns=luns)
        self.address = ('127.0.0.1', self.daemon.port())
        self.witness = self.session('witness', 1)

    def log_in(self, name, keys=None):
        s = self.t.connect(address=self.address)
        s.name = '%s-%s' % (self.t.name, name)
        return s.log_in(keys)

    def session(self, name='user', lun=0):
        """One that finds the logical unit ready."""
        s = self.log_in(name, {'InitialR2T': 'Yes'})
        self.t.until(lambda: s.command(TEST_UNIT_READY, lun=lun).status == GOOD, 'LUN %d does not get ready' % lun, 10)
        return s

    def unharmed(self):
        """A login, and a command to the other logical unit, take no longer than ever."""
        start = time.monotonic()
        s = self.log_in('%f' % start)
        self.witness.good(READ10(0, 8), read=8 * BLOCK, lun=1)
        check(time.monotonic() - start < 2, 'others wait: %.1f s', time.monotonic() - start)
        s.close()

    def stop(self):
        wrong = self.daemon.stop(10)
        check(not wrong, '%s', '\n'.join(wrong))


def daemon_of(t, *sections, luns='lun.0 = disk'):
    """sections: its devices, which stand behind one target as luns says."""
    return Daemon(t.daemon.process.args[0], configuration(*sections, target('talk', luns=luns), workers=1,
                                                          daemon='drain-timeout = 2s'))
