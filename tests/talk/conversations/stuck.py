# SPDX-License-Identifier: MIT
"""When a task management function is answered whose command does not come back, by what keeps it (SAM-5 7.2, 7.3, 7.5, 7.7;
RFC 7143 11.6). Every answer is a remark, so that run.py --verbose prints the table of docs/faults.md."""

import time

from talk import *  # noqa: F403

WAIT, RESET_WAIT = 1.0, 1.0     # abort-wait and reset-wait
SLACK = 4.0                     # of a busy machine
COMPLETE, REJECTED = 0, 255
FUNCTIONS = {1: 'ABORT TASK', 2: 'ABORT TASK SET', 4: 'CLEAR TASK SET', 5: 'LOGICAL UNIT RESET'}
# What keeps it; the least time of a function, and of a reset; whether the unit is fenced in the end
KEPT = {
    'delay': ('a delay of a minute', 'layers = delay', 'delay-rules = op=28h before=60s', 0, 0, False),
    'abort': ('a command that can be cancelled', 'layers = fault', 'fault-rules = op=28h hang=abort', 0, 0, False),
    'reset': ('one that ends with a reset', 'layers = fault', 'fault-rules = op=28h hang=reset', WAIT, 0, False),
    'fence': ('one that nothing ends', 'layers = fault', 'fault-rules = op=28h hang=fence', WAIT + RESET_WAIT, RESET_WAIT, True),
}
LUN = {(name, function): n + 1 for n, (name, function) in enumerate((k, f) for k in KEPT for f in FUNCTIONS)}
CONFIG = config(*(device('%s-%d' % key, *KEPT[key[0]][1:3], 'abort-wait = %ds' % WAIT, 'reset-wait = %ds' % RESET_WAIT) for key in LUN),
                luns='lun.0 = disk\n' + ''.join('lun.%d = %s-%d\n' % (n, *key) for key, n in LUN.items()))


def answered(t, s, name, function):
    what, _, _, least, least_of_reset, fenced = KEPT[name]
    unit = LUN[name, function]
    least = least_of_reset if function == 5 else least
    while s.command(TEST_UNIT_READY, lun=unit).status != GOOD:
        pass
    task = s.start(READ10(0, 1), read=512, lun=unit)
    s.silent(0.2)
    began = time.monotonic()
    itt = s.ask(function, unit, task if function == 1 else None)
    pdu = s.expect('tmf_response', itt=itt, seconds=least + SLACK)
    took = time.monotonic() - began
    t.remark('| %s | %s | %s | %.2f s |', what, FUNCTIONS[function], {0: 'complete', 255: 'rejected'}.get(pdu.response, pdu.response), took)
    # That a unit was reset which does not even answer its reset would not be true.
    equal(pdu.response, REJECTED if fenced and function == 5 else COMPLETE, 'the response')
    check(least - 0.02 <= took <= least + SLACK, '%s of %s: after %.2f s', FUNCTIONS[function], what, took)
    check(task.status is None, 'the command was answered: %s', task.status)
    s.tasks.clear()
    while (sense := s.command(TEST_UNIT_READY, lun=unit).sense_code()) and sense >> 16 == 6:
        pass
    equal(sense or 0, 0x020403 if fenced else 0, 'the sense afterwards')


def tell(name):
    def run(t):
        s = t.log_in()
        for function in FUNCTIONS:
            answered(t, s, name, function)
    run.__name__ = 'stuck_' + name
    conversation('SAM-5 7', 'each function, while the device has ' + KEPT[name][0], seconds=60)(run)


for each in KEPT:
    tell(each)
