#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run conversations:  run.py --sptgtd PROGRAM FILE...     against a daemon of our own, with the configuration of each file
                       run.py --address HOST:PORT --target IQN [--lun N] FILE...     against anything

Each file holds one subject. Its conversations run side by side unless they say that they must be alone; after each one a
new session must still be served, and after all the daemon must have let go of everything and end well. --only PATTERN
chooses by the functions' names, --list tells what there is, --verbose shows the PDUs of what failed in full.
"""

import argparse
import concurrent.futures
import fnmatch
import importlib.util
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))

import talk  # noqa: E402
from sptgt_daemon import Daemon, DaemonError  # noqa: E402


def load(path):
    """The conversations of a file, its configuration, and the files that this names: name -> text, in {dir}."""
    talk.CONVERSATIONS.clear()
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(talk.CONVERSATIONS), getattr(module, 'CONFIG', None) or talk.config(), getattr(module, 'FILES', {})


class Runner:
    def __init__(self, address, target, lun, daemon, verbose):
        self.address, self.target, self.lun, self.daemon, self.verbose = address, target, lun, daemon, verbose
        self.ports = {name: ports[0] for name, ports in daemon.ports.items()} if daemon else {}

    def talk(self, seconds):
        return talk.Talk(self.address, self.target, self.lun, seconds, self.daemon, self.ports)

    def one(self, function):
        """'' when the conversation went as it must, otherwise what was wrong and the last PDUs."""
        t = self.talk(function.seconds)
        try:
            function(t)
        except Exception as e:
            said = str(e) or type(e).__name__
            if not isinstance(e, (talk.Wrong, talk.Gone, talk.Refused)):
                said = '%s: %s at %s' % (type(e).__name__, said, traceback.extract_tb(e.__traceback__)[-1])
            lines = ['line %d' % frame.lineno for frame in traceback.extract_tb(e.__traceback__)
                     if frame.filename == function.__code__.co_filename]
            return '%s (%s)%s' % (said, ', '.join(lines), '\n' + t.trace() if self.verbose else '')
        finally:
            t.close()
            if self.verbose:
                print(''.join('       %s: %s\n' % (function.__name__, line) for line in t.remarks), end='')
        return self.still_serves()

    def still_serves(self):
        t = self.talk(20)
        try:
            t.log_in().settle().good(talk.INQUIRY(36), read=36)
        except Exception as e:
            return 'after it a new session is not served: %s' % e
        finally:
            t.close()
        return ''

    def run(self, functions, jobs):
        failed = 0
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            together = [f for f in functions if not f.alone]
            for function, wrong in zip(together, pool.map(self.one, together)):
                failed += self.report(function, wrong)
        for function in functions:
            if function.alone:
                failed += self.report(function, self.one(function))
        return failed

    def report(self, function, wrong):
        if wrong:
            print('FAILED %s: %s [%s]\n    %s' % (function.__name__, function.title, function.clause,
                                                  wrong.replace('\n', '\n    ')), flush=True)
        elif self.verbose:
            print('ok     %s: %s [%s]' % (function.__name__, function.title, function.clause), flush=True)
        return 1 if wrong else 0


def let_go(daemon, files_before):
    """Once every initiator is gone, so must be everything that was opened for them."""
    end = time.monotonic() + 5
    while daemon.alive() and daemon.open_files() > files_before:
        if time.monotonic() > end:
            return ['%d file descriptors are open, %d were at the start' % (daemon.open_files(), files_before)]
        time.sleep(0.05)
    return []


def run_file(path, args):
    functions, config, files = load(path)
    functions = [f for f in functions if fnmatch.fnmatch(f.__name__, args.only)]
    if args.list:
        for f in functions:
            print('%-40s %s [%s]' % (f.__name__, f.title, f.clause))
        return len(functions), 0
    if args.address:
        host, port = args.address.rsplit(':', 1)
        return len(functions), Runner((host, int(port)), args.target, args.lun, None,
                                      args.verbose).run(functions, args.jobs)
    daemon = Daemon(args.sptgtd, config, log_level=args.log_level, files=files)
    try:
        before = daemon.open_files()
        runner = Runner(('127.0.0.1', daemon.port()), talk.TARGET, 0, daemon, args.verbose)
        failed = runner.run(functions, args.jobs)
        wrong = let_go(daemon, before)
    finally:
        if args.show_log:
            print(daemon.log())
        ended = daemon.stop()
    for text in wrong + ended:
        print('FAILED daemon: ' + text)
    return len(functions), failed + len(wrong) + bool(ended)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('files', nargs='+')
    p.add_argument('--sptgtd')
    p.add_argument('--address')
    p.add_argument('--target', default=talk.TARGET)
    p.add_argument('--lun', type=int, default=0)
    p.add_argument('--only', default='*')
    p.add_argument('--jobs', type=int, default=8)
    p.add_argument('--log-level', default='info')
    p.add_argument('--show-log', action='store_true')
    p.add_argument('--list', action='store_true')
    p.add_argument('--verbose', action='store_true')
    args = p.parse_args()
    if not (args.list or args.address or args.sptgtd):
        p.error('--sptgtd or --address')
    count = failed = 0
    start = time.monotonic()
    for path in args.files:
        try:
            n, f = run_file(path, args)
        except DaemonError as e:
            print('FAILED %s: %s' % (os.path.basename(path), e))
            n, f = 1, 1
        count, failed = count + n, failed + f
    print('%d passed, %d failed in %.1f s' % (max(count - failed, 0), failed, time.monotonic() - start))
    return 1 if failed or not count else 0


if __name__ == '__main__':
    sys.exit(main())
