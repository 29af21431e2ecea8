# SPDX-License-Identifier: MIT
"""Who is let in: with max-logins under way others wait to be accepted, and nobody is sent away."""

from talk import *  # noqa: F403

MAX_LOGINS = 8
CONFIG = config(daemon='max-logins = %d' % MAX_LOGINS)
OTHERS_WAIT = 'others wait to be accepted'


@conversation('bounded logins', 'beyond max-logins connections wait, and come in as logins end, well or not')
def waits_for_its_turn(t):
    silent = [t.connect() for _ in range(MAX_LOGINS)]
    silent[-1].send_bytes(b'\x43')
    silent[-1].taken()                    # it is accepted, and so are those before it
    silent[-1].silent(0.2)
    check(OTHERS_WAIT not in t.daemon.log(), 'others wait, when all have their place')
    later = [t.connect() for _ in range(MAX_LOGINS)]
    for n, s in enumerate(later):
        s.name = '%s-%d' % (t.name, n)
        s.login_request(s.names(), csg=1)
    t.daemon.says(OTHERS_WAIT)
    later[0].silent(0.3)
    silent.pop().close()
    for s in later:
        s.enter(s.login_response())
        s.ping()
