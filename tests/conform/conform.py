#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Conformance: libiscsi's suite against sptgtd, every outcome held against a table.

  conform.py --sptgtd PROGRAM --expect TABLE     start a daemon with a memory disk; fail on every difference.
                                                 --disk 'KEY = VALUE' changes the disk, --read-only its mapping
  conform.py --url URL [--url URL]               run against anything and print the outcomes
  conform.py --direct URL --through URL          no test may come out worse through the second than at the first
  conform.py --sptgtd PROGRAM --before-tgtd      likewise, with a tgtd of its own and a daemon before it

--select and --leave-out take comma separated patterns of SUITE.TEST. A table line is SUITE.TEST, skip or fail (or pass, to
take back a line of an earlier table), and the reason in one line; a test that is in no table must pass, and one that does
better than its line is a difference too. Several --expect are read in order.
"""

import argparse
import fnmatch
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))

import suite  # noqa: E402
import tgtd  # noqa: E402
from sptgt_config import NAMES, configuration, section, target  # noqa: E402
from sptgt_daemon import Daemon, DaemonError  # noqa: E402

TARGET = NAMES + 'conform'
DISK = {'backend': 'mem', 'size': '1G'}


def read_table(path):
    table = {}
    with open(path) as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if not line or line.startswith('#'):
                continue
            words = line.split(None, 2)
            if len(words) != 3 or words[1] not in ('skip', 'fail', 'pass') or words[0] in table:
                sys.exit('%s:%d: a line is SUITE.TEST, skip, fail or pass, and the reason; each test once' % (path, number))
            table[words[0]] = (words[1], words[2])
    return table


def selected(args):
    wanted = [n for n in suite.names() if not args.select or any_match(n, args.select)]
    return [n for n in wanted if not (args.leave_out and any_match(n, args.leave_out))]


def any_match(name, patterns):
    return any(fnmatch.fnmatchcase(name, p.strip()) for p in patterns.split(','))


def totals(words):
    return ', '.join('%d %s' % (words.count(w), w) for w in suite.RANK if words.count(w)) or 'none'


def run_expected(args):
    """Against a daemon of our own: every outcome as the table says, the daemon alive after each and ending well."""
    table = {}
    for path in args.expect:
        table.update(read_table(path))
    known = suite.names()
    wrong = ['%s: in the table, but there is no such test' % n for n in table if n not in known]
    disk = dict(DISK, **dict(word.replace(' ', '').split('=', 1) for word in args.disk))
    daemon = Daemon(args.sptgtd, configuration(
        section('device-disk', *('%s = %s' % row for row in disk.items())),
        target('conform', portal='main, second', luns='lun.0 = disk' + (' read-only' if args.read_only else '')),
        portals=('main', 'second')))
    urls = ['iscsi://127.0.0.1:%d/%s/0' % (daemon.port(p), TARGET) for p in ('main', 'second')]
    words = []
    for name in selected(args):
        outcome = suite.run(name, urls, args.timeout, initiator=args.initiator)
        expected, why = table.get(name, ('pass', ''))
        words.append(outcome.word)
        if outcome.word != expected:
            wrong.append('%s: %s, and %s was expected%s\n    %s'
                         % (name, outcome.word, expected, ' (%s)' % why if why else '', outcome.reason()))
            if args.verbose:
                print(outcome.text)
        report(args, name, outcome, 'as expected' if outcome.word == expected else 'NOT ' + expected,
               outcome.word == expected)
        if not daemon.alive():
            wrong.append('%s: sptgtd is gone after this test' % name)
            break
    wrong += daemon.stop()
    return words, wrong


def run_plain(args):
    words = []
    for name in selected(args):
        outcome = suite.run(name, args.url, args.timeout, initiator=args.initiator)
        words.append(outcome.word)
        print('%-40s %-5s %5.2f s  %s' % (name, outcome.word, outcome.seconds, outcome.reason()), flush=True)
        if args.verbose and outcome.word not in ('pass', 'skip'):
            print(outcome.text)
    return words, []


def run_compared(args):
    """What passes directly must pass through sptgt, and what is skipped there may be skipped or pass. A test that fails
    directly is the upstream's own affair: nothing is asked of it here but that the daemon outlives it. What passes through
    sptgt cannot be worse, and is not run directly.
    """
    words, wrong = [], []
    passed = suite.passed_together(selected(args), args.through, args.timeout) if args.together else {}
    for name in selected(args):
        through = passed.get(name) or suite.run(name, [args.through], args.timeout, initiator=args.initiator)
        if through.word == 'pass':
            words.append(through.word)
            report(args, name, through, 'not run directly', True)
            continue
        direct = suite.run(name, [args.direct], args.timeout, initiator=args.initiator)
        if is_worse(direct, through):
            # once more: a result that comes from a slow machine does not repeat
            through = suite.run(name, [args.through], args.timeout, initiator=args.initiator)
        words.append(through.word)
        worse = is_worse(direct, through)
        if worse:
            wrong.append('%s: %s directly, %s through sptgt\n    %s'
                         % (name, direct.word, through.word, through.reason()))
            if args.verbose:
                print(through.text)
        report(args, name, through, 'directly ' + direct.word + (', WORSE' if worse else ''),
               through.word == direct.word)
    return words, wrong


def run_before_tgtd(args):
    upstream = tgtd.Tgtd()
    try:
        daemon = Daemon(args.sptgtd, configuration(
            section('device-up', 'backend = iscsi', 'url = ' + upstream.url()), target('conform', luns='lun.0 = up'), workers=1))
        args.direct, args.through = upstream.url(), 'iscsi://127.0.0.1:%d/%s/0' % (daemon.port(), TARGET)
        words, wrong = run_compared(args)
        return words, wrong + daemon.stop()
    finally:
        upstream.stop()


def is_worse(direct, through):
    return direct.word in ('pass', 'skip') and suite.RANK[through.word] < suite.RANK[direct.word]


def report(args, name, outcome, remark, dull):
    if not (args.quiet and dull):
        print('%-40s %-5s %5.2f s  %s' % (name, outcome.word, outcome.seconds, remark), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--sptgtd')
    p.add_argument('--expect', action='append')
    p.add_argument('--disk', action='append', default=[])
    p.add_argument('--read-only', action='store_true')
    p.add_argument('--url', action='append')
    p.add_argument('--direct')
    p.add_argument('--through')
    p.add_argument('--before-tgtd', action='store_true')
    p.add_argument('--together', action='store_true', help='with --through: a family in one process')
    p.add_argument('--select')
    p.add_argument('--leave-out')
    p.add_argument('--initiator')
    p.add_argument('--timeout', type=float, default=60)
    p.add_argument('--quiet', action='store_true', help='print only what is not as it should be')
    p.add_argument('--verbose', action='store_true', help="print the suite's own words for what failed")
    args = p.parse_args()

    start = time.monotonic()
    try:
        if args.url:
            words, wrong = run_plain(args)
        elif args.direct and args.through:
            words, wrong = run_compared(args)
        elif args.sptgtd and args.before_tgtd:
            words, wrong = run_before_tgtd(args)
        elif args.sptgtd and args.expect:
            words, wrong = run_expected(args)
        else:
            p.error('one of --url, --direct with --through, --sptgtd with --expect or --before-tgtd')
    except (DaemonError, tgtd.TgtdError) as e:
        sys.exit('conform: %s' % e)
    print('%d tests in %.1f s: %s' % (len(words), time.monotonic() - start, totals(words)))
    if not words:
        wrong.append('no test was run')
    for text in wrong:
        print('NOT SO: ' + text)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
